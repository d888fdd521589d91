//! Logging in as a role of PostgreSQL, and logging out.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::fields::TOKEN;
use super::form::Form;
use super::login_form::LoginForm;
use super::next::Next;
use super::place::random;
use super::proof::{say_when, wrong};
use super::site::Site;
use super::visitor::{Member, Visitor};
use crate::auth::server::LoginError;

/// The form's name in its token.
const FORM: &str = "login";
const LOGOUT: &str = "logout";

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, Fault> {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).map_err(Fault::bad_request)?;
    let next = Next::new(query.field("next"));
    again(&site, &visitor, &next, "", None)
}

pub(super) async fn submit(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, Fault> {
    let next = Next::new(form.field("next"));
    if !site.place.is_token(visitor.before.as_deref(), FORM, next.as_str(), form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    let server = site.server.as_ref().ok_or_else(Fault::not_found)?;
    let role = form.field("role");
    let password = Zeroizing::new(form.field("password").to_owned());
    match server.login(role, password, visitor.address).await {
        Ok(secret) => {
            if let Some(old) = &visitor.secret {
                site.sessions.end(old).await?;
            }
            Ok(site.logged_in(&secret, &next))
        }
        Err(error) => again(&site, &visitor, &next, role, Some(&error)),
    }
}

pub(super) async fn end(
    State(site): State<Arc<Site>>,
    member: Member,
    form: Form,
) -> Result<Response, Fault> {
    if !member.session.is_csrf_token(LOGOUT, "", form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    match form.field("everywhere") {
        "" => site.sessions.end(&member.secret).await?,
        _ => site.sessions.end_all(&member.session.identity).await?,
    }
    Ok(site.logged_out())
}

/// The token of the form that logs this session out.
pub(super) fn logout_token(member: &Member) -> String {
    member.session.csrf_token(LOGOUT, "")
}

/// The form, with what was wrong.
fn again(
    site: &Site,
    visitor: &Visitor,
    next: &Next,
    role: &str,
    error: Option<&LoginError>,
) -> Result<Response, Fault> {
    let fresh = match &visitor.before {
        Some(_) => None,
        None => Some(random()?),
    };
    let before = fresh.as_deref().or(visitor.before.as_deref()).unwrap_or_default();
    let names: Vec<String> = site.providers.iter().map(|login| login.name().to_owned()).collect();
    let page = LoginForm {
        next,
        token: &site.place.token(before, FORM, next.as_str()),
        roles: site.server.is_some(),
        providers: &names,
        role,
        wrong: error.map(wrong),
    };
    let mut response = site.with_before(page.page(), before);
    say_when(&mut response, error);
    Ok(response.into_response())
}
