//! What the driver reports, in the one shape that callers read.
//!
//! Positions count in the rewritten text, which the caller never saw: they stay behind here, and `run.rs` translates those
//! that can be. Connection strings and passwords are in none of the driver's errors that pass here.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use crate::pg::{Diagnostic, Source, SqlState};

/// Longest message, detail or hint that is passed on, in characters: PostgreSQL quotes whole values in some.
const LONGEST: usize = 2_000;

pub(super) fn diagnostic(error: &Error) -> Diagnostic {
    if let Some(db) = error.as_db_error() {
        return from_server(db);
    }
    if error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>()) {
        return lost();
    }
    Diagnostic::new(
        Source::Connection,
        SqlState::CONNECTION_FAILURE,
        format!("the conversation with PostgreSQL failed: {error}"),
    )
}

/// An error or a notice as PostgreSQL sent it.
pub(super) fn from_server(db: &DbError) -> Diagnostic {
    let sqlstate = SqlState::parse(db.code().code());
    let source = match sqlstate.as_str() {
        "57P01" | "57P02" | "57P03" | "57P05" | "53300" => Source::Connection,
        _ if matches!(sqlstate.class(), "08" | "28" | "3D") => Source::Connection,
        _ => Source::Postgresql,
    };
    Diagnostic {
        detail: db.detail().map(cut),
        hint: db.hint().map(cut),
        retryable: retryable(sqlstate),
        ..Diagnostic::new(source, sqlstate, cut(db.message()))
    }
}

/// An error of a statement over relations of which something is kept back: its words could hold a value, a name or a
/// count of what is hidden. What is about the server, not about data, passes.
pub(super) fn without_data(error: Diagnostic) -> Diagnostic {
    if error.source != Source::Postgresql
        || matches!(error.sqlstate.class(), "25" | "40" | "53" | "54" | "55" | "57")
    {
        return error;
    }
    let what = match error.sqlstate.class() {
        "22" => "a value cannot be computed or converted",
        "23" => "a constraint does not allow it",
        "42" => "PostgreSQL does not accept the statement",
        _ => "the statement failed",
    };
    Diagnostic { retryable: error.retryable, ..Diagnostic::new(error.source, error.sqlstate, what) }
        .detail(
            "the relations have masked columns or filtered rows, so that PostgreSQL's own words are withheld",
        )
        .hint("check casts, divisions and the types of what is compared")
}

/// The connection ended under us; nothing is known of the statement, which only reads.
pub(super) fn lost() -> Diagnostic {
    Diagnostic::connection(SqlState::CONNECTION_FAILURE, "the connection to PostgreSQL was lost")
        .hint("try again: a new connection is opened for the next call")
}

/// Worth trying on another connection, if nothing of the statement has run yet.
pub(super) fn is_gone(error: &Error) -> bool {
    match error.as_db_error() {
        Some(db) => matches!(db.code().code(), "57P01" | "57P02" | "57P03" | "57P05"),
        None => error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>()),
    }
}

fn retryable(sqlstate: SqlState) -> bool {
    matches!(
        sqlstate.as_str(),
        "40001" | "40P01" | "55P03" | "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25P03"
    ) || sqlstate.class() == "08"
}

fn cut(text: &str) -> String {
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut out: String = one_line.take(LONGEST + 1).collect();
    if let Some((at, _)) = out.char_indices().nth(LONGEST) {
        out.truncate(at);
        out.push_str("..");
    }
    out
}
