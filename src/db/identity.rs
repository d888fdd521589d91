//! As whom PostgreSQL sees what runs.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::introspect::Facts;
use crate::pg::{Diagnostic, SqlState};

const BEGIN: &str = "BEGIN READ ONLY";
/// The role's name is a value here, never text.
const ASSUME: &str = include_str!("identity.sql");

/// As whom one [`super::Database`] runs everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Identity {
    /// The login of the configuration, with what it was granted.
    #[default]
    Login,
    /// The login of the configuration, which is there to take roles: whatever it may do by itself is a finding.
    Gate,
    /// The login of the configuration, under which no caller's statement runs: they have logins of their own.
    Outside,
    /// A role that the login takes in each transaction, and that is gone with it (SET LOCAL ROLE).
    Role(String),
    /// A caller's own login.
    Own,
}

impl Identity {
    /// The role to take.
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Role(role) => Some(role),
            Self::Login | Self::Gate | Self::Outside | Self::Own => None,
        }
    }

    /// It is one caller's: what is said of it to callers names nothing that their policy may hide.
    pub(super) const fn is_of_caller(&self) -> bool {
        matches!(self, Self::Role(_) | Self::Own)
    }

    /// No statement of a caller's runs as it. What it may read says nothing: its catalog is there to hold policies and notes
    /// against, and shows what any other identity might read.
    pub(super) const fn is_beside_callers(&self) -> bool {
        matches!(self, Self::Gate | Self::Outside)
    }

    /// Takes the role for the rest of the transaction. The request leaves on the first poll.
    pub(super) async fn assume(&self, client: &Client) -> Result<(), Error> {
        match self.role() {
            Some(role) => client.query_typed(ASSUME, &[(&role, Type::TEXT)]).await.map(drop),
            None => Ok(()),
        }
    }

    /// Opens a transaction under the role, where there is one to take: for statements of our own that ask what the
    /// current user may see. It ends with the lease.
    pub(super) async fn enter(&self, client: &Client) -> Result<(), Error> {
        if self.role().is_none() {
            return Ok(());
        }
        let (begun, assumed) =
            futures_util::future::join(client.batch_execute(BEGIN), self.assume(client)).await;
        begun.and(assumed)
    }

    /// The users that the session must have whenever it is looked at.
    pub(super) fn users(&self, facts: &Facts) -> Result<Users, Diagnostic> {
        let expected = self.role().unwrap_or(&facts.session_user);
        if facts.login != expected {
            return Err(not_taken());
        }
        Ok(Users { session: facts.session_user.clone(), current: facts.login.clone() })
    }

    /// Why the catalog could not be read, for callers: that the role cannot be taken has many reasons, and one answer.
    pub(super) fn explain(&self, failure: Diagnostic) -> Diagnostic {
        let of_role = matches!(failure.sqlstate.as_str(), "42501" | "22023" | "42704");
        if self.role().is_some() && failure.rule.is_none() && of_role { not_taken() } else { failure }
    }
}

/// `session_user` and `current_user`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Users {
    pub session: String,
    pub current: String,
}

fn not_taken() -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_AUTHORIZATION, "your role cannot be taken in this database")
        .rule("login.role")
        .hint("tell who runs pgwarden: the role must exist, and its login must be a member of it; `pgwarden doctor` looks")
}
