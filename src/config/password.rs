//! `password_file` and `password_command`: where a login's password is asked for, instead of standing in its URL.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::ConfigError;
use super::files::Files;
use super::section::{Fault, Section, integer, strings};
use crate::db::{ConnectionSettings, PasswordFrom};
use crate::secrets::{PasswordCommand, Passwords};

/// Tokens for cloud databases live for 15 minutes.
const LIFETIME: Duration = Duration::from_secs(10 * 60);
const LIFETIMES: std::ops::RangeInclusive<u64> = 1..=86_400;

/// What the keys are called in one table.
pub(super) struct Keys {
    /// The connection string that the password is for.
    url: &'static str,
    file: &'static str,
    command: &'static str,
    lifetime: &'static str,
}

/// Beside `url`.
pub(super) const OF_URL: Keys = Keys {
    url: "url",
    file: "password_file",
    command: "password_command",
    lifetime: "password_lifetime_seconds",
};

/// Beside a policy's `login`.
pub(super) const OF_LOGIN: Keys = Keys { url: "login", ..OF_URL };

/// Beside `monitor_login`.
pub(super) const OF_MONITOR: Keys = Keys {
    url: "monitor_login",
    file: "monitor_password_file",
    command: "monitor_password_command",
    lifetime: "monitor_password_lifetime_seconds",
};

/// `None`: there are no such keys.
pub(super) fn passwords(
    section: &mut Section<'_>,
    keys: &Keys,
    files: Files<'_>,
) -> Result<Option<Arc<Passwords>>, ConfigError> {
    let file = section.value(keys.file, |value| files.path(value))?;
    let command = section.value(keys.command, |value| match &file {
        Some(_) => Err(Fault::new(format!("stands beside `{}`: one of them", keys.file), None)),
        None => program(value),
    })?;
    let lifetime = section.value(keys.lifetime, |value| match &command {
        Some(_) => integer(LIFETIMES)(value).map(Duration::from_secs),
        None => Err(Fault::new(format!("is for a `{}`", keys.command), None)),
    })?;
    let of_command = command.map(|(program, arguments)| {
        Passwords::of_command(PasswordCommand::new(program, arguments, lifetime.unwrap_or(LIFETIME)))
    });
    Ok(file.map(Passwords::of_file).or(of_command))
}

/// `connection` with the passwords of the keys beside it.
pub(super) fn with_passwords(
    section: &mut Section<'_>,
    keys: &Keys,
    files: Files<'_>,
    connection: ConnectionSettings,
) -> Result<ConnectionSettings, ConfigError> {
    let Some(passwords) = passwords(section, keys, files)? else { return Ok(connection) };
    if *connection.password_from() == PasswordFrom::Given {
        let what =
            format!("has a password in its `{}`, and a `{}` or `{}`", keys.url, keys.file, keys.command);
        return Err(section.fault(&what).hint(Some(format!("leave it out of the `{}`", keys.url))));
    }
    Ok(connection.with_passwords(passwords))
}

/// The same of a connection that there may be.
pub(super) fn with_passwords_of(
    section: &mut Section<'_>,
    keys: &Keys,
    files: Files<'_>,
    connection: Option<ConnectionSettings>,
) -> Result<Option<ConnectionSettings>, ConfigError> {
    match connection {
        Some(connection) => with_passwords(section, keys, files, connection).map(Some),
        None if passwords(section, keys, files)?.is_some() => {
            let what = format!("has a `{}` or `{}`, and no `{}`", keys.file, keys.command, keys.url);
            Err(section.fault(&what))
        }
        None => Ok(None),
    }
}

/// A program by its absolute path, and its arguments.
fn program(value: &DeValue<'_>) -> Result<(PathBuf, Vec<String>), Fault> {
    let hint = || Some("as in `[\"/usr/local/bin/mint\", \"shop\"]`; no shell runs it".to_owned());
    let words = strings(value)?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(Fault::new("names no program", hint()));
    };
    if !Path::new(program).is_absolute() || words.iter().any(|word| word.contains('\0')) {
        return Err(Fault::new("does not begin with the absolute path of a program", hint()));
    }
    Ok((PathBuf::from(program), arguments.to_vec()))
}
