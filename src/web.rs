//! The few pages that a person sees, and the endpoints of the authorization server.
//!
//! Read `gate` for what every request passes, `layout` for what all pages share.

mod assets;
mod cookies;
mod fault;
mod form;
mod gate;
mod hosts;
mod layout;
mod next;
mod shown;
mod site;

use axum::Router;

pub use hosts::{Barred, Hosts};

/// What is served beside `/mcp`. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    pub(crate) router: Router,
}
