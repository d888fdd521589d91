//! Where this process's events are recorded, if `[audit]` says so.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};

use crate::audit::{At, Audit, Key, Settings};
use crate::config::{AuditLog, AuditTo, Config};
use crate::db::ConnectionSettings;
use crate::secrets::read_text;

/// Opens the audit log. `stdio`: stdout belongs to MCP.
pub(in crate::cli) async fn open(config: &Config, stdio: bool) -> anyhow::Result<Option<Arc<Audit>>> {
    let Some(AuditLog { to, statements, required, key_file }) = &config.audit else { return Ok(None) };
    let at = match to {
        AuditTo::Stdout if stdio => bail!(
            "`[audit] stdout` cannot be with --stdio: stdout belongs to MCP\n\
             hint: set `[audit] file` or `[audit] store`"
        ),
        AuditTo::Stdout => At::Stdout,
        AuditTo::Store => At::Store(Box::new(store_of(config)?)),
        AuditTo::File { path, rotate_bytes, keep_files } => {
            At::File { path: path.clone(), rotate_bytes: *rotate_bytes, keep_files: *keep_files }
        }
    };
    let settings = Settings {
        at,
        statements: *statements,
        required: *required,
        key: key_file.as_deref().map(key).transpose()?,
        databases: config.databases.iter().map(|entry| entry.name.clone()).collect(),
    };
    let audit = Audit::open(settings).await.map_err(|error| match error.hint {
        Some(hint) => anyhow!("{}\nhint: {hint}", error.message),
        None => anyhow!(error.message),
    })?;
    Ok(Some(audit))
}

pub(in crate::cli) fn store_of(config: &Config) -> anyhow::Result<ConnectionSettings> {
    config.store.connection.clone().context("`[audit] store` is the database of `[store]`, and there is none")
}

/// The key in a file, which never shows.
pub(in crate::cli) fn key(file: &Path) -> anyhow::Result<Key> {
    let shown = file.display();
    let text = read_text(file).with_context(|| format!("cannot read the audit log's key file `{shown}`"))?;
    Key::parse(&text).with_context(|| format!("`{shown}` holds no key: 64 hexadecimal digits were expected"))
}
