//! `[store]`: what replicas share, and what outlives a process.

use std::path::{Path, PathBuf};

use super::ConfigError;
use super::section::{Fault, Section, string};
use crate::db::ConnectionSettings;

/// Without one, tasks, approvals and authorizations are kept in memory, for one process.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// A PostgreSQL database of pgwarden's own, which `pgwarden migrate` has made ready.
    pub connection: Option<ConnectionSettings>,
    /// The key that the store's contents are sealed with.
    pub key_file: Option<PathBuf>,
}

pub(super) fn store(
    mut section: Section<'_>,
    folder: &Path,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Store, ConfigError> {
    let connect = |url: &str| {
        ConnectionSettings::parse(url, env)
            .map_err(|error| Fault::new(format!("cannot be used: {}", error.message), error.hint))
    };
    let store = Store {
        connection: section.value("url", |value| connect(&string(value)?))?,
        key_file: section.value("key_file", string)?.map(|file| folder.join(file)),
    };
    section.finish()?;
    Ok(store)
}
