//! The first page: what the server does at the moment. A small script asks for the panels anew; without it, loading the page
//! again does.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use maud::{Markup, html};

use super::door::{Operator, way_out};
use super::running::CANCEL;
use super::sessions::Said;
use super::suspended::{RESUME, switch};
use super::{Room, acts};
use crate::web::fault::Fault;
use crate::web::fields::{TOKEN, hidden};
use crate::web::form::Form;
use crate::web::layout::Page;
use crate::web::shown::line_of;

/// Where the panels are.
pub(super) const PART: &str = "/live";

pub(super) async fn page(
    State(room): State<Arc<Room>>,
    operator: Operator,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).map_err(Fault::bad_request)?;
    let named = (query.field("subject"), query.field("issuer"));
    let token = |form| operator.token(&room, form);
    let body = html! {
        @match room.sessions.said(&operator.secret) {
            Some(Said { words, warns: false }) => { p.note role="status" { (line_of(&words)) } }
            Some(Said { words, warns: true }) => { p.error role="alert" { (line_of(&words)) } }
            None => {}
        }
        // Buttons of the panels belong to these: the panels are the same for everybody.
        (outside(CANCEL, "/cancel", &token(acts::CANCEL)))
        (outside(RESUME, "/resume", &token(acts::RESUME)))
        div #watching {}
        div #live data-part=(PART) { (room.watch.panels().await) }
        (switch(&token(acts::SUSPEND), &room.gateway.now().policy_files(), named))
    };
    let out = way_out(&room, &operator);
    Ok(Page::new("Now", body).of_operations(&operator.caller.subject, out).into_response())
}

pub(super) async fn part(State(room): State<Arc<Room>>, _: Operator) -> Response {
    let panels = room.watch.panels().await.into_string();
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], panels).into_response()
}

fn outside(id: &str, action: &str, token: &str) -> Markup {
    html! { form id=(id) method="post" action=(action) { (hidden(TOKEN, token)) } }
}
