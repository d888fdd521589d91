//! Who comes in: bearers of an access token with the scope `admin`, who show it once.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use http::request::Parts;
use http::{Method, StatusCode};
use maud::{Markup, html};

use super::Room;
use super::sessions::{Barred, Look};
use crate::auth::{Caller, ClientAddress};
use crate::web::cookies::{self, Purpose};
use crate::web::fault::Fault;
use crate::web::fields::{TOKEN, error, form, invalid};
use crate::web::form::Form;
use crate::web::layout::Page;
use crate::web::place::random;
use crate::web::visitor::append;

const LOGIN: &str = "operations login";
const LOGOUT: &str = "operations logout";
const WRONG: &str = "wrong";

/// Somebody who has come in.
pub(super) struct Operator {
    pub(super) caller: Caller,
    /// Of their cookie.
    pub(super) secret: String,
}

impl Operator {
    /// The token of a form, for this session alone.
    pub(super) fn token(&self, room: &Room, form: &str) -> String {
        room.place.token(&self.secret, form, "")
    }

    /// Refuses a form that is not one of this session's.
    pub(super) fn sent(&self, room: &Room, name: &str, form: &Form) -> Result<(), Fault> {
        match room.place.is_token(Some(&self.secret), name, "", form.field(TOKEN)) {
            true => Ok(()),
            false => Err(Fault::not_ours()),
        }
    }
}

impl FromRequestParts<Arc<Room>> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, room: &Arc<Room>) -> Result<Self, Response> {
        let asks_itself = parts.uri.path() == super::live::PART;
        let look = match (asks_itself, &parts.method) {
            (true, _) => Look::ByItself,
            (false, &Method::GET) => Look::Reading,
            (false, _) => Look::Acting,
        };
        if let Some(secret) = cookies::read(&parts.headers, Purpose::Operations, room.place.secure) {
            let found = room.sessions.find(&secret, address(parts), look).await;
            if let Some(caller) = found.map_err(Fault::into_response)? {
                return Ok(Self { caller, secret });
            }
        }
        Err(match (&parts.method, asks_itself) {
            (_, true) => (StatusCode::UNAUTHORIZED, "the session has ended").into_response(),
            (&Method::GET, false) => Redirect::to("/login").into_response(),
            _ => Fault::not_ours().into_response(),
        })
    }
}

pub(super) async fn show(State(room): State<Arc<Room>>, headers: HeaderMap) -> Result<Response, Fault> {
    room.login(&headers, None)
}

pub(super) async fn submit(
    State(room): State<Arc<Room>>,
    From(address): From,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, Fault> {
    let before = cookies::read(&headers, Purpose::BeforeOperations, room.place.secure);
    if !room.place.is_token(before.as_deref(), LOGIN, "", form.field(TOKEN)) {
        return Err(Fault::not_ours());
    }
    match room.sessions.begin(form.field("access_token").trim(), address).await {
        Ok((secret, caller)) => {
            if let Some(old) = cookies::read(&headers, Purpose::Operations, room.place.secure) {
                room.sessions.end(&old);
            }
            room.gateway.now().operator_came(&caller);
            let mut response = Redirect::to("/").into_response();
            let secure = room.place.secure;
            let set = cookies::set(Purpose::Operations, &secret, secure);
            append(&mut response, [set, cookies::clear(Purpose::BeforeOperations, secure)]);
            Ok(response)
        }
        Err(barred) => {
            if room.sessions.is_told(address) {
                room.gateway.now().operator_refused(address.0, cause(&barred));
            }
            room.login(&headers, Some(&barred))
        }
    }
}

pub(super) async fn leave(
    State(room): State<Arc<Room>>,
    operator: Operator,
    form: Form,
) -> Result<Response, Fault> {
    operator.sent(&room, LOGOUT, &form)?;
    room.sessions.end(&operator.secret);
    let mut response = Redirect::to("/login").into_response();
    append(&mut response, [cookies::clear(Purpose::Operations, room.place.secure)]);
    Ok(response)
}

/// At the end of every page.
pub(super) fn way_out(room: &Room, operator: &Operator) -> Markup {
    form("/logout", &operator.token(room, LOGOUT), html! { button.link type="submit" { "Log out" } })
}

impl Room {
    fn login(&self, headers: &HeaderMap, barred: Option<&Barred>) -> Result<Response, Fault> {
        let known = cookies::read(headers, Purpose::BeforeOperations, self.place.secure);
        let before = match known.filter(|before| !before.is_empty()) {
            Some(before) => before,
            None => random()?,
        };
        let (status, message) = barred.map_or((StatusCode::OK, None), |barred| {
            let (status, words) = words(barred);
            (status, Some(words))
        });
        let (wrong, described) = invalid(WRONG, message);
        let body = html! {
            p { "For those who operate this server. The token is shown to the server once; this browser keeps none." }
            (error(WRONG, message))
            (form("/login", &self.place.token(&before, LOGIN, ""), html! {
                label for="access_token" { "Access token with the scope " code { "admin" } }
                input #access_token type="password" name="access_token" required maxlength="8192"
                    autocomplete="off" spellcheck="false" autocapitalize="none"
                    aria-invalid=[wrong] aria-describedby=[described];
                button.wide type="submit" { "Log in" }
            }))
        };
        let mut response = Page::new("Operations", body).status(status).into_response();
        if let Some(Barred::Throttled(wait)) = barred {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        append(&mut response, [cookies::set(Purpose::BeforeOperations, &before, self.place.secure)]);
        Ok(response)
    }
}

fn words(barred: &Barred) -> (StatusCode, &'static str) {
    match barred {
        Barred::Throttled(_) => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many attempts from here. Try again in a few seconds.")
        }
        Barred::NotValid => (StatusCode::UNAUTHORIZED, "This is no valid token."),
        Barred::NoAdmin => (StatusCode::FORBIDDEN, "This token does not have the scope admin."),
        Barred::Unavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "The token cannot be verified at the moment. Try again.")
        }
    }
}

/// As in events.
fn cause(barred: &Barred) -> &'static str {
    match barred {
        Barred::Throttled(_) => "throttled",
        Barred::NotValid => "invalid_token",
        Barred::NoAdmin => "no_scope",
        Barred::Unavailable => "unavailable",
    }
}

/// Where a request came from.
pub(super) struct From(ClientAddress);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(address(parts)))
    }
}

fn address(parts: &Parts) -> ClientAddress {
    let known = parts.extensions.get::<ClientAddress>().copied();
    known.unwrap_or(ClientAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}
