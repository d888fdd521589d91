//! Where PostgreSQL is and as whom to log in: a URL or keyword string, then libpq's environment, then defaults.
//!
//! The process environment comes in as a closure, so that nothing here is global. No message and no Debug quotes a
//! password, nor any word of the string that might be one.

mod keywords;
mod parameters;
mod passfile;
mod password_from;
mod resolve;
mod url;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Pooler;
pub use password_from::PasswordFrom;
pub use resolve::Environment;

pub(super) use crate::secrets::Password;
use crate::secrets::Passwords;

/// libpq's `sslmode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// One place to try; several are tried in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Host {
    pub name: HostName,
    /// Saves the look-up of the name; the name is still what the certificate must say.
    pub address: Option<IpAddr>,
    pub port: u16,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HostName {
    Tcp(String),
    /// The directory of the socket.
    Unix(PathBuf),
}

/// Which server to accept among the hosts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TargetSession {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum RootCertificates {
    /// Those of the operating system.
    System,
    File(PathBuf),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TlsSettings {
    pub mode: SslMode,
    pub roots: Option<RootCertificates>,
    /// Certificate and key.
    pub client: Option<(PathBuf, PathBuf)>,
    pub channel_binding: tokio_postgres::config::ChannelBinding,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Keepalive {
    pub idle: Duration,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

/// Everything needed to connect. Debug and Display never show the password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionSettings {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    /// One per host: password files may know several.
    pub(super) passwords: Vec<Option<Password>>,
    pub(super) password_from: PasswordFrom,
    pub(super) dbname: String,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) connect_timeout: Duration,
    pub(super) keepalive: Option<Keepalive>,
    pub(super) tcp_user_timeout: Option<Duration>,
    pub(super) target: TargetSession,
    pub(super) tls: TlsSettings,
    /// Why a password file was passed over; said when a password turns out to be missing.
    pub(super) passfile_note: Option<String>,
    pub(super) pooler: Pooler,
}

/// What is wrong with a connection string or with libpq's environment. Never quotes a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConninfoError {
    pub message: String,
    pub hint: Option<String>,
}

impl ConninfoError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl ConnectionSettings {
    /// Reads `conninfo` (`postgres://..` or `host=.. dbname=..`, may be empty), fills the gaps from `env` (PGHOST,
    /// PGPASSFILE, ..) and then from libpq's defaults. Reads the password file and looks for certificate files.
    pub fn parse(conninfo: &str, env: Environment<'_>) -> Result<Self, ConninfoError> {
        let conninfo = conninfo.trim();
        let given = if let Some(rest) = url::scheme(conninfo) {
            url::parse(rest)?
        } else {
            keywords::parse(conninfo)?
        };
        resolve::resolve(parameters::accept(given)?, env)
    }

    /// The same, under another `application_name`.
    pub(super) fn named(mut self, application_name: &str) -> Self {
        application_name.clone_into(&mut self.application_name);
        self
    }

    /// The same, with what is known of a pooler on the way.
    pub fn with_pooler(self, pooler: Pooler) -> Self {
        Self { pooler, ..self }
    }

    pub fn pooler(&self) -> Pooler {
        self.pooler
    }

    /// The same for another login, without the passwords of this one.
    pub(super) fn for_login(&self, user: &str, password: Option<&str>) -> Self {
        let password = password.map(Password::new);
        Self {
            user: user.to_owned(),
            passwords: vec![password; self.hosts.len()],
            password_from: PasswordFrom::Nowhere,
            passfile_note: None,
            ..self.clone()
        }
    }

    /// The same, with passwords that are asked for when a connection is opened: they go before libpq's environment.
    #[must_use]
    pub fn with_passwords(self, passwords: Arc<Passwords>) -> Self {
        let none = vec![None; self.hosts.len()];
        let password_from = PasswordFrom::Asked(passwords);
        Self { passwords: none, password_from, passfile_note: None, ..self }
    }

    /// The same, with this password alone.
    pub(super) fn with_password(&self, password: &Password) -> Self {
        let passwords = vec![Some(password.clone()); self.hosts.len()];
        Self { passwords, password_from: PasswordFrom::Given, ..self.clone() }
    }

    pub fn password_from(&self) -> &PasswordFrom {
        &self.password_from
    }

    /// `user@host:port/dbname`, without the password.
    pub fn shown(&self) -> String {
        format!("{}@{}", self.user, self.place())
    }

    /// `host:port/dbname`.
    pub fn place(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::shown).collect();
        format!("{}/{}", hosts.join(","), self.dbname)
    }

    /// It is known which server a connection reaches.
    pub fn is_of_one_host(&self) -> bool {
        self.hosts.len() == 1
    }

    /// The way to PostgreSQL does not leave this machine.
    pub fn is_local(&self) -> bool {
        self.hosts.iter().all(|host| match (&host.name, host.address) {
            (HostName::Unix(_), _) => true,
            (HostName::Tcp(_), Some(address)) => address.is_loopback(),
            (HostName::Tcp(name), None) => {
                name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        })
    }

    pub fn user(&self) -> &str {
        &self.user
    }

    pub fn dbname(&self) -> &str {
        &self.dbname
    }

    pub fn ssl_mode(&self) -> SslMode {
        self.tls.mode
    }
}

impl Host {
    fn shown(&self) -> String {
        match &self.name {
            HostName::Tcp(name) if name.contains(':') => format!("[{name}]:{}", self.port),
            HostName::Tcp(name) => format!("{name}:{}", self.port),
            HostName::Unix(directory) => format!("{}:{}", directory.display(), self.port),
        }
    }
}

impl fmt::Display for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}
