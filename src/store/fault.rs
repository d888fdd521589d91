//! What goes wrong with the store's database, in words for callers: PostgreSQL's own go to the log.

use tracing::warn;

use crate::pg::{Diagnostic, Source, SqlState};

pub fn fault(error: Diagnostic) -> Diagnostic {
    warn!(sqlstate = error.sqlstate.as_str(), "the store: {}", error.message);
    let message = match error.sqlstate.class() {
        "42" | "3F" => "the store does not have the tables, or the rights, that it should",
        "28" => "the store's database refuses the login",
        _ if error.source == Source::Connection => "the store cannot be reached",
        "57" => "the store's database is stopping, or has stopped a statement",
        _ => "the store's database reports an error",
    };
    let schema = matches!(error.sqlstate.class(), "42" | "3F");
    // To a caller another code would say something of the statement that was asked.
    let sqlstate = if error.source == Source::Connection { error.sqlstate } else { SqlState::INTERNAL_ERROR };
    let fault =
        Diagnostic { retryable: error.retryable, ..Diagnostic::new(Source::Connection, sqlstate, message) };
    if schema {
        fault.hint("run pgwarden migrate, and grant the login what is in the schema pgwarden")
    } else {
        fault.hint("try again in a moment; the server's log has more")
    }
}
