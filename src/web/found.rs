//! The page of a search result: what `fetch` would answer to whoever has logged in, asked anew each time.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::layout::Page;
use super::shown::{line_of, lines};
use super::site::Site;
use super::visitor::Member;
use crate::auth::{Caller, Scope};
use crate::gateway::FoundDocument;
use crate::gateway::invisible::shown_line;

/// For somebody who may not read it, there is none.
pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    member: Member,
) -> Result<Response, Fault> {
    let caller = Caller { login: member.session.login.clone(), ..member.session.identity.caller() };
    if !caller.scopes.has(Scope::Read) {
        return Err(Fault::not_found());
    }
    let origin = Some(site.place.origin.as_str());
    // Ends with the request: what is dropped stops in PostgreSQL.
    let found = site.gateway.now().fetch(&caller, &id, origin, &CancellationToken::new()).await?;
    let found = found.ok_or_else(Fault::not_found)?;
    Ok(Page::new(shown_line(&found.title), body(&found)).wide().of(caller.subject).into_response())
}

fn body(found: &FoundDocument) -> Markup {
    let said = |key: &str| found.metadata.get(key).and_then(|value| value.as_str());
    html! {
        dl {
            dt { "Database" } dd { (line_of(said("database").unwrap_or_default())) }
            @if let Some(source) = said("source") { dt { "Documents" } dd { (line_of(source)) } }
            dt { "Id" } dd { code { (line_of(&found.id)) } }
        }
        p.note { "You see what you may read in the database now. What a program has read for you can differ." }
        (lines(&found.text, "Text"))
        @if found.metadata.contains_key("truncated") {
            p.note { "The text goes on: it is longer than an answer may be." }
        }
    }
}
