//! Logging in at another provider, and coming back from it.
//!
//! What ties the answer to the browser that asked goes with that browser, sealed, in a cookie: any replica takes it from
//! there, and nothing is kept for people who never come back.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, StatusCode};
use maud::html;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cookies::{self, Purpose};
use super::fault::Fault;
use super::form::Form;
use super::layout::Page;
use super::next::Next;
use super::segment::Segment;
use super::site::Site;
use super::visitor::{Visitor, append};
use crate::auth::external::{Callback, Login, LoginError, LoginState};
use crate::auth::server::Identity;

/// Of the callback: the redirect URI that is registered at providers.
pub(super) const CALLBACK: &str = "/login/callback";
/// For finding one's password, and a second factor.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
const SEALED_AS: (&[u8], &[u8]) = (b"login", b"external");

#[derive(Serialize, Deserialize)]
struct UnderWay {
    provider: String,
    next: String,
    until: DateTime<Utc>,
    state: LoginState,
}

pub(super) async fn begin(
    State(site): State<Arc<Site>>,
    Segment(name): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Fault> {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).map_err(Fault::bad_request)?;
    let next = Next::new(query.field("next"));
    let provider = provider(&site, &name)?;
    let begun = match provider.begin(&format!("{}{CALLBACK}", site.place.origin)).await {
        Ok(begun) => begun,
        Err(error) => return Ok(failed(error, &next)),
    };
    let under_way = UnderWay {
        provider: name,
        next: next.as_str().to_owned(),
        until: Utc::now() + PATIENCE,
        state: begun.state,
    };
    let plain = Zeroizing::new(serde_json::to_vec(&under_way).map_err(|_| Fault::unavailable())?);
    let sealed = URL_SAFE_NO_PAD.encode(site.vault.seal(SEALED_AS.0, SEALED_AS.1, &plain)?);
    let mut response = Redirect::to(&begun.url).into_response();
    append(&mut response, [cookies::set(Purpose::Login, &sealed, site.place.secure)]);
    Ok(response)
}

pub(super) async fn come_back(
    State(site): State<Arc<Site>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    visitor: Visitor,
) -> Result<Response, Fault> {
    let query = Form::parse(query.unwrap_or_default().as_bytes()).map_err(Fault::bad_request)?;
    let given = |name| query.given(name).map(str::to_owned);
    let callback =
        Callback { code: given("code"), state: given("state"), iss: given("iss"), error: given("error") };
    let mut response = match under_way(&site, &headers) {
        Some(under_way) => finished(&site, &callback, under_way, &visitor).await?,
        None => failed(LoginError::Stale, &Next::new("")),
    };
    append(&mut response, [cookies::clear(Purpose::Login, site.place.secure)]);
    Ok(response)
}

async fn finished(
    site: &Site,
    callback: &Callback,
    under_way: UnderWay,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let next = Next::new(&under_way.next);
    let caller = match provider(site, &under_way.provider)?.finish(callback, under_way.state).await {
        Ok(caller) => caller,
        Err(error) => return Ok(failed(error, &next)),
    };
    let identity = Identity {
        issuer: caller.issuer,
        subject: caller.subject,
        oid: None,
        claims: caller.claims.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        scopes: caller.scopes,
    };
    let secret = site.sessions.begin(&identity, None).await?;
    if let Some(old) = &visitor.secret {
        site.sessions.end(old).await?;
    }
    Ok(site.logged_in(&secret, &next))
}

/// What this browser has begun, if it is not over.
fn under_way(site: &Site, headers: &HeaderMap) -> Option<UnderWay> {
    let sealed = cookies::read(headers, Purpose::Login, site.place.secure)?;
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let plain = Zeroizing::new(site.vault.open(SEALED_AS.0, SEALED_AS.1, &sealed).ok()?);
    let under_way: UnderWay = serde_json::from_slice(&plain).ok()?;
    (Utc::now() < under_way.until).then_some(under_way)
}

fn provider<'a>(site: &'a Site, name: &str) -> Result<&'a Login, Fault> {
    site.providers.iter().find(|login| login.name() == name).ok_or_else(Fault::not_found)
}

fn failed(error: LoginError, next: &Next) -> Response {
    let status = match error {
        LoginError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        LoginError::Refused | LoginError::Stale | LoginError::Untrusted => StatusCode::BAD_REQUEST,
    };
    let body = html! {
        p role="alert" { "Nobody was logged in: " (error) "." }
        p { a.button href=(next.through_login()) { "Back to the login" } }
    };
    Page::new("That did not work", body).status(status).into_response()
}
