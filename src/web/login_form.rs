//! The page where one logs in.

use http::StatusCode;
use maud::{Markup, html};
use url::form_urlencoded;

use super::fields::{error, form, hidden};
use super::layout::Page;
use super::next::Next;
use super::proof::{self, WRONG};

/// What the page offers, and what was wrong the last time.
pub(super) struct LoginForm<'a> {
    pub(super) next: &'a Next,
    pub(super) token: &'a str,
    /// One may log in as a role of PostgreSQL.
    pub(super) roles: bool,
    /// Names of other providers.
    pub(super) providers: &'a [String],
    /// As it was typed in.
    pub(super) role: &'a str,
    pub(super) wrong: Option<(StatusCode, &'a str)>,
}

impl LoginForm<'_> {
    pub(super) fn page(&self) -> Page {
        let body = html! {
            p.quiet { (self.purpose()) }
            @if self.roles { (self.role_form()) }
            @if self.roles && !self.providers.is_empty() { h2 { "Or" } }
            @for name in self.providers {
                p { a.button.plain.wide href=(self.to_provider(name)) { "Continue with " (name) } }
            }
            @if !self.roles && self.providers.is_empty() {
                p role="alert" { "Nobody can log in here: this server's configuration names no way to." }
            }
        };
        let page = Page::new("Log in", body);
        match self.wrong {
            Some((status, _)) => page.status(status),
            None => page,
        }
    }

    fn role_form(&self) -> Markup {
        let message = self.wrong.map(|(_, message)| message);
        let inside = html! {
            (hidden("next", self.next.as_str()))
            (error(WRONG, message))
            (proof::fields(self.role, message))
            button.wide type="submit" { "Log in" }
        };
        form("/login", self.token, inside)
    }

    fn purpose(&self) -> &'static str {
        match self.next.as_str() {
            path if path.starts_with("/authorize") => {
                "An application asks for access to the database. Log in to see which."
            }
            path if path.starts_with("/credentials") => {
                "A program asks you for your login to a database. Log in to pgwarden first."
            }
            path if path.starts_with("/approvals") => "Log in to see what is to be approved.",
            _ => "Log in to see who has access in your name.",
        }
    }

    fn to_provider(&self, name: &str) -> String {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        format!("/login/external/{}?next={}", encoded(name), encoded(self.next.as_str()))
    }
}
