//! The part of a path that names something.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use super::fault::Fault;

/// As it reads once it is decoded. What cannot be decoded names nothing.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|_| Fault::not_found())
    }
}
