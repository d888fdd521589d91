//! Where a person gives their own login to a database: which database, who asks for it, and two fields.

use chrono::{DateTime, Utc};
use http::StatusCode;
use maud::{Markup, html};

use super::fields::{error, form, hidden, invalid};
use super::layout::Page;
use super::moment::{left, moment};
use super::proof::{self, WRONG};
use super::shown::line_of;
use crate::auth::AskView;

/// The field that says that the code was typed in this browser.
pub(super) const PASSED: &str = "passed";

/// What the form has besides its two fields.
pub(super) struct Answer<'a> {
    pub(super) token: &'a str,
    pub(super) code: Code<'a>,
    /// As it was typed in.
    pub(super) role: &'a str,
    pub(super) wrong: Option<(StatusCode, &'a str)>,
}

/// How the page knows who answers.
#[derive(Clone, Copy)]
pub(super) enum Code<'a> {
    /// They have logged in.
    None,
    /// The client has shown them a code.
    Asked,
    /// They have typed it, in the browser that this token is for.
    Passed(&'a str),
}

pub(super) fn page(asked: &AskView, answer: &Answer<'_>, now: DateTime<Utc>) -> Page {
    if asked.is_given {
        return given(asked);
    }
    let (message, status) =
        (answer.wrong.map(|(_, message)| message), answer.wrong.map(|(status, _)| status));
    let body = html! {
        p.note role="status" {
            "A program wants to use this database as you. What it asks there runs under the login that you give, \
             within pgwarden's policy. The question expires in "
            strong { (left(asked.expires, now)) } "."
        }
        (facts(asked))
        h2 { "Your login to PostgreSQL" }
        (login_form(asked, answer, message))
        p.quiet.small.after {
            "The password goes to PostgreSQL alone. pgwarden keeps it encrypted in memory until the program's access ends; \
             the program never sees it."
        }
    };
    Page::new("Log in to a database", body).status(status.unwrap_or(StatusCode::OK))
}

fn given(asked: &AskView) -> Page {
    let body = html! {
        p role="status" {
            span.done { "Logged in" } ". Go back to the program that asked. The login ends with its access."
        }
        (facts(asked))
    };
    Page::new("You gave your login", body)
}

fn facts(asked: &AskView) -> Markup {
    html! {
        dl {
            dt { "Database" } dd { strong { (line_of(&asked.database)) } }
            dt { "Server" } dd { (line_of(&asked.host)) }
            dt { "Asked by" } dd { (line_of(&asked.subject)) }
            dt { "Through" } dd {
                @match (&asked.client_id, &asked.client) {
                    (Some(id), _) => { (line_of(id)) }
                    (None, Some(name)) => { (line_of(name)) " " span.quiet { "(as it calls itself)" } }
                    (None, None) => { span.quiet { "a program that gave no name" } }
                }
            }
            dt { "Asked at" } dd { (moment(asked.created)) }
        }
    }
}

fn login_form(asked: &AskView, answer: &Answer<'_>, message: Option<&str>) -> Markup {
    let (wrong, described) = invalid(WRONG, message);
    let inside = html! {
        (error(WRONG, message))
        @match answer.code {
            Code::None => {}
            Code::Passed(token) => { (hidden(PASSED, token)) }
            Code::Asked => {
                label for="code" { "Code that your client showed with the link" }
                input #code type="text" name="code" required inputmode="numeric" maxlength="12"
                    autocomplete="one-time-code" aria-invalid=[wrong] aria-describedby=[described];
            }
        }
        (proof::fields(answer.role, message))
        button.wide type="submit" { "Log in to " (line_of(&asked.database)) }
    };
    form(&format!("/credentials/{}", asked.id), answer.token, inside)
}
