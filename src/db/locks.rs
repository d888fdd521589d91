//! The server's own word on what a statement touches: the relations that our backend has locked, compared with those
//! that were checked.
//!
//! Parse locks every relation of a statement, those behind views included; planning and execution add partitions,
//! indexes and what functions read. One beyond the checked ones means that PostgreSQL saw more than we did.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::identity::Users;
use crate::pg::{Diagnostic, Oid, SqlState};

/// Sent as text each time: a function could have put another statement under a prepared one's name.
const OWN: &str = include_str!("own_locks.sql");
const OF_BACKEND: &str = include_str!("backend_locks.sql");

/// What a backend holds, and what it is at the moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Locks {
    relations: Vec<u32>,
    /// Something else than reading relations: another lock mode, an advisory lock, a transaction ID.
    beyond_reading: bool,
}

/// What must hold of our session whenever locks are read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Session {
    read_only: bool,
    current_user: String,
    session_user: String,
    standard_strings: bool,
}

/// Reads the locks of the client's own backend. The request leaves on the first poll.
pub(super) async fn own(client: &Client) -> Result<(Locks, Session), Error> {
    let row = client.query_typed_one(OWN, &[]).await?;
    Ok((locks(&row)?, Session::of(&row, 2)?))
}

/// Reads the locks of another backend; `None` where it is in no transaction any more, and so holds none. `client` is
/// a connection of ours to the same database.
pub(super) async fn of_backend(client: &Client, backend: i32) -> Result<Option<Locks>, Error> {
    let row = client.query_typed_one(OF_BACKEND, &[(&backend, Type::INT4)]).await?;
    let in_transaction: bool = row.try_get(2)?;
    Ok(in_transaction.then_some(locks(&row)?))
}

fn locks(row: &Row) -> Result<Locks, Error> {
    Ok(Locks { relations: row.try_get(0)?, beyond_reading: row.try_get(1)? })
}

impl Session {
    /// Of four columns, the first of them at `first`.
    pub fn of(row: &Row, first: usize) -> Result<Self, Error> {
        Ok(Self {
            read_only: row.try_get(first)?,
            current_user: row.try_get(first + 1)?,
            session_user: row.try_get(first + 2)?,
            standard_strings: row.try_get(first + 3)?,
        })
    }

    /// The transaction is still ours: read-only, under the login and its role, with strings read as they were printed.
    pub fn check(&self, users: &Users) -> Result<(), Diagnostic> {
        let ours = self.session_user == users.session && self.current_user == users.current;
        if self.read_only && ours && self.standard_strings {
            return Ok(());
        }
        Err(refusal("the session is not as it was set up: it must be read-only and act as its login, or as the role it took")
            .rule("server.session"))
    }
}

impl Locks {
    /// `reach` is sorted.
    pub fn check(&self, reach: &[Oid]) -> Result<(), Diagnostic> {
        let strangers = self.relations.iter().filter(|oid| reach.binary_search(&Oid(**oid)).is_err());
        self.verdict(strangers)
    }

    /// For a statement whose functions may read what they read.
    pub fn check_reading(&self) -> Result<(), Diagnostic> {
        self.verdict(std::iter::empty())
    }

    fn verdict<'o>(&self, strangers: impl Iterator<Item = &'o u32>) -> Result<(), Diagnostic> {
        let strangers: Vec<String> = strangers.map(ToString::to_string).collect();
        if strangers.is_empty() && !self.beyond_reading {
            return Ok(());
        }
        // The alarm names what the caller must not learn.
        tracing::error!(
            target: "pgwarden::alarm",
            relations = strangers.join(","),
            beyond_reading = self.beyond_reading,
            "a statement reached more than was checked: it was refused"
        );
        Err(refusal("the statement reaches more than was checked").rule("server.locks").hint(
            "if a table, view or policy was changed just now, try again; else ask the DBA to look at the log",
        ))
    }
}

fn refusal(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
