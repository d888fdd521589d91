//! Asks the client's own model (SEP-1577, sampling with tools): by a request of ours while a call waits, or, from 2026-07-28
//! on, by a result that the client answers with the same call.
//!
//! What comes back is whatever a model wrote, passed on by a program that we do not know: it is read leniently, and decides
//! nothing.

use rmcp::model::{CustomRequest, InputRequests, InputRequiredResult, JsonObject, ServerRequest};
use rmcp::service::{Peer, PeerRequestOptions, RequestContext};
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::elicitation::Way;
use super::handler::Handler;
use super::reply;

/// The name of the one thing that is asked.
pub(super) const KEY: &str = "sampling";

const METHOD: &str = "sampling/createMessage";
/// Bytes of an answer with calls in it: it goes back to the client with every question after it.
const ANSWER_BYTES: usize = 64 * 1024;
/// Characters of a call's id. Providers take no longer ones.
const ID_CHARS: usize = 64;

/// What a model answered.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Answer {
    /// Its words, one block a paragraph.
    pub(super) text: String,
    pub(super) uses: Vec<ToolUse>,
    /// It was cut off where its tokens ended.
    pub(super) cut: bool,
    /// Bytes of its content.
    pub(super) bytes: usize,
}

/// A call that a model wants made.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ToolUse {
    /// `None`: it has none that could be answered.
    pub(super) id: Option<String>,
    pub(super) name: String,
    /// `None`: they are no object.
    pub(super) input: Option<JsonObject>,
    /// What the client's provider keeps with the call.
    pub(super) meta: Option<Value>,
}

/// `None`: the client has not declared sampling with tools, or nothing can be asked of it.
pub(super) fn way(handler: &Handler, cx: &RequestContext<RoleServer>) -> Option<Way> {
    cx.client_capabilities()?.sampling?.tools?;
    let stateless = cx.protocol_version().is_some_and(|revision| !revision.has_initialize());
    match stateless {
        true => Some(Way::Retry),
        false => handler.pushes().then_some(Way::Push),
    }
}

/// The result that asks the client; `state` comes back with the next call.
pub(super) fn input_required(params: Value, state: String) -> Result<InputRequiredResult, ErrorData> {
    let request = json!({KEY: {"method": METHOD, "params": params}});
    let requests: InputRequests = serde_json::from_value(request).map_err(|_| reply::cancelled())?;
    Ok(InputRequiredResult::new(Some(requests), Some(state)))
}

/// Asks, and waits for the answer until `over` ends: the client is told then that nobody waits any longer. `None`: no answer.
pub(super) async fn ask(
    peer: &Peer<RoleServer>,
    params: Value,
    over: impl Future<Output = ()>,
) -> Option<Value> {
    let request = ServerRequest::CustomRequest(CustomRequest::new(METHOD, Some(params)));
    let mut asked = peer.send_cancellable_request(request, PeerRequestOptions::no_options()).await.ok()?;
    tokio::select! {
        biased;
        response = &mut asked.rx => response.ok()?.ok().map(|response| json!(response)),
        () = over => {
            // A client that is gone hears nothing.
            let _ = asked.cancel(Some("nobody waits for the answer any longer".to_owned())).await;
            None
        }
    }
}

impl Answer {
    /// `None`: nothing in it can be used.
    pub(super) fn read(response: &Value) -> Option<Self> {
        let content = response.get("content")?;
        let blocks = match content {
            Value::Array(blocks) => blocks.as_slice(),
            block => std::slice::from_ref(block),
        };
        let of = |kind: &'static str| {
            blocks.iter().filter(move |block| block.get("type").is_some_and(|t| t == kind))
        };
        let texts: Vec<&str> = of("text").filter_map(|block| block.get("text")?.as_str()).collect();
        let text = texts.join("\n").trim().to_owned();
        let uses: Vec<ToolUse> = of("tool_use").map(ToolUse::read).collect();
        let bytes = content.to_string().len();
        let is_usable = if uses.is_empty() { !text.is_empty() } else { bytes <= ANSWER_BYTES };
        let cut = response.get("stopReason").is_some_and(|reason| reason == "maxTokens");
        is_usable.then_some(Self { text, uses, cut, bytes })
    }
}

impl ToolUse {
    fn read(block: &Value) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let id = block.get("id").and_then(Value::as_str);
        let id = id.filter(|id| (1..=ID_CHARS).contains(&id.len()) && id.chars().all(is_plain));
        Self {
            id: id.map(str::to_owned),
            name: block.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            input: block.get("input").and_then(Value::as_object).cloned(),
            meta: block.get("_meta").filter(|meta| meta.is_object()).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: Value) -> Option<Answer> {
        Answer::read(&json!({"role": "assistant", "model": "m", "content": content, "stopReason": "what?"}))
    }

    #[test]
    fn one_block_and_many_are_read_and_what_is_unknown_is_left_out() {
        let one = read(json!({"type": "text", "text": " found "})).unwrap();
        assert_eq!((one.text.as_str(), one.uses.len(), one.cut), ("found", 0, false));
        let many = read(json!([
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "text", "text": "first"},
            {"type": "tool_use", "id": "a-1", "name": "query", "input": {"sql": "x"}, "_meta": {"k": 1}},
            {"type": "tool_use", "id": "no good", "name": 7, "input": "x"},
        ]))
        .unwrap();
        assert_eq!(many.text, "first");
        assert_eq!(many.uses.first().unwrap().id.as_deref(), Some("a-1"));
        assert_eq!(many.uses.first().unwrap().meta, Some(json!({"k": 1})));
        let bad = many.uses.get(1).unwrap();
        assert_eq!((bad.id.as_deref(), bad.name.as_str(), bad.input.is_none()), (None, "", true));
    }

    #[test]
    fn nonsense_is_no_answer() {
        for content in
            [json!([]), json!(null), json!("text"), json!([{"type": "text", "text": " "}]), json!([7])]
        {
            assert_eq!(read(content), None);
        }
        assert_eq!(Answer::read(&json!({"action": "accept"})), None);
        let long = json!({"type": "tool_use", "id": "a", "name": "query", "input": {"sql": "x".repeat(ANSWER_BYTES)}});
        assert_eq!(read(long), None);
        assert!(read(json!({"type": "text", "text": "x".repeat(ANSWER_BYTES)})).is_some());
    }
}
