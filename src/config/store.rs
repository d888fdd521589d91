//! `[store]`: what replicas share, and what outlives a process.

use std::path::PathBuf;
use std::sync::Arc;

use super::ConfigError;
use super::files::Files;
use super::password::{OF_URL, passwords};
use super::section::{Fault, Section, string};
use crate::db::{ConnectionSettings, PasswordFrom};
use crate::secrets::Passwords;

/// Without one, tasks, approvals and authorizations are kept in memory, for one process.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// A PostgreSQL database of pgwarden's own, which `pgwarden migrate` has made ready.
    pub connection: Option<ConnectionSettings>,
    /// Where the password of its login is asked for; `connection` has it already.
    pub passwords: Option<Arc<Passwords>>,
    /// The key that the store's contents are sealed with.
    pub key_file: Option<PathBuf>,
}

pub(super) fn store(
    mut section: Section<'_>,
    files: Files<'_>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Store, ConfigError> {
    let connect = |url: &str| {
        ConnectionSettings::parse(url, env)
            .map_err(|error| Fault::new(format!("cannot be used: {}", error.message), error.hint))
    };
    let connection = section.value("url", |value| connect(&string(value)?))?;
    let passwords = passwords(&mut section, &OF_URL, files)?;
    if passwords.is_some()
        && connection.as_ref().is_some_and(|url| *url.password_from() == PasswordFrom::Given)
    {
        return Err(section.fault("has a password in its `url`, and a `password_file` or `password_command`"));
    }
    let connection = match &passwords {
        Some(passwords) => connection.map(|connection| connection.with_passwords(Arc::clone(passwords))),
        None => connection,
    };
    let key_file = section.value("key_file", |value| files.path(value))?;
    let store = Store { connection, passwords, key_file };
    section.finish()?;
    Ok(store)
}
