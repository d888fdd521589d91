//! Giving one's own login on loopback: the code first, as often as it may be tried; then, in the same browser, the login.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use http::{HeaderMap, StatusCode};
use zeroize::Zeroizing;

use super::{Room, before, wrong_code};
use crate::approvals::Checked;
use crate::auth::server::LoginError;
use crate::auth::{AskView, GiveError};
use crate::web::cookies::{self, Purpose};
use crate::web::credentials::{FORM, asked, given};
use crate::web::credentials_page::{self, Answer, Code, PASSED};
use crate::web::fault::Fault;
use crate::web::fields::TOKEN;
use crate::web::form::Form;
use crate::web::proof::{say_when, wrong};
use crate::web::visitor::append;

/// The token's name for a browser in which the code was typed.
const CODE: &str = "credentials code";
const OVER: &str = "No code is good for this any more: have the program ask again.";

pub(super) async fn show(
    State(room): State<Arc<Room>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let asked = asked(room.parts.credentials.as_ref(), &id, &room.parts.caller.key())?;
    room.login_page(&asked, &headers, "", false, None)
}

pub(super) async fn give(
    State(room): State<Arc<Room>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Fault> {
    let before = cookies::read(&headers, Purpose::Before, false);
    if !room.place.is_token(before.as_deref(), FORM, &id, form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    let person = room.parts.caller.key();
    let asked = asked(room.parts.credentials.as_ref(), &id, &person)?;
    if asked.is_given {
        return Ok(given(&asked));
    }
    let role = form.field("role");
    if !room.place.is_token(before.as_deref(), CODE, &id, form.field(PASSED)) {
        let wrong = match room.parts.codes.check(asked.id, form.field("code")) {
            Checked::Right => None,
            Checked::Wrong { tries } => Some(wrong_code(tries)),
            Checked::Over => Some(OVER.to_owned()),
        };
        if let Some(wrong) = wrong {
            let wrong = (StatusCode::UNAUTHORIZED, wrong.as_str());
            return room.login_page(&asked, &headers, role, false, Some(wrong));
        }
    }
    let credentials = room.parts.credentials.as_ref().ok_or_else(Fault::not_found)?;
    let (password, here) =
        (Zeroizing::new(form.field("password").to_owned()), IpAddr::V4(Ipv4Addr::LOCALHOST));
    match credentials.give(asked.id, &person, role, password, here).await {
        Ok(()) | Err(GiveError::Given) => Ok(given(&asked)),
        Err(GiveError::Unknown) => Err(Fault::not_found()),
        Err(GiveError::Login(error)) => room.once_more(&asked, &headers, role, &error),
    }
}

impl Room {
    /// The code was right, the login was not.
    fn once_more(
        &self,
        asked: &AskView,
        headers: &HeaderMap,
        role: &str,
        error: &LoginError,
    ) -> Result<Response, Fault> {
        let mut response = self.login_page(asked, headers, role, true, Some(wrong(error)))?;
        say_when(&mut response, Some(error));
        Ok(response)
    }

    /// `passed`: in this browser the code was typed.
    fn login_page(
        &self,
        asked: &AskView,
        headers: &HeaderMap,
        role: &str,
        passed: bool,
        wrong: Option<(StatusCode, &str)>,
    ) -> Result<Response, Fault> {
        let (before, id) = (before(headers)?, asked.id.to_string());
        let (token, code) = (self.place.token(&before, FORM, &id), self.place.token(&before, CODE, &id));
        let code = if passed { Code::Passed(&code) } else { Code::Asked };
        let answer = Answer { token: &token, code, role, wrong };
        let mut response = credentials_page::page(asked, &answer, Utc::now()).into_response();
        append(&mut response, [cookies::set(Purpose::Before, &before, false)]);
        Ok(response)
    }
}
