//! Who has sent a request to a page, as far as their cookies say.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use http::header::{HeaderValue, SET_COOKIE};
use http::request::Parts;

use super::cookies::{self, Purpose};
use super::fault::Fault;
use super::next::Next;
use super::site::Site;
use crate::auth::ClientAddress;
use crate::auth::server::{Opaque, Session};

/// Anybody.
pub(super) struct Visitor {
    pub(super) session: Option<Session>,
    /// The secret of the session's cookie, whether or not there is such a session.
    pub(super) secret: Option<String>,
    /// What binds forms to this browser before there is a session.
    pub(super) before: Option<String>,
    pub(super) address: IpAddr,
}

/// Somebody who has logged in.
pub(super) struct Member {
    pub(super) session: Session,
    pub(super) secret: String,
    pub(super) address: IpAddr,
}

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Fault> {
        let secret = cookies::read(&parts.headers, Purpose::Session, site.place.secure);
        let session = match (&secret, &site.server) {
            (Some(secret), Some(server)) => server.session(secret).await?,
            (Some(secret), None) => site.sessions.find(secret).await?,
            (None, _) => None,
        };
        let address = parts.extensions.get::<ClientAddress>();
        Ok(Self {
            session,
            secret,
            before: cookies::read(&parts.headers, Purpose::Before, site.place.secure),
            address: address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ClientAddress(address)| *address),
        })
    }
}

/// Whoever only looks is sent to log in first; whoever wants to change something is told that nothing was changed.
impl FromRequestParts<Arc<Site>> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, site).await.map_err(Fault::into_response)?;
        match (visitor.session, visitor.secret) {
            (Some(session), Some(secret)) => Ok(Self { session, secret, address: visitor.address }),
            _ if parts.method == Method::GET => {
                let path = parts.uri.path_and_query().map_or("/account", |path| path.as_str());
                Err(Redirect::to(&Next::new(path).through_login()).into_response())
            }
            _ => Err(Fault::not_ours().into_response()),
        }
    }
}

impl Site {
    /// On to `next`, as the owner of the session that has just begun. The cookies of before are worth nothing any more.
    pub(super) fn logged_in(&self, secret: &Opaque, next: &Next) -> Response {
        let mut response = Redirect::to(next.as_str()).into_response();
        let cookies = [
            cookies::set(Purpose::Session, secret.reveal(), self.place.secure),
            cookies::clear(Purpose::Before, self.place.secure),
        ];
        append(&mut response, cookies);
        response
    }

    /// A browser that nobody is logged in with.
    pub(super) fn logged_out(&self) -> Response {
        let mut response = Redirect::to("/login").into_response();
        append(&mut response, [cookies::clear(Purpose::Session, self.place.secure)]);
        response
    }

    pub(super) fn with_before(&self, page: impl IntoResponse, before: &str) -> Response {
        let mut response = page.into_response();
        append(&mut response, [cookies::set(Purpose::Before, before, self.place.secure)]);
        response
    }
}

pub(super) fn append(response: &mut Response, cookies: impl IntoIterator<Item = Option<HeaderValue>>) {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}
