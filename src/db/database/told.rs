//! What is told of a statement that ended early.

use std::time::Duration;

use crate::pg::{Diagnostic, SqlState};

pub(in crate::db) fn past_deadline(deadline: Duration) -> Diagnostic {
    let seconds = deadline.as_secs_f64();
    Diagnostic::refused(
        SqlState::QUERY_CANCELED,
        format!("the statement was canceled: it ran longer than its deadline of {seconds} s"),
    )
    .hint("make it read less: a LIMIT, a condition on an indexed column, a smaller range")
}

/// Nothing of the statement ran: no connection was to be had, or it said nothing.
pub(super) fn unanswered(deadline: Duration) -> Diagnostic {
    let seconds = deadline.as_secs_f64();
    Diagnostic::connection(
        SqlState::CONNECTION_FAILURE,
        format!("PostgreSQL did not answer within the call's deadline of {seconds} s"),
    )
    .hint("nothing has run: try again in a moment")
}

pub(in crate::db) fn canceled_by_client() -> Diagnostic {
    Diagnostic::refused(SqlState::QUERY_CANCELED, "the statement was canceled by the client")
}
