//! The raw-JSON edge in front of rmcp, for both transports: what is no JSON, no JSON-RPC or a batch never reaches it.

use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorCode, JsonRpcMessage, ProtocolVersion, RequestId,
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::revision;
use super::tasks::legacy;

/// More calls than this in one batch are refused.
const BATCH: usize = 50;

/// One frame (a line, a body) as JSON-RPC sees it.
pub(super) enum Frame<'a> {
    Message(Box<ClientJsonRpcMessage>),
    /// The members as they were written.
    Batch(Vec<&'a RawValue>),
}

/// Why a frame is not answered by rmcp.
#[derive(Debug)]
pub(super) struct Fault {
    /// The request's id, where it could be read.
    pub(super) id: Option<RequestId>,
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self { id: None, code: ErrorCode::INVALID_REQUEST, message: message.into() }
    }

    fn parse(error: &serde_json::Error) -> Self {
        let message = format!("not JSON: line {}, column {}", error.line(), error.column());
        Self { id: None, code: ErrorCode::PARSE_ERROR, message }
    }

    fn with_id(self, id: Option<RequestId>) -> Self {
        Self { id, ..self }
    }

    /// JSON-RPC 2.0 wants `id: null` where it could not be read; MCP 2026-07-28 wants it left out.
    pub(super) fn to_json(&self, revision: Option<&ProtocolVersion>) -> Value {
        let error = json!({"code": self.code, "message": self.message});
        match &self.id {
            Some(id) => json!({"jsonrpc": "2.0", "id": id, "error": error}),
            None if revision.is_some_and(|revision| !revision.has_initialize()) => {
                json!({"jsonrpc": "2.0", "error": error})
            }
            None => json!({"jsonrpc": "2.0", "id": null, "error": error}),
        }
    }
}

pub(super) fn read(frame: &[u8]) -> Result<Frame<'_>, Fault> {
    let raw: &RawValue = serde_json::from_slice(frame).map_err(|error| Fault::parse(&error))?;
    if !raw.get().starts_with('[') {
        return message(raw.get()).map(|message| Frame::Message(Box::new(message)));
    }
    let members: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| Fault::parse(&error))?;
    match members.len() {
        0 => Err(Fault::invalid_request("a batch must not be empty")),
        count if count > BATCH => {
            Err(Fault::invalid_request(format!("a batch of {count} messages, the limit is {BATCH}")))
        }
        _ => Ok(Frame::Batch(members)),
    }
}

/// One message that is a well-formed request, notification or response.
pub(super) fn message(text: &str) -> Result<ClientJsonRpcMessage, Fault> {
    let shape: Shape = match serde_json::from_str(text) {
        Ok(shape) => shape,
        Err(error) if error.is_data() => return Err(Fault::invalid_request("not a JSON-RPC 2.0 message")),
        Err(error) => return Err(Fault::parse(&error)),
    };
    let id = shape.readable_id();
    shape.check().map_err(|fault| fault.with_id(id.clone()))?;
    let message: ClientJsonRpcMessage = serde_json::from_str(text)
        .map_err(|_| Fault::invalid_request("not a JSON-RPC 2.0 message").with_id(id.clone()))?;
    well_formed_initialize(message, is_stateless(shape.params.as_ref())).map_err(|fault| fault.with_id(id))
}

/// rmcp takes an `initialize` with unreadable parameters for a custom method and closes the connection.
fn well_formed_initialize(
    message: ClientJsonRpcMessage,
    is_stateless: bool,
) -> Result<ClientJsonRpcMessage, Fault> {
    match message {
        JsonRpcMessage::Request(request) => match request.request {
            ClientRequest::CustomRequest(custom) if custom.method == "initialize" => {
                if is_stateless {
                    let message = custom.method;
                    return Err(Fault { id: None, code: ErrorCode::METHOD_NOT_FOUND, message });
                }
                let why = revision::why_malformed("initialize", custom.params);
                let message = format!("invalid parameters for `initialize`: {why}");
                Err(Fault { id: None, code: ErrorCode::INVALID_PARAMS, message })
            }
            other => Ok(JsonRpcMessage::request(other, request.id)),
        },
        other => Ok(other),
    }
}

/// A request of 2026-07-28 or later says so in its `_meta`.
fn is_stateless(params: Option<&Value>) -> bool {
    let meta = params.and_then(|params| params.get("_meta"));
    meta.is_some_and(|meta| meta.get(revision::IN_META).is_some())
}

/// The members of a JSON-RPC message, each present or not.
#[derive(Deserialize)]
struct Shape {
    #[serde(default, deserialize_with = "present")]
    jsonrpc: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    method: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    params: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    error: Option<Value>,
}

impl Shape {
    fn readable_id(&self) -> Option<RequestId> {
        let integer_or_text = self.id.as_ref().filter(|id| id.is_string() || id.is_i64() || id.is_u64());
        integer_or_text.and_then(|id| RequestId::deserialize(id).ok())
    }

    fn check(&self) -> Result<(), Fault> {
        if self.jsonrpc.as_ref().and_then(Value::as_str) != Some("2.0") {
            return Err(Fault::invalid_request("`jsonrpc` must be \"2.0\""));
        }
        match (&self.method, &self.result, &self.error) {
            // An error without an id tells of a message of ours that the client could not read: not ours to refuse.
            (None, None, Some(_)) => Ok(()),
            _ if self.id.is_some() && self.readable_id().is_none() => {
                Err(Fault::invalid_request("`id` must be a string or an integer"))
            }
            (Some(Value::String(method)), None, None) => self.check_params(method),
            (Some(_), None, None) => Err(Fault::invalid_request("`method` must be a string")),
            (None, Some(_), None) if self.id.is_some() => Ok(()),
            _ => Err(Fault::invalid_request("neither a request nor a notification nor a response")),
        }
    }

    /// JSON-RPC also has parameters by position; MCP has none. And rmcp takes an optional parameter that it cannot read
    /// for one that is not there.
    fn check_params(&self, method: &str) -> Result<(), Fault> {
        let method = legacy::renamed(method).unwrap_or(method);
        let why = match &self.params {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Object(params)) => match params.get("cursor") {
                Some(cursor) if method.ends_with("/list") && !cursor.is_string() => {
                    "`cursor` must be a string"
                }
                _ => return Ok(()),
            },
            Some(_) => "`params` must be an object",
        };
        if !revision::ever_serves(method) {
            return Err(Fault { id: None, code: ErrorCode::METHOD_NOT_FOUND, message: method.to_owned() });
        }
        let message = format!("invalid parameters for `{method}`: {why}");
        Err(Fault { id: None, code: ErrorCode::INVALID_PARAMS, message })
    }
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
