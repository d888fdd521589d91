//! Where a connection's password comes from: told to people, never with the password.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::secrets::Passwords;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PasswordFrom {
    /// There is none: PostgreSQL lets the login in by other means, or not at all.
    Nowhere,
    /// It stands in the connection string.
    Given,
    /// PGPASSWORD.
    Environment,
    /// libpq's password file has a line for it.
    Passfile(PathBuf),
    /// A file or a program, asked whenever a connection is opened.
    Asked(Arc<Passwords>),
}

/// As in `its password comes from ..`; `nowhere` where there is none.
impl fmt::Display for PasswordFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::Given => f.write_str("the connection string"),
            Self::Environment => f.write_str("PGPASSWORD"),
            Self::Passfile(path) => write!(f, "the password file `{}`", path.display()),
            Self::Asked(passwords) => write!(f, "{passwords}"),
        }
    }
}
