//! `pgwarden before`: rows as they were before statements changed them, for the DBA who has the store's key.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Subcommand;

use super::arguments::StoreTarget;
use super::setup::{environment, read_config, shared_store};
use crate::pg::Diagnostic;
use crate::store::before::{BeforeImages, Image, ImageId};

#[derive(Debug, Subcommand)]
pub(super) enum BeforeCommand {
    /// List the images that have not expired, the newest first
    List {
        #[command(flatten)]
        store: StoreTarget,
        /// Answer with a JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Print the rows of one, a JSON object a line
    Show {
        #[command(flatten)]
        store: StoreTarget,
        id: String,
    },
}

pub(super) async fn run(command: BeforeCommand) -> anyhow::Result<ExitCode> {
    match command {
        BeforeCommand::List { store, json } => {
            let images = open(&store).await?;
            let listed = images.list().await;
            images.close().await;
            for image in listed.map_err(words)? {
                println!("{}", if json { as_json(&image) } else { as_line(&image) });
            }
        }
        BeforeCommand::Show { store, id } => {
            let id: ImageId =
                id.to_ascii_lowercase().parse().map_err(|()| anyhow!("an id has 32 hexadecimal digits"))?;
            let images = open(&store).await?;
            let rows = images.rows(id).await;
            images.close().await;
            match rows.map_err(words)? {
                Some(rows) => std::io::stdout().lock().write_all(&rows)?,
                None => bail!("there is no image `{id}`: it has expired, or never was"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(target: &StoreTarget) -> anyhow::Result<BeforeImages> {
    let mut config = read_config(target.config.clone(), &environment)?;
    if let Some(store) = &target.store {
        config.store.connection = Some(super::setup::store_named("--store", store, &environment)?);
    }
    match shared_store(&config)? {
        Some(shared) => BeforeImages::open(shared.connection, &shared.key).await.map_err(words),
        None => bail!(
            "no store is named: use --store URL, --config FILE or PGWARDEN_STORE; images that are kept in memory nobody can read"
        ),
    }
}

fn as_line(image: &Image) -> String {
    let about = &image.about;
    let outcome = if image.committed { "" } else { ", outcome unknown" };
    format!(
        "{} {} {} {}.{}: {} rows by {}, until {}{outcome}",
        image.id,
        image.created,
        about.kind,
        about.database,
        about.relation,
        about.rows,
        about.subject,
        image.expires
    )
}

fn as_json(image: &Image) -> String {
    let about = &image.about;
    serde_json::json!({
        "id": image.id.to_string(),
        "committed": image.committed,
        "created": image.created,
        "expires": image.expires,
        "database": about.database,
        "relation": about.relation,
        "kind": about.kind,
        "rows": about.rows,
        "subject": about.subject,
        "query_id": about.query_id,
    })
    .to_string()
}

fn words(error: Diagnostic) -> anyhow::Error {
    match error.hint {
        Some(hint) => anyhow!("{}\nhint: {hint}", error.message),
        None => anyhow!(error.message),
    }
}
