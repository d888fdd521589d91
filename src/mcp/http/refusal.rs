//! Every no of the endpoint: an HTTP status, and a JSON-RPC error as its body.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use rmcp::model::{ErrorCode, ProtocolVersion, RequestId};

use super::resource::{Lacking, Resource};
use crate::mcp::edge::Fault;
use crate::web::Barred;

/// What MCP servers answer for a session that is not there.
const SESSION_NOT_FOUND: ErrorCode = ErrorCode(-32001);

#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    fault: Fault,
    revision: Option<ProtocolVersion>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, fault: Fault) -> Self {
        Self { status, fault, revision: None, header: None }
    }

    pub(super) fn fault(fault: Fault, revision: Option<ProtocolVersion>) -> Self {
        let unknown = fault.code == ErrorCode::METHOD_NOT_FOUND;
        let status = if unknown { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
        Self { revision, ..Self::new(status, fault) }
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, Fault::invalid_request(message))
    }

    /// With the challenge for it.
    pub(super) fn lacking(lacking: Lacking, resource: &Resource) -> Self {
        let (status, message) = match lacking {
            Lacking::Token => (StatusCode::UNAUTHORIZED, "a bearer token is needed".to_owned()),
            Lacking::ValidToken => (StatusCode::UNAUTHORIZED, "the bearer token is not valid".to_owned()),
            Lacking::Scopes(needed) => (StatusCode::FORBIDDEN, format!("scopes needed: {needed}")),
        };
        let header = Some((WWW_AUTHENTICATE, resource.challenge(lacking)));
        Self { header, ..Self::new(status, Fault::invalid_request(message)) }
    }

    /// Two credentials: which of them counts must not depend on who reads them.
    pub(super) fn two_credentials() -> Self {
        Self::fault(Fault::invalid_request("the header Authorization is there twice"), None)
    }

    /// A trusted proxy does not say who the client is.
    pub(super) fn unreadable_forward() -> Self {
        Self::fault(Fault::invalid_request("an address in X-Forwarded-For cannot be read"), None)
    }

    /// The provider that could say whether the token is good does not answer.
    pub(super) fn unverifiable() -> Self {
        let fault = Fault::invalid_request("the bearer token cannot be verified at the moment; try again");
        let header = Some((RETRY_AFTER, HeaderValue::from_static("5")));
        Self { header, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, fault) }
    }

    pub(super) fn method_not_allowed(allowed: &'static str) -> Self {
        let fault = Fault::invalid_request("method not allowed");
        let header = Some((ALLOW, HeaderValue::from_static(allowed)));
        Self { header, ..Self::new(StatusCode::METHOD_NOT_ALLOWED, fault) }
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body has more than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Fault::invalid_request(message)).closing()
    }

    pub(super) fn too_slow() -> Self {
        let fault = Fault::invalid_request("the body did not arrive in time");
        Self::new(StatusCode::REQUEST_TIMEOUT, fault).closing()
    }

    /// The same for a session that is unknown, over, or somebody else's.
    pub(super) fn no_session(id: Option<RequestId>) -> Self {
        let fault =
            Fault { id, code: SESSION_NOT_FOUND, message: "session not found; initialize again".to_owned() };
        Self::new(StatusCode::NOT_FOUND, fault)
    }

    pub(super) fn too_many_sessions(id: Option<RequestId>, own: bool) -> Self {
        let (status, message) = match own {
            true => (StatusCode::TOO_MANY_REQUESTS, "too many open sessions of this caller"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "too many open sessions"),
        };
        let header = Some((RETRY_AFTER, HeaderValue::from_static("30")));
        let fault = Fault { id, ..Fault::invalid_request(message) };
        Self { header, ..Self::new(status, fault) }
    }

    /// The rest of the body is still on its way: the connection cannot go on.
    fn closing(self) -> Self {
        Self { header: Some((CONNECTION, HeaderValue::from_static("close"))), ..self }
    }
}

impl From<Barred> for Refusal {
    fn from(barred: Barred) -> Self {
        Self::forbidden(barred.message())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = self.fault.to_json(self.revision.as_ref()).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
