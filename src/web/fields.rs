//! What forms are made of.

use maud::{Markup, html};

/// The name of the field that binds a form to its session.
pub(super) const TOKEN: &str = "token";
/// The name of the field that says what its page has shown.
pub(super) const SHOWN: &str = "shown";

/// A form that changes something: always by POST, always with the token of its session.
pub(super) fn form(action: &str, token: &str, inside: Markup) -> Markup {
    html! {
        form method="post" action=(action) {
            (hidden(TOKEN, token))
            (inside)
        }
    }
}

pub(super) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// What is wrong with what was filled in. Fields name it by `id` in `aria-describedby`.
pub(super) fn error(id: &str, message: Option<&str>) -> Markup {
    html! {
        @if let Some(message) = message {
            p.error id=(id) role="alert" { (message) }
        }
    }
}

/// Attributes of a field that is wrong: `aria-invalid`, and where it says why.
pub(super) fn invalid(
    id: &'static str,
    message: Option<&str>,
) -> (Option<&'static str>, Option<&'static str>) {
    (message.map(|_| "true"), message.map(|_| id))
}
