//! What a caller hears whose own login is not taken.

use crate::pg::{Diagnostic, SqlState};

/// A wrong or changed password, a role that is gone or may not log in.
pub(super) fn refused() -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_AUTHORIZATION, "PostgreSQL does not accept your login any more")
        .rule("login.own")
        .hint("log in again at pgwarden's page: the password was changed, or the role may not log in here")
}

/// PostgreSQL asks nobody for a password.
pub(super) fn unproved() -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_AUTHORIZATION, "PostgreSQL asks for no password, so that a login proves nothing")
        .rule("login.unproved")
        .hint("let the DBA write `scram-sha-256` instead of `trust`, `peer` or `ident` into pg_hba.conf for these logins")
}
