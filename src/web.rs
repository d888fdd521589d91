//! The few pages that a person sees, and the endpoints of the authorization server.
//!
//! Read `gate` for what every request passes, `layout` for what all pages share.

mod account;
mod approval_page;
mod approvals;
mod approvals_page;
mod assets;
mod authorize;
mod consent_page;
mod cookies;
mod cors;
mod credentials;
mod credentials_page;
mod external;
mod fault;
mod fields;
mod form;
mod found;
mod gate;
mod hosts;
mod layout;
mod login;
mod login_form;
mod loopback;
mod moment;
mod next;
mod oauth;
mod operations;
mod place;
mod preview;
mod proof;
mod segment;
mod shown;
mod site;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

pub use hosts::{Barred, Hosts};
pub use loopback::LoopbackParts;
pub use operations::OperationsParts;
pub use site::PagesParts;

use site::Site;

/// What is served beside `/mcp`. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    pub(crate) router: Router,
    /// Names that they are answered to.
    hosts: Option<Hosts>,
}

impl Pages {
    pub fn new(parts: PagesParts) -> Self {
        let site = Arc::new(Site::new(parts));
        let place = Arc::clone(&site.place);
        let hosts = Some(place.hosts.clone());
        let pages = in_windows_of_clients().merge(own()).method_not_allowed_fallback(fault::not_allowed);
        let pages = pages.layer(from_fn_with_state(Arc::clone(&place), gate::page));
        let others = endpoints().layer(from_fn_with_state(Arc::clone(&place), gate::endpoint));
        let whole = pages.merge(others).layer(from_fn_with_state(place, gate::headers));
        Self { router: whole.with_state(site), hosts }
    }

    /// The names that they are answered to; `None` where there are no pages, or none but on loopback.
    pub fn hosts(&self) -> Option<&Hosts> {
        self.hosts.as_ref()
    }
}

/// The way from a client to its authorization.
fn in_windows_of_clients() -> Router<Arc<Site>> {
    Router::new()
        .route("/authorize", get(authorize::ask))
        .route("/consent", post(authorize::answer))
        .route("/login", get(login::show).post(login::submit))
        .route("/login/external/{name}", get(external::begin))
        .route(external::CALLBACK, get(external::come_back))
        .layer(from_fn(gate::opened_by_client))
}

/// What people open themselves.
fn own() -> Router<Arc<Site>> {
    Router::new()
        .route("/logout", post(login::end))
        .route("/account", get(account::show))
        .route("/account/grants/{id}/revoke", post(account::revoke))
        .route("/found/{id}", get(found::show))
        .route("/approvals", get(approvals::list))
        .route("/approvals/{id}", get(approvals::show))
        .route("/approvals/{id}/approve", post(approvals::approve))
        .route("/approvals/{id}/refuse", post(approvals::refuse))
        .route("/credentials/{id}", get(credentials::show).post(credentials::give))
}

/// What programs ask for.
fn endpoints() -> Router<Arc<Site>> {
    Router::new()
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata).options(cors::preflight))
        .route("/token", post(oauth::token).options(cors::preflight))
        .route("/revoke", post(oauth::revoke).options(cors::preflight))
        .layer(from_fn(cors::to_all))
        .route("/register", post(oauth::register))
        .route("/assets/{name}", get(assets::serve))
}
