//! Forms in which a person proves a role of PostgreSQL: their two fields, and how a login that was not taken is answered.

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use maud::{Markup, html};

use super::fields::invalid;
use crate::auth::server::LoginError;

/// Where a form says what was wrong.
pub(super) const WRONG: &str = "wrong";

/// `role` is as it was typed in, `message` what was wrong the last time.
pub(super) fn fields(role: &str, message: Option<&str>) -> Markup {
    let (wrong, described) = invalid(WRONG, message);
    html! {
        label for="role" { "Database role" }
        input #role type="text" name="role" value=(role) required maxlength="63"
            autocomplete="username" autocapitalize="none" spellcheck="false"
            aria-invalid=[wrong] aria-describedby=[described];
        label for="password" { "Password" }
        input #password type="password" name="password" required maxlength="1000"
            autocomplete="current-password" aria-invalid=[wrong] aria-describedby=[described];
    }
}

/// What is said of it, and with which status.
pub(super) fn wrong(error: &LoginError) -> (StatusCode, &'static str) {
    let status = match error {
        LoginError::Refused => StatusCode::UNAUTHORIZED,
        LoginError::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        LoginError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.words())
}

/// When to try again.
pub(super) fn say_when(response: &mut Response, error: Option<&LoginError>) {
    if let Some(LoginError::Throttled(wait)) = error {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
}
