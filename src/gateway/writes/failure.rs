//! Errors of PostgreSQL about a write: constraints, triggers and foreign keys name relations that the caller may not see.

use crate::gateway::visible::Visible;
use crate::pg::{Diagnostic, Source};

/// The error without its words where they name what is hidden. Its SQLSTATE stays.
pub(super) fn told(error: Diagnostic, visible: &Visible<'_>) -> Diagnostic {
    if error.source != Source::Postgresql {
        return error;
    }
    let texts = [Some(&error.message), error.detail.as_ref(), error.hint.as_ref()];
    if texts.into_iter().flatten().all(|text| visible.may_say(text)) {
        return error;
    }
    let message = match error.sqlstate.class() {
        "23" => "a constraint does not allow it",
        _ => "the statement failed",
    };
    Diagnostic { retryable: error.retryable, ..Diagnostic::new(error.source, error.sqlstate, message) }
        .detail("PostgreSQL's own words are withheld: they name what this policy hides")
}
