//! The page for those who operate the server: what it does at the moment, what it is allowed to, and how it is stopped.
//!
//! On an address of its own, for bearers of a token with the scope `admin`.

mod acts;
mod connected;
mod databases;
mod door;
mod live;
mod policies;
mod recent;
mod running;
mod sessions;
mod suspended;
mod trial;
mod watch;
mod words;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::header::HOST;
use http::{Method, Request};

use super::hosts::only;
use super::place::Place;
use super::{Pages, assets, fault, gate};
use crate::auth::{Authenticator, PublicUrl};
use crate::gateway::Live;
use crate::store::MasterKey;
use sessions::Sessions;
use watch::Watch;

/// What the page is composed of.
#[derive(Clone)]
pub struct OperationsParts {
    pub gateway: Live,
    /// Who has the scope `admin`.
    pub authenticator: Authenticator,
    /// Where browsers find it: it answers to no other origin.
    pub public_url: PublicUrl,
    /// Of this process.
    pub key: MasterKey,
}

struct Room {
    place: Arc<Place>,
    gateway: Live,
    sessions: Sessions,
    watch: Watch,
    /// Statements that are tried at the same time.
    trying: tokio::sync::Semaphore,
}

/// At the same time.
const TRIALS: usize = 2;

impl Pages {
    pub fn operations(parts: OperationsParts) -> Self {
        let OperationsParts { gateway, authenticator, public_url, key } = parts;
        let place = Arc::new(Place::new(&public_url, &[], &key));
        let room = Arc::new(Room {
            place: Arc::clone(&place),
            watch: Watch::new(gateway.clone()),
            gateway,
            sessions: Sessions::new(authenticator),
            trying: tokio::sync::Semaphore::new(TRIALS),
        });
        let pages = Router::new()
            .route("/", get(live::page))
            .route("/live", get(live::part))
            .route("/login", get(door::show).post(door::submit))
            .route("/logout", post(door::leave))
            .route("/cancel", post(acts::cancel))
            .route("/suspend", post(acts::suspend))
            .route("/resume", post(acts::resume))
            .route("/policies", get(policies::show).post(policies::show_as))
            .route("/try", get(trial::show).post(trial::submit))
            .method_not_allowed_fallback(fault::not_allowed)
            .layer(from_fn_with_state(Arc::clone(&place), at_its_origin))
            .layer(from_fn_with_state(Arc::clone(&place), gate::page));
        let assets = Router::new()
            .route("/assets/{name}", get(assets::serve))
            .layer(from_fn_with_state(Arc::clone(&place), gate::endpoint));
        let whole = pages.merge(assets).layer(from_fn_with_state(place, gate::headers));
        Self { router: whole.with_state(room), hosts: None }
    }
}

/// Cookies go with a host, forms with an origin: under another name of this machine nobody could do anything.
async fn at_its_origin(State(place): State<Arc<Place>>, request: Request<Body>, next: Next) -> Response {
    let is_here = only(request.headers(), HOST.as_str()).is_some_and(|host| place.is_at(host));
    if is_here || request.method() != Method::GET {
        return next.run(request).await;
    }
    Redirect::to(&format!("{}/", place.origin)).into_response()
}

impl fmt::Debug for OperationsParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OperationsParts({})", self.public_url)
    }
}
