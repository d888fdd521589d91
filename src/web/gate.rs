//! What every request to a page passes before anything reads it, and what every answer carries.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Method, Request, StatusCode};

use super::fault::Fault;
use super::hosts::only;
use super::layout::HasPolicy;
use super::place::Place;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// A year.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Before a page: the host is ours, a change was asked for by one of our own pages, and no other site frames it.
pub(super) async fn page(State(place): State<Arc<Place>>, request: Request<Body>, next: Next) -> Response {
    if place.hosts.check_host(&request).is_err() {
        let message = format!("This page is at {}.", place.origin);
        return Fault::new(StatusCode::FORBIDDEN, "Not here", message).into_response();
    }
    if !is_read(request.method()) && !is_of_ours(&place, request.headers()) || is_framed(request.headers()) {
        return Fault::not_ours().into_response();
    }
    next.run(request).await
}

/// Before an endpoint that programs call: the host is ours. What they present speaks for them, no cookie does.
pub(super) async fn endpoint(
    State(place): State<Arc<Place>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match place.hosts.check_host(&request) {
        Ok(()) => next.run(request).await,
        Err(barred) => (StatusCode::FORBIDDEN, barred.message()).into_response(),
    }
}

/// Around the pages of an authorization: clients open them in a window of their own, and wait there for its end. Another
/// policy would cut the two apart for good.
pub(super) async fn opened_by_client(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(OPENER_POLICY, HeaderValue::from_static("unsafe-none"));
    response
}

/// Around everything: headers that keep an answer from being framed, sniffed, cached or opened by others.
///
/// The referrer policy is `same-origin`: nothing is told to other sites, as with `no-referrer`, under which browsers
/// would send `Origin: null` with our own forms.
pub(super) async fn headers(State(place): State<Arc<Place>>, request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_page = response.extensions_mut().remove::<HasPolicy>().is_some();
    let headers = response.headers_mut();
    if !is_page {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(OPENER_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    headers.entry(RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    if place.secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    response
}

/// Whether a browser was led here by a form or a link of ours, as far as it says.
pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
    only(headers, FETCH_SITE.as_str()) == Some("same-origin")
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Browsers say where a form was sent from, in one of two headers at the least; both have to be right.
fn is_of_ours(place: &Place, headers: &HeaderMap) -> bool {
    let origin = headers.contains_key(ORIGIN);
    let fetched = headers.contains_key(FETCH_SITE);
    (origin || fetched)
        && (!origin || only(headers, ORIGIN.as_str()) == Some(place.origin.as_str()))
        && (!fetched || is_from_here(headers))
}

fn is_framed(headers: &HeaderMap) -> bool {
    headers
        .get_all(FETCH_DEST)
        .iter()
        .any(|dest| ["iframe", "frame", "embed", "object", "fencedframe"].iter().any(|framed| dest == framed))
}
