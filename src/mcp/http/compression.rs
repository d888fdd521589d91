//! Large answers leave in gzip where the client takes it (RFC 9110, section 12.5.3). Not for clients on this machine: there it
//! would take longer than it saves. Event streams are never held up for it.

use axum::response::Response;
use http::header::CONTENT_TYPE;
use http_body::Body;
use tower_http::CompressionLevel;
use tower_http::compression::{CompressionLayer, Predicate};

use crate::auth::ClientAddress;

/// Bytes from which it pays.
const LARGE: u64 = 4 * 1024;

pub(super) fn layer() -> CompressionLayer<LargeJson> {
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(LargeJson)
}

/// Marks an answer to a client that is not on this machine.
pub(super) fn from_afar(mut response: Response, client: Option<ClientAddress>) -> Response {
    if client.is_some_and(|client| !client.0.is_loopback()) {
        response.extensions_mut().insert(Afar);
    }
    response
}

#[derive(Clone, Copy)]
struct Afar;

#[derive(Clone, Copy)]
pub(super) struct LargeJson;

impl Predicate for LargeJson {
    fn should_compress<B: Body>(&self, response: &http::Response<B>) -> bool {
        let media = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        response.extensions().get::<Afar>().is_some()
            && response.body().size_hint().lower() >= LARGE
            && media.is_some_and(|media| media.starts_with("application/json"))
    }
}
