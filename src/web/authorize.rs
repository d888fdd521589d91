//! The authorization endpoint, and a person's answer to what a client asks for.
//!
//! Nothing is kept between its steps: the request goes along, and every step reads it anew.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderMap, StatusCode};
use maud::html;
use url::form_urlencoded;

use super::consent_page;
use super::fault::Fault;
use super::fields::TOKEN;
use super::form::Form;
use super::gate;
use super::layout::Page;
use super::next::Next;
use super::site::Site;
use super::visitor::{Member, Visitor};
use crate::auth::server::{Asked, AuthorizationServer, AuthorizeError, Pending, Session};

/// The form's name in its token.
const FORM: &str = "consent";

pub(super) async fn ask(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    visitor: Visitor,
) -> Result<Response, Fault> {
    let server = site.server.as_ref().ok_or_else(Fault::not_found)?;
    let query = query.unwrap_or_default();
    let asked = match asked(server, &query).await {
        Ok(asked) => asked,
        Err(error) => return Ok(refused(error)),
    };
    let Some(session) = visitor.session else {
        let next = Next::new(&format!("/authorize?{query}"));
        return Ok(Redirect::to(&next.through_login()).into_response());
    };
    let is_after_login = gate::is_from_here(&headers);
    let pending = match server.resolve(&asked, &session).await {
        Ok(pending) => pending,
        Err(AuthorizeError::Redirect(to)) if is_after_login => return Ok(back(&to)),
        Err(error) => return Ok(refused(error)),
    };
    // Straight after the login nobody is redirected: browsers take that for an answer to the login's form, and follow it
    // only where that form's policy has named the client.
    let asks = is_after_login || server.needs_consent(&pending, &session).await?;
    if !asks {
        return Ok(led_on(server.approve(&pending, &session).await));
    }
    let token = session.csrf_token(FORM, &pending.digest());
    Ok(consent_page::page(&pending, &session.identity, &query, &token).into_response())
}

pub(super) async fn answer(
    State(site): State<Arc<Site>>,
    member: Member,
    form: Form,
) -> Result<Response, Fault> {
    let server = site.server.as_ref().ok_or_else(Fault::not_found)?;
    let pending = match pending(server, form.field("request"), &member.session).await {
        Ok(pending) => pending,
        Err(error) => return Ok(refused(error)),
    };
    if !member.session.is_csrf_token(FORM, &pending.digest(), form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    match form.field("answer") {
        "allow" => Ok(led_on(server.approve(&pending, &member.session).await)),
        "deny" => Ok(Redirect::to(&server.deny(&pending, &member.session)).into_response()),
        _ => Err(Fault::bad_request("The answer is to allow it or to deny it.")),
    }
}

async fn pending(
    server: &AuthorizationServer,
    query: &str,
    session: &Session,
) -> Result<Pending, AuthorizeError> {
    server.resolve(&asked(server, query).await?, session).await
}

async fn asked(server: &AuthorizationServer, query: &str) -> Result<Asked, AuthorizeError> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    server.authorize(&pairs).await
}

fn led_on(to: Result<String, AuthorizeError>) -> Response {
    match to {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(error) => refused(error),
    }
}

/// The way back to the client, with its error.
fn back(to: &str) -> Response {
    let body = html! {
        p role="alert" { "You may have none of what the application asks for." }
        p { a.button href=(to) { "Back to the application" } }
    };
    Page::new("No access", body).status(StatusCode::FORBIDDEN).into_response()
}

/// Sent to the client only where client and redirect URI are known to be good.
fn refused(error: AuthorizeError) -> Response {
    const TITLE: &str = "This request cannot be answered";
    match error {
        AuthorizeError::Redirect(to) => Redirect::to(&to).into_response(),
        AuthorizeError::Offered(to) => back(&to),
        AuthorizeError::Page(why) | AuthorizeError::Document(why) => {
            let message = format!(
                "The application that sent you here has asked in a way that is not safe to answer: {why}."
            );
            Fault::new(StatusCode::BAD_REQUEST, TITLE, message).into_response()
        }
        AuthorizeError::Unavailable(diagnostic) => Fault::from(diagnostic).into_response(),
    }
}
