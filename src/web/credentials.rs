//! The page where a person gives their own login to PostgreSQL to the call that waits for it. The same session that would
//! approve; and nobody but the person whose call it is.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use chrono::Utc;
use zeroize::Zeroizing;

use super::credentials_page::{self, Answer, Code};
use super::fault::Fault;
use super::fields::TOKEN;
use super::form::Form;
use super::proof::{say_when, wrong};
use super::site::Site;
use super::visitor::Member;
use crate::auth::server::LoginError;
use crate::auth::{AskView, CredentialId, Credentials, GiveError};

/// The form's name in its token.
pub(super) const FORM: &str = "credentials";

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    member: Member,
) -> Result<Response, Fault> {
    let asked = asked(site.credentials.as_ref(), &id, &person(&member))?;
    Ok(page(&member, &asked, "", None))
}

pub(super) async fn give(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    member: Member,
    form: Form,
) -> Result<Response, Fault> {
    if !member.session.is_csrf_token(FORM, &id, form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    let (credentials, person) = (site.credentials.as_ref(), person(&member));
    let asked = asked(credentials, &id, &person)?;
    let credentials = credentials.ok_or_else(Fault::not_found)?;
    let (role, password) = (form.field("role"), Zeroizing::new(form.field("password").to_owned()));
    match credentials.give(asked.id, &person, role, password, member.address).await {
        Ok(()) | Err(GiveError::Given) => Ok(given(&asked)),
        Err(GiveError::Unknown) => Err(Fault::not_found()),
        Err(GiveError::Login(error)) => Ok(page(&member, &asked, role, Some(&error))),
    }
}

/// Nothing is found for whom it is not.
pub(super) fn asked(
    credentials: Option<&Arc<Credentials>>,
    id: &str,
    person: &str,
) -> Result<AskView, Fault> {
    let id: CredentialId = id.parse().map_err(|()| Fault::not_found())?;
    credentials.and_then(|credentials| credentials.asked(id, person)).ok_or_else(Fault::not_found)
}

/// On to the page that says so: loading it again sends nothing.
pub(super) fn given(asked: &AskView) -> Response {
    Redirect::to(&format!("/credentials/{}", asked.id)).into_response()
}

fn page(member: &Member, asked: &AskView, role: &str, error: Option<&LoginError>) -> Response {
    let token = member.session.csrf_token(FORM, &asked.id.to_string());
    let answer = Answer { token: &token, code: Code::None, role, wrong: error.map(wrong) };
    let page = credentials_page::page(asked, &answer, Utc::now()).of(&member.session.identity.subject);
    let mut response = page.into_response();
    say_when(&mut response, error);
    response
}

fn person(member: &Member) -> String {
    member.session.identity.caller().key()
}
