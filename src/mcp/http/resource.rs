//! What this server says of itself as a protected resource (RFC 9728), and how it asks for a token (RFC 6750).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode};
use serde_json::json;

use super::endpoint::Endpoint;
use super::refusal::Refusal;
use crate::auth::{Issuer, Scope, Scopes};
use crate::mcp::HttpSettings;

/// Clients look at the place that the resource's path makes first.
pub(super) const PATHS: [&str; 2] =
    ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"];
/// The scopes that clients are told of; `admin` is for whoever knows that they need it.
const OFFERED: [Scope; 3] = [Scope::Read, Scope::Write, Scope::Approve];

/// Nothing to be told where no authorization server gives out tokens: then they are handed over by hand.
#[derive(Default)]
pub(super) struct Resource(Option<Described>);

struct Described {
    url: String,
    document: String,
    /// Clients take the first; its words are the ones to ask with.
    issuer: Issuer,
}

/// Why a request is answered with a challenge.
#[derive(Clone, Copy)]
pub(super) enum Lacking {
    Token,
    /// There was one.
    ValidToken,
    Scopes(Scopes),
}

impl Resource {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let (Some(public), Some(issuer)) = (&settings.public_url, settings.issuers.first()) else {
            return Self::default();
        };
        let servers: Vec<&str> = settings.issuers.iter().map(|issuer| issuer.url.as_str()).collect();
        let words: Vec<&str> = issuer.words(OFFERED.into_iter().collect()).collect();
        let document = json!({
            "resource": public.resource(),
            "authorization_servers": servers,
            "scopes_supported": words,
            "bearer_methods_supported": ["header"],
            "resource_name": "pgwarden",
        });
        let [path, _] = PATHS;
        let url = format!("{}{path}", public.origin());
        Self(Some(Described { url, document: document.to_string(), issuer: issuer.clone() }))
    }

    pub(super) fn challenge(&self, lacking: Lacking) -> HeaderValue {
        let mut challenge = r#"Bearer realm="pgwarden""#.to_owned();
        let (error, needed) = match lacking {
            Lacking::Token => (None, Scope::Read.into()),
            Lacking::ValidToken => (Some("invalid_token"), Scope::Read.into()),
            Lacking::Scopes(needed) => (Some("insufficient_scope"), needed),
        };
        let words: Option<Vec<&str>> = match (&self.0, lacking) {
            (Some(described), _) => Some(described.issuer.words(needed).collect()),
            (None, Lacking::Scopes(_)) => Some(needed.iter().map(Scope::word).collect()),
            (None, _) => None,
        };
        if let Some(error) = error {
            challenge.push_str(&format!(r#", error="{error}""#));
        }
        if let Some(described) = &self.0 {
            challenge.push_str(&format!(r#", resource_metadata="{}""#, described.url));
        }
        if let Some(words) = words {
            challenge.push_str(&format!(r#", scope="{}""#, words.join(" ")));
        }
        HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"))
    }
}

/// The metadata: for everybody, also for scripts of pages elsewhere.
pub(super) async fn metadata(State(endpoint): State<Arc<Endpoint>>, request: Request<Body>) -> Response {
    if let Err(barred) = endpoint.hosts.check_host(&request) {
        return Refusal::from(barred).into_response();
    }
    let Some(described) = &endpoint.resource.0 else { return StatusCode::NOT_FOUND.into_response() };
    let mut response = Response::new(Body::from(described.document.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
