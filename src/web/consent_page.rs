//! The page that asks whether a client may act for the reader.

use maud::{Markup, html};

use super::fields::{form, hidden};
use super::layout::Page;
use super::next::Next;
use super::shown::line_of;
use crate::auth::Scope;
use crate::auth::server::{ClientKind, Identity, Pending};

/// `request` is the query of the authorization request, which the answer brings back.
pub(super) fn page(pending: &Pending, identity: &Identity, request: &str, token: &str) -> Page {
    let again = Next::new(&format!("/authorize?{request}")).through_login();
    let body = html! {
        p {
            (client(pending)) " asks to work with the database as "
            strong { (line_of(&identity.subject)) } ". It could:"
        }
        ul.plain {
            @for scope in pending.scopes.iter() { li { (may(scope)) } }
        }
        dl {
            dt { "For" } dd { (line_of(&pending.resource)) }
            dt { "Sends you to" } dd { strong { (line_of(&pending.redirect_host)) } }
        }
        (caution(pending))
        (form("/consent", token, html! {
            (hidden("request", request))
            div.choice {
                button type="submit" name="answer" value="allow" { "Allow" }
                button.plain type="submit" name="answer" value="deny" { "Deny" }
            }
        }))
        p.quiet.small.after {
            "You can take this back at any time in your account. "
            a href=(again) { "Log in as somebody else" }
        }
    };
    Page::new("Allow access?", body)
        .of(&identity.subject)
        .leading_to(pending.redirect_source.as_deref().map(source))
}

/// The host that vouches for it is its identity; what it calls itself stands behind.
fn client(pending: &Pending) -> Markup {
    html! {
        @match (&pending.client_host, pending.kind) {
            (Some(host), _) => { strong { (line_of(host)) } " (“" (line_of(&pending.client_name)) "”)" }
            (None, ClientKind::Registered) => {
                "A program that calls itself “" (line_of(&pending.client_name)) "”"
            }
            (None, _) => { strong { (line_of(&pending.client_name)) } }
        }
    }
}

fn may(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read what you may read there",
        Scope::Write => "Change what you may change there; changes may wait for your word",
        Scope::Admin => "See what operators see",
        Scope::Approve => "Approve what others want to change",
    }
}

fn caution(pending: &Pending) -> Markup {
    html! {
        @if pending.is_loopback {
            p.note {
                "The access goes to a program on this computer. Allow it only if you have just started it."
            }
        }
        @if pending.kind == ClientKind::Registered {
            p.note {
                "Nobody vouches for this program's name. Allow it only if you have just asked it to connect."
            }
        }
    }
}

/// Policies have no form for an address of IPv6: then its scheme.
fn source(source: &str) -> String {
    match source.split_once("://[") {
        Some((scheme, _)) => format!("{scheme}:"),
        None => source.to_owned(),
    }
}
