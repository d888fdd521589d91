//! The endpoints that clients call themselves: metadata, tokens, revocation, registration.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::form::{self, Unread};
use super::site::Site;
use crate::auth::ClientAddress;
use crate::auth::server::{AuthorizationServer, RegisterError, TokenError, TokenRequest};

/// Bytes of a body.
const MOST_BYTES: usize = 16 * 1024;

/// Fields with their values; values may be secrets.
struct Fields(Vec<(String, String)>);

impl Drop for Fields {
    fn drop(&mut self) {
        for (_, value) in self.0.drain(..) {
            drop(Zeroizing::new(value));
        }
    }
}

/// RFC 8414. There is no `openid-configuration` beside it: we are no OpenID provider, and clients that look for either
/// take this one first.
pub(super) async fn metadata(State(site): State<Arc<Site>>) -> Response {
    match &site.server {
        Some(server) => json_of(StatusCode::OK, &server.metadata()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn token(State(site): State<Arc<Site>>, request: Request<Body>) -> Response {
    let Some(server) = &site.server else { return StatusCode::NOT_FOUND.into_response() };
    answered(issued(server, request).await)
}

pub(super) async fn revoke(State(site): State<Arc<Site>>, request: Request<Body>) -> Response {
    let Some(server) = &site.server else { return StatusCode::NOT_FOUND.into_response() };
    answered(revoked(server, request).await)
}

pub(super) async fn register(State(site): State<Arc<Site>>, request: Request<Body>) -> Response {
    let Some(server) = &site.server else { return StatusCode::NOT_FOUND.into_response() };
    match registered(server, request).await {
        Ok(client) => json_of(StatusCode::CREATED, &client),
        Err(RegisterError { status, error, description }) => {
            json_of(status_of(status), &said(error, description))
        }
    }
}

async fn issued(server: &AuthorizationServer, request: Request<Body>) -> Result<Value, TokenError> {
    let (headers, fields) = fields(request).await?;
    let authorization = authorization(&headers)?;
    Ok(server.token(TokenRequest { form: &fields.0, authorization }).await?.body())
}

async fn revoked(server: &AuthorizationServer, request: Request<Body>) -> Result<Value, TokenError> {
    let (headers, fields) = fields(request).await?;
    let authorization = authorization(&headers)?;
    server.revoke(TokenRequest { form: &fields.0, authorization }).await?;
    Ok(json!({}))
}

async fn registered(server: &AuthorizationServer, request: Request<Body>) -> Result<Value, RegisterError> {
    let (parts, body) = request.into_parts();
    let invalid =
        |status, description| RegisterError { status, error: "invalid_client_metadata", description };
    if media(&parts.headers) != "application/json" {
        return Err(invalid(415, "client metadata has to be application/json"));
    }
    let address = parts.extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address);
    let address = address.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into());
    let body = form::read(body, MOST_BYTES)
        .await
        .map_err(|unread| invalid(unread.status().as_u16(), unread.message()))?;
    server.register(&body, address).await
}

async fn fields(request: Request<Body>) -> Result<(HeaderMap, Fields), TokenError> {
    let (parts, body) = request.into_parts();
    let invalid =
        |status, description| TokenError { status, error: "invalid_request", description, basic: false };
    if !form::is_urlencoded(&parts.headers) {
        return Err(invalid(400, "the body has to be application/x-www-form-urlencoded"));
    }
    let whole = form::read(body, MOST_BYTES).await;
    let whole = whole.map_err(|unread: Unread| invalid(unread.status().as_u16(), unread.message()))?;
    Ok((parts.headers, Fields(form_urlencoded::parse(&whole).into_owned().collect())))
}

/// None where there is none; more than one are none that can be trusted.
fn authorization(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let broken = TokenError {
        status: 400,
        error: "invalid_request",
        description: "there has to be one readable Authorization header, or none",
        basic: false,
    };
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| broken),
        (Some(_), Some(_)) => Err(broken),
    }
}

/// RFC 6749, 5.1 and 5.2.
fn answered(answer: Result<Value, TokenError>) -> Response {
    match answer {
        Ok(body) => json_of(StatusCode::OK, &body),
        Err(error) => {
            let mut response = json_of(status_of(error.status), &error.body());
            if error.basic {
                let challenge = HeaderValue::from_static("Basic realm=\"pgwarden\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            response
        }
    }
}

fn said(error: &str, description: &str) -> Value {
    json!({"error": error, "error_description": description})
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
}

fn json_of(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn media(headers: &HeaderMap) -> String {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
