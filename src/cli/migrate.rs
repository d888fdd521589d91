//! `pgwarden migrate`: makes the task store's tables, or brings them up to date.

use std::process::ExitCode;

use anyhow::anyhow;

use super::arguments::MigrateArguments;
use super::setup::environment;
use crate::db::ConnectionSettings;
use crate::tasks::postgres::migrate::{Migration, migrate, pending};

pub(super) async fn run(arguments: MigrateArguments) -> anyhow::Result<ExitCode> {
    let store = arguments
        .store
        .or_else(|| environment("PGWARDEN_STORE"))
        .ok_or_else(|| anyhow!("no task store is named: use --store URL, or set PGWARDEN_STORE"))?;
    let connection = connection(&store)?;
    let (done, migrations) = if arguments.dry_run {
        ("would apply", pending(&connection).await)
    } else {
        ("applied", migrate(&connection).await)
    };
    let migrations = migrations.map_err(|error| anyhow!(words(&error)))?;
    if migrations.is_empty() {
        println!("`{connection}` is up to date");
    }
    for Migration { version, name, .. } in migrations {
        println!("{done} {version:04} {name} in `{connection}`");
    }
    Ok(ExitCode::SUCCESS)
}

fn connection(store: &str) -> anyhow::Result<ConnectionSettings> {
    ConnectionSettings::parse(store, &environment).map_err(|error| match &error.hint {
        Some(hint) => anyhow!("{error}\nhint: {hint}"),
        None => anyhow!("{error}"),
    })
}

fn words(error: &crate::pg::Diagnostic) -> String {
    match &error.hint {
        Some(hint) => format!("{}\nhint: {hint}", error.message),
        None => error.message.clone(),
    }
}
