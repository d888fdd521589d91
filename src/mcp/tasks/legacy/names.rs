//! Private names for methods that rmcp does not have, or takes for others.

use std::borrow::Cow;

use serde_json::Value;

use crate::mcp::revision;
use crate::mcp::subscriptions::listen;

/// What a private name begins with.
const PRIVATE: &str = "pgwarden/";
const METHODS: [&str; 7] = [
    "tools/call",
    "tools/list",
    "tasks/get",
    "tasks/result",
    "tasks/list",
    "tasks/cancel",
    // Not of this revision: rmcp would answer it.
    "tasks/update",
];
/// A frame without any of these stays as it is.
const WORDS: [&str; 7] =
    ["\"tools/list\"", "\"task\"", "\"tasks/", "\"subscriptions/listen\"", PRIVATE, "\\/", "\\u"];

/// One frame with a private name for its method, where it is one of a client with `initialize` that needs it. A frame
/// that says a private name itself gets one that nobody answers.
pub(in crate::mcp) fn inbound(frame: &[u8]) -> Cow<'_, [u8]> {
    let same = Cow::Borrowed(frame);
    // Most frames are seen to need nothing without being read; one that escapes letters could hide a word.
    let text = std::str::from_utf8(frame).unwrap_or_default();
    if !WORDS.iter().any(|word| text.contains(word)) {
        return same;
    }
    let Ok(Value::Object(mut message)) = serde_json::from_slice::<Value>(frame) else { return same };
    let Some(Value::String(method)) = message.get("method") else { return same };
    let params = message.get("params");
    let has = |pointer: &str| params.is_some_and(|params| params.pointer(pointer).is_some());
    let is_stateless = params
        .and_then(|params| params.get("_meta"))
        .is_some_and(|meta| meta.get(revision::IN_META).is_some());
    let is_ours = METHODS.contains(&method.as_str()) && (method != "tools/call" || has("/task"));
    let is_ours = if is_stateless { method == listen::METHOD } else { is_ours };
    if method.starts_with(PRIVATE) || is_ours {
        let private = private(method);
        message.insert("method".to_owned(), Value::String(private));
        return serde_json::to_vec(&message).map_or(same, Cow::Owned);
    }
    same
}

pub(in crate::mcp) fn private(method: &str) -> String {
    format!("{PRIVATE}{method}")
}

/// The public name of a method with a private one.
pub(in crate::mcp) fn renamed(method: &str) -> Option<&str> {
    method.strip_prefix(PRIVATE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn method_of(frame: &Value) -> String {
        let bytes = serde_json::to_vec(frame).unwrap();
        let inbound: Value = serde_json::from_slice(&inbound(&bytes)).unwrap();
        inbound["method"].as_str().unwrap().to_owned()
    }

    #[test]
    fn only_what_needs_it_gets_a_private_name() {
        let ask = |method: &str, params: Value| {
            method_of(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        };
        let stateless = json!({"_meta": {(revision::IN_META): "2026-07-28"}, "taskId": "x", "task": {}});
        assert_eq!(ask("tools/call", json!({"name": "query", "task": {}})), "pgwarden/tools/call");
        assert_eq!(ask("tools/call", json!({"name": "query"})), "tools/call");
        assert_eq!(ask("tools/call", stateless.clone()), "tools/call");
        assert_eq!(ask("tasks/get", json!({"taskId": "x"})), "pgwarden/tasks/get");
        assert_eq!(ask("tasks/get", stateless.clone()), "tasks/get");
        assert_eq!(ask("subscriptions/listen", stateless), "pgwarden/subscriptions/listen");
        assert_eq!(ask("subscriptions/listen", json!({})), "subscriptions/listen");
        assert_eq!(ask("tools/list", json!({})), "pgwarden/tools/list");
        assert_eq!(ask("resources/list", json!({"cursor": "\"task\""})), "resources/list");
        assert_eq!(ask("pgwarden/tasks/get", json!({})), "pgwarden/pgwarden/tasks/get");
    }

    #[test]
    fn escaped_letters_hide_nothing() {
        for (frame, method) in [
            (r#"{"method":"pgwarden\/tasks\/list"}"#, "pgwarden/pgwarden/tasks/list"),
            (r#"{"method":"\u0070gwarden/tasks/list"}"#, "pgwarden/pgwarden/tasks/list"),
            (r#"{"method":"tasks\u002fget","params":{"taskId":"x"}}"#, "pgwarden/tasks/get"),
            (r#"{"method":"tools/call","params":{"\u0074ask":{}}}"#, "pgwarden/tools/call"),
        ] {
            let inbound: Value = serde_json::from_slice(&inbound(frame.as_bytes())).unwrap();
            assert_eq!(inbound["method"], method, "{frame}");
        }
    }

    #[test]
    fn what_is_no_object_stays_as_it_is() {
        for frame in [
            "[{\"method\":\"tasks/get\"}]",
            "{\"tasks/",
            "\"tasks/get\"",
            "{\"method\":7,\"x\":\"tasks/get\"}",
        ] {
            assert_eq!(&*inbound(frame.as_bytes()), frame.as_bytes());
        }
    }
}
