//! What becomes of rmcp's responses on their way out: tool results get their structuredContent, plain-text refusals
//! become JSON-RPC errors.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{StatusCode, response::Parts};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Limited};
use rmcp::model::{ErrorCode, RequestId};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::mcp::edge::Fault;
use crate::mcp::splice::{splice, splice_owned};

pub(super) type RmcpResponse = http::Response<BoxBody<Bytes, Infallible>>;

#[derive(PartialEq, Eq)]
enum Kind {
    Json,
    Events,
    Text,
}

/// `held` lives until the last byte has left: the place in a session, the count of running requests.
pub(super) async fn outgoing(
    response: RmcpResponse,
    id: Option<RequestId>,
    held: impl Send + 'static,
) -> Response {
    let kind = kind(&response);
    let (parts, body) = response.into_parts();
    match kind {
        Kind::Events => {
            let mut lines = EventLines::default();
            let frames = body.into_data_stream().map(move |frame| {
                let _held = &held;
                frame.map(|frame| lines.push(&frame))
            });
            Response::from_parts(parts, Body::from_stream(frames))
        }
        Kind::Json => json(parts, splice_owned(text(body).await)),
        Kind::Text if parts.status.is_success() => Response::from_parts(parts, Body::empty()),
        Kind::Text => refused(parts, &text(body).await, id),
    }
}

/// Of a body that nobody reads: so much is taken in, for so long.
const UNREAD_BYTES: usize = 64 * 1024;
const UNREAD: Duration = Duration::from_secs(1);

/// Takes in what belongs to a request that is refused. Some clients send it behind the head, and hear the refusal before: the
/// connection would be closed below the request that they send next (RFC 9112, 9.6).
pub(super) async fn finish(body: Body) {
    let _ = tokio::time::timeout(UNREAD, Limited::new(body, UNREAD_BYTES).collect()).await;
}

/// For the answers of the calls that end with their token.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// A stream that is open for hours does not outlive `end` by more than its calls' last words.
pub(super) fn until(response: Response, end: CancellationToken) -> Response {
    if kind(&response) != Kind::Events {
        return response;
    }
    let ended = async move {
        end.cancelled_owned().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(ended))))
}

/// The JSON-RPC responses in a response that is at its end.
pub(super) async fn answers(response: RmcpResponse, id: Option<RequestId>) -> Vec<String> {
    let (kind, status) = (kind(&response), response.status());
    let whole = text(response.into_body()).await;
    match kind {
        Kind::Json => vec![splice_owned(whole)],
        Kind::Events => whole
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|event| splice(event.trim_start()).into_owned())
            .filter(|event| is_answer(event))
            .collect(),
        Kind::Text if status.is_success() => Vec::new(),
        Kind::Text => vec![fault(status, &whole, id).to_json(None).to_string()],
    }
}

fn kind<B>(response: &http::Response<B>) -> Kind {
    let media =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match media {
        media if media.starts_with("application/json") => Kind::Json,
        media if media.starts_with("text/event-stream") => Kind::Events,
        _ => Kind::Text,
    }
}

fn is_answer(event: &str) -> bool {
    let event: Result<Value, _> = serde_json::from_str(event);
    event.is_ok_and(|event| event.get("result").is_some() || event.get("error").is_some())
}

async fn text(body: BoxBody<Bytes, Infallible>) -> String {
    let bytes = match body.collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(never) => match never {},
    };
    String::from_utf8(bytes.into())
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn json(mut parts: Parts, text: String) -> Response {
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(text))
}

fn refused(mut parts: Parts, words: &str, id: Option<RequestId>) -> Response {
    // 415 is for a wrong Content-Type only: unreadable JSON has been answered before.
    if parts.status == StatusCode::UNSUPPORTED_MEDIA_TYPE && !words.contains("Content-Type") {
        parts.status = StatusCode::BAD_REQUEST;
    }
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let fault = fault(parts.status, words, id);
    json(parts, fault.to_json(None).to_string())
}

/// In rmcp's own words, but for its faults: those name inner parts.
fn fault(status: StatusCode, words: &str, id: Option<RequestId>) -> Fault {
    let (code, message) = match status.is_server_error() {
        true => (ErrorCode::INTERNAL_ERROR, "internal error"),
        false => (ErrorCode::INVALID_REQUEST, words),
    };
    Fault { id, code, message: message.to_owned() }
}

/// Rewrites the `data:` lines of an event stream as they pass.
#[derive(Default)]
pub(in crate::mcp) struct EventLines {
    partial: Vec<u8>,
}

impl EventLines {
    pub(in crate::mcp) fn push(&mut self, chunk: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(chunk.len());
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                out.extend_from_slice(&rewritten(std::mem::take(&mut self.partial)));
            }
        }
        out.into()
    }
}

fn rewritten(line: Vec<u8>) -> Vec<u8> {
    match std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix("data:")) {
        Some(event) => format!("data: {}\n", splice(event.trim())).into_bytes(),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_rewritten_however_they_are_cut() {
        let stream = concat!(
            "id: 0\nretry: 3000\ndata: \n\n: ping\n\n",
            r#"data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"n\":1.10}"}],"#,
            r#""structuredContent":"pgwarden:same-as-text"}}"#,
            "\n\n"
        );
        for size in 1..stream.len() {
            let mut lines = EventLines::default();
            let out: Vec<u8> = stream.as_bytes().chunks(size).flat_map(|chunk| lines.push(chunk)).collect();
            let out = String::from_utf8(out).unwrap();
            assert!(out.starts_with("id: 0\nretry: 3000\ndata: \n\n: ping\n\ndata: {"), "{out}");
            assert!(out.contains(r#""structuredContent":{"n":1.10}"#), "{out}");
            assert!(out.ends_with("}\n\n"));
        }
    }
}
