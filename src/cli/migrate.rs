//! `pgwarden migrate`: makes the store's tables, or brings them up to date.

use std::process::ExitCode;

use anyhow::{anyhow, bail};

use super::arguments::MigrateArguments;
use super::setup::{environment, store_named};
use crate::store::migrate::{Migration, migrate, pending};

pub(super) async fn run(arguments: MigrateArguments) -> anyhow::Result<ExitCode> {
    let connection = match (arguments.store, environment("PGWARDEN_STORE")) {
        (Some(store), _) => store_named("--store", &store, &environment)?,
        (None, Some(store)) => store_named("PGWARDEN_STORE", &store, &environment)?,
        (None, None) => bail!("no store is named: use --store URL, or set PGWARDEN_STORE"),
    };
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

fn words(error: &crate::pg::Diagnostic) -> String {
    match &error.hint {
        Some(hint) => format!("{}\nhint: {hint}", error.message),
        None => error.message.clone(),
    }
}
