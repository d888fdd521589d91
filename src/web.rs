//! The few pages that a person sees, and the endpoints of the authorization server.

use axum::Router;

/// What is served beside `/mcp`. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    pub(crate) router: Router,
}
