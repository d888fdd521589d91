//! Where things are kept: in memory, or in the PostgreSQL that `[store]` names.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use crate::approvals::{ApprovalSettings, PostgresApprovals};
use crate::config::{self, Tasks};
use crate::db::ConnectionSettings;
use crate::pg::Diagnostic;
use crate::secrets::read_text;
use crate::store::MasterKey;
use crate::store::before::BeforeImages;
use crate::store::suspensions::Suspensions;
use crate::tasks::{MemoryStore, Pace, PostgresStore, Store};

/// The database that replicas share, and the key that its contents are sealed with.
pub(in crate::cli) struct Shared {
    pub(in crate::cli) connection: ConnectionSettings,
    pub(in crate::cli) key: MasterKey,
}

/// `None`: everything is kept in memory.
pub(in crate::cli) fn shared(store: &config::Store, key: Option<String>) -> anyhow::Result<Option<Shared>> {
    let Some(connection) = store.connection.clone() else { return Ok(None) };
    let key = match (key, &store.key_file) {
        (Some(key), _) => read_key(&key).context("`PGWARDEN_STORE_KEY` is no key")?,
        (None, Some(file)) => from_file(file)?,
        (None, None) => bail!(
            "`[store]` needs a key that its contents are sealed with, the same for all replicas\n\
             hint: set `key_file` to a file with 64 hexadecimal digits, or PGWARDEN_STORE_KEY to the digits; \
             `openssl rand -hex 32` makes some"
        ),
    };
    Ok(Some(Shared { connection, key }))
}

/// Opens the store of tasks.
pub(in crate::cli) async fn of_tasks(
    shared: Option<&Shared>,
    tasks: &Tasks,
) -> anyhow::Result<Arc<dyn Store>> {
    let Some(Shared { connection, key }) = shared else {
        tracing::info!("tasks are kept in memory, and end with this process");
        return Ok(Arc::new(MemoryStore::new(tasks.settings.clone())));
    };
    let pace = tasks.heartbeat.map_or_else(Pace::default, |heartbeat| Pace { heartbeat, ..Pace::default() });
    let store = PostgresStore::open(connection.clone(), tasks.settings.clone(), key, pace).await;
    let store = store.map_err(|error| anyhow!(words(&error)))?;
    tracing::info!(store = %connection, "tasks are kept in PostgreSQL");
    Ok(Arc::new(store))
}

/// Opens the store of approvals.
pub(in crate::cli) async fn of_approvals(shared: &Shared) -> anyhow::Result<Arc<PostgresApprovals>> {
    let Shared { connection, key } = shared;
    let store = PostgresApprovals::open(connection.clone(), ApprovalSettings::default(), key).await;
    store.map(Arc::new).map_err(|error| anyhow!(words(&error)))
}

/// Opens the place for rows as they were.
pub(in crate::cli) async fn of_images(shared: Option<&Shared>) -> anyhow::Result<Arc<BeforeImages>> {
    let images = match shared {
        Some(Shared { connection, key }) => BeforeImages::open(connection.clone(), key).await,
        None => BeforeImages::in_memory(),
    };
    let images = Arc::new(images.map_err(|error| anyhow!(words(&error)))?);
    images.keep_swept();
    Ok(images)
}

/// What is suspended, as all replicas have it.
pub(in crate::cli) async fn of_suspensions(shared: Option<&Shared>) -> anyhow::Result<Arc<Suspensions>> {
    let opened = match shared {
        Some(Shared { connection, .. }) => Suspensions::open(connection.clone()).await,
        None => Ok(Suspensions::default()),
    };
    opened.map(Arc::new).map_err(|error| anyhow!(words(&error)))
}

/// The store that `whence` names: a URL, or libpq's words.
pub(in crate::cli) fn named(
    whence: &str,
    store: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<ConnectionSettings> {
    ConnectionSettings::parse(store, env).map_err(|error| match &error.hint {
        Some(hint) => anyhow!("{whence}: {error}\nhint: {hint}"),
        None => anyhow!("{whence}: {error}"),
    })
}

fn from_file(file: &Path) -> anyhow::Result<MasterKey> {
    let shown = file.display();
    let text = read_text(file).with_context(|| format!("cannot read `key_file` `{shown}`"))?;
    read_key(text.trim()).with_context(|| format!("`{shown}` holds no key"))
}

/// 32 bytes as hexadecimal digits.
fn read_key(text: &str) -> anyhow::Result<MasterKey> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks_exact(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    let bytes = bytes.filter(|_| text.len() == 64).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    // Never the text itself.
    bytes.map(MasterKey::new).ok_or_else(|| anyhow!("64 hexadecimal digits were expected"))
}

fn words(error: &Diagnostic) -> String {
    match &error.hint {
        Some(hint) => format!("{}\nhint: {hint}", error.message),
        None => error.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::read_key;

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_nothing_else() {
        assert!(read_key(&"0f".repeat(32)).is_ok());
        for wrong in [String::new(), "0f".repeat(31), "0f".repeat(33), format!("{}0g", "0f".repeat(31))] {
            let error = read_key(&wrong).err().unwrap().to_string();
            assert_eq!(error, "64 hexadecimal digits were expected");
        }
    }
}
