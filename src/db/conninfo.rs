//! Where PostgreSQL is and as whom to log in: a URL or keyword string, then libpq's environment, then defaults.

use std::fmt;

/// libpq's `sslmode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Everything needed to connect. Debug and Display never show the password.
#[derive(Clone)]
pub struct ConnectionSettings {}

/// What is wrong with a connection string or with libpq's environment. Never quotes a password.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConninfoError {
    pub message: String,
    pub hint: Option<String>,
}

impl ConnectionSettings {
    /// Reads `conninfo` (`postgres://..` or `host=.. dbname=..`, may be empty), fills the gaps from `env` (PGHOST,
    /// PGPASSFILE, ..) and then from libpq's defaults.
    pub fn parse(
        _conninfo: &str,
        _env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConninfoError> {
        todo!("skeleton")
    }

    /// `user@host:port/dbname`, without the password.
    pub fn shown(&self) -> String {
        todo!("skeleton")
    }

    pub fn user(&self) -> &str {
        todo!("skeleton")
    }

    pub fn dbname(&self) -> &str {
        todo!("skeleton")
    }

    pub fn ssl_mode(&self) -> SslMode {
        todo!("skeleton")
    }
}

impl fmt::Debug for ConnectionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionSettings")
    }
}
