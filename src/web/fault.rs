//! A page that says what went wrong, and what to do about it.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::html;

use super::layout::Page;
use crate::pg::Diagnostic;

/// Why there is no other page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    status: StatusCode,
    title: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, title: &'static str, message: impl Into<String>) -> Self {
        Self { status, title, message: message.into() }
    }

    /// The same for what is not there and for what is somebody else's.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found", "There is no such page, or it is not for you.")
    }

    /// A form that was not sent from a page of this session.
    pub(super) fn not_ours() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Nothing was changed",
            "This form does not come from a page of your session, or the session has ended. \
             Go back, load the page again, and send it once more.",
        )
    }

    /// The store or the system does not do its part.
    pub(super) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not at the moment",
            "What this page needs does not answer. Try again in a moment.",
        )
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "That cannot be read", message)
    }
}

/// Of a page that is read, or of one that a form is sent to, and not both.
pub(super) async fn not_allowed() -> Fault {
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "Not like this", "This address is not asked in this way.")
}

/// A refusal has words for its reader; those of a fault are for the log.
impl From<Diagnostic> for Fault {
    fn from(diagnostic: Diagnostic) -> Self {
        if diagnostic.rule.is_none() {
            let sqlstate = diagnostic.sqlstate.as_str();
            tracing::warn!(sqlstate, "a page cannot be shown: {}", diagnostic.message);
            return Self::unavailable();
        }
        let words = match diagnostic.hint {
            Some(hint) => format!("{}: {hint}.", diagnostic.message),
            None => format!("{}.", diagnostic.message),
        };
        Self::new(StatusCode::CONFLICT, "That was not done", words)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        Page::new(self.title, html! { p role="alert" { (self.message) } }).status(self.status).into_response()
    }
}
