//! What goes wrong, and who may be told of it: the page's reader, the client behind the redirect, the token endpoint's
//! caller. No text here repeats a secret.

use std::time::Duration;

use crate::pg::{Diagnostic, SqlState};

/// Why a browser does not get on at the authorization endpoint.
#[derive(Debug)]
pub enum AuthorizeError {
    /// To be shown on a page: client or redirect URI are not known to be good, or anybody could have registered them. Status
    /// 400.
    Page(&'static str),
    /// To be sent to the client: the redirect URI with `error`, `state` and `iss`. Status 303.
    Redirect(String),
    /// The same, as a link on a page that the person may follow: nobody has said yet that they want anything of a client that
    /// anybody could have made. Status 403.
    Offered(String),
    /// The client's metadata document cannot be had, or is not good. Status 400; the cause is in the log.
    Document(&'static str),
    /// The store does not answer. Status 503.
    Unavailable(Diagnostic),
}

/// Why nobody is logged in.
#[derive(Debug)]
pub enum LoginError {
    /// No such role, or another password, or a role that may not log in here: all the same words. Status 401 or the form again.
    Refused,
    /// Too many attempts: of the role, or from the address. Status 429.
    Throttled(Duration),
    /// PostgreSQL does not answer. Status 503.
    Unavailable(Diagnostic),
}

/// An error of the token and revocation endpoints (RFC 6749, 5.2; RFC 7009, 2.2.1).
#[derive(Debug)]
pub struct TokenError {
    pub status: u16,
    pub error: &'static str,
    pub description: &'static str,
    /// Say `WWW-Authenticate: Basic` with status 401: the client tried so.
    pub basic: bool,
}

/// An error of the registration endpoint (RFC 7591, 3.2.2).
#[derive(Debug)]
pub struct RegisterError {
    pub status: u16,
    pub error: &'static str,
    pub description: &'static str,
}

impl LoginError {
    /// What the person reads.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Refused => "This role and password do not open the database here.",
            Self::Throttled(_) => "Too many attempts. Wait a little, then try again.",
            Self::Unavailable(_) => "The database does not answer. Try again in a moment.",
        }
    }
}

impl TokenError {
    pub(super) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: 400, error, description, basic: false }
    }

    pub(super) const fn grant(description: &'static str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) const fn client(basic: bool) -> Self {
        let description = "the client is not known, or does not prove that it is the one";
        Self { status: 401, error: "invalid_client", description, basic }
    }
}

impl RegisterError {
    pub(super) const fn new(error: &'static str, description: &'static str) -> Self {
        Self { status: 400, error, description }
    }
}

/// The cause is in the log.
impl From<Diagnostic> for TokenError {
    fn from(_: Diagnostic) -> Self {
        let description =
            "the authorization server's store or database does not answer: try again in a moment";
        Self { status: 503, error: "temporarily_unavailable", description, basic: false }
    }
}

impl From<Diagnostic> for RegisterError {
    fn from(_: Diagnostic) -> Self {
        let description = "the authorization server's store does not answer: try again in a moment";
        Self { status: 503, error: "temporarily_unavailable", description }
    }
}

impl From<Diagnostic> for AuthorizeError {
    fn from(error: Diagnostic) -> Self {
        Self::Unavailable(error)
    }
}

pub(super) fn no_random() -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, "the operating system gave no random bytes")
}
