//! What goes wrong with a statement that writes, in words that tell nothing of what is hidden.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, Severity};

use crate::db::error;
use crate::pg::{Diagnostic, Source, SqlState};
use crate::sql::CheckedWrite;

/// Beginnings of PostgreSQL's word on where an error was raised, in code that is not the caller's.
const INNER: [&str; 3] = ["PL/", "SQL statement", "SQL function"];
/// The end of its first line, where the code raised it on purpose.
const RAISED: &str = "at RAISE";

/// How errors of one statement are told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// Something of a relation that it names is kept back.
    pub guarded: bool,
}

impl Failure {
    /// An error of the statement while it ran: PostgreSQL has rolled back.
    pub(super) fn told(&self, failed: &Error) -> Diagnostic {
        let told = error::diagnostic(failed);
        if told.source == Source::Connection && failed.as_db_error().is_none() {
            return lost();
        }
        let inner = failed.as_db_error().is_some_and(of_inner_code);
        let told = if self.guarded || inner { error::without_data(told) } else { told };
        unchanged(told)
    }

    /// An error of COMMIT: what it says, or that nothing is known.
    pub(super) fn of_commit(&self, failed: &Error) -> Diagnostic {
        match failed.as_db_error() {
            // Deferred constraints of whatever relation: nobody can say whose rows it speaks of.
            Some(db) if !ended_the_session(db) => unchanged(error::without_data(error::diagnostic(failed))),
            Some(_) | None => unknown_outcome(),
        }
    }
}

/// Nothing has run. With the place in the caller's text.
pub(super) fn not_begun(failed: &Error, write: &CheckedWrite) -> Diagnostic {
    let told = error::diagnostic(failed);
    let standby =
        told.message.contains("during recovery") || told.message.contains("recovery is in progress");
    if standby {
        return Diagnostic::refused(
            SqlState::READ_ONLY_SQL_TRANSACTION,
            "this server is a standby, which only reads: nothing was changed",
        )
        .hint("let the DBA name the primary in the database's `url`, for example by target_session_attrs=read-write");
    }
    let position = failed.as_db_error().and_then(|error| match error.position() {
        Some(ErrorPosition::Original(character)) => write.place_of(*character),
        Some(ErrorPosition::Internal { .. }) | None => None,
    });
    Diagnostic { position, ..told }
}

/// The connection ended before COMMIT was sent.
pub(super) fn lost() -> Diagnostic {
    let message = "the connection to PostgreSQL was lost before COMMIT: nothing was changed";
    Diagnostic::connection(SqlState::CONNECTION_FAILURE, message)
        .hint("try again: a new connection is opened for the next call")
}

/// COMMIT was sent, and its answer did not come.
pub(super) fn unknown_outcome() -> Diagnostic {
    let message =
        "the connection was lost while PostgreSQL committed: it is not known whether the rows were changed";
    Diagnostic::new(Source::Connection, SqlState::TRANSACTION_RESOLUTION_UNKNOWN, message)
        .rule("write.unknown_outcome")
        .hint("look at the rows before you ask for it again")
}

/// The error is of a function, a trigger, or what a foreign key does: it may quote rows that the caller never named.
fn of_inner_code(db: &DbError) -> bool {
    let first = db.where_().and_then(|context| context.lines().next()).unwrap_or_default();
    INNER.iter().any(|words| first.starts_with(words)) && !first.ends_with(RAISED)
}

fn ended_the_session(db: &DbError) -> bool {
    // Without a severity, of a server before 9.6, nothing is promised.
    !matches!(db.parsed_severity(), Some(Severity::Error))
}

/// What is worth a second call says that the first has changed nothing.
fn unchanged(told: Diagnostic) -> Diagnostic {
    if told.sqlstate.class() != "40" {
        return told;
    }
    told.hint(
        "nothing was changed: another transaction wrote to the same rows; the same call may succeed now",
    )
}
