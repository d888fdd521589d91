//! The protocol revisions, and which methods exist in which.

use rmcp::model::{
    CallToolRequestParams, CompleteRequestParams, GetPromptRequestParams, GetTaskParams,
    InitializeRequestParams, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    SubscribeRequestParams, UpdateTaskParams,
};
use serde::Deserialize;
use serde_json::Value;

/// Where a request says its revision, in its `_meta`, from 2026-07-28 on.
pub(super) const IN_META: &str = "io.modelcontextprotocol/protocolVersion";

/// A method this server answers, with the revisions it exists in.
struct Served {
    method: &'static str,
    /// In the revisions that begin with `initialize`.
    legacy: bool,
    /// From 2026-07-28 on.
    stateless: bool,
}

const fn served(method: &'static str, legacy: bool, stateless: bool) -> Served {
    Served { method, legacy, stateless }
}

const SERVED: [Served; 19] = [
    served("initialize", true, false),
    served("ping", true, false),
    served("server/discover", false, true),
    served("tools/list", true, true),
    served("tools/call", true, true),
    served("tasks/get", true, true),
    served("subscriptions/listen", false, true),
    served("tasks/update", false, true),
    served("tasks/cancel", true, true),
    served("tasks/result", true, false),
    served("tasks/list", true, false),
    served("resources/list", true, true),
    served("resources/templates/list", true, true),
    served("resources/read", true, true),
    served("resources/subscribe", true, false),
    served("resources/unsubscribe", true, false),
    served("prompts/list", true, true),
    served("prompts/get", true, true),
    served("completion/complete", true, true),
];

/// Is `method` one that a peer of this revision may call? `None`: a peer that has not said its revision.
pub(super) fn serves(method: &str, revision: Option<&ProtocolVersion>) -> bool {
    let stateless = revision.is_some_and(|revision| !revision.has_initialize());
    SERVED
        .iter()
        .any(|served| served.method == method && if stateless { served.stateless } else { served.legacy })
}

/// Is `method` one of any revision?
pub(super) fn ever_serves(method: &str) -> bool {
    SERVED.iter().any(|served| served.method == method)
}

/// The method's name, if it is one of any revision.
pub(super) fn word(method: &str) -> Option<&'static str> {
    SERVED.iter().map(|served| served.method).find(|known| *known == method)
}

/// Only 2025-03-26 has batches.
pub(super) fn has_batches(revision: &ProtocolVersion) -> bool {
    *revision == ProtocolVersion::V_2025_03_26
}

/// What is wrong with the parameters of a method that [`serves`] knows, in a reader's words.
pub(super) fn why_malformed(method: &str, params: Option<Value>) -> String {
    let params = params.unwrap_or(Value::Null);
    if !params.is_object() {
        return "`params` must be an object".to_owned();
    }
    let error = match method {
        "tools/call" => CallToolRequestParams::deserialize(params).err(),
        "resources/read" => ReadResourceRequestParams::deserialize(params).err(),
        "resources/subscribe" | "resources/unsubscribe" => SubscribeRequestParams::deserialize(params).err(),
        "prompts/get" => GetPromptRequestParams::deserialize(params).err(),
        "completion/complete" => CompleteRequestParams::deserialize(params).err(),
        "tasks/get" | "tasks/cancel" => GetTaskParams::deserialize(params).err(),
        "tasks/update" => UpdateTaskParams::deserialize(params).err(),
        "initialize" => InitializeRequestParams::deserialize(params).err(),
        _ => PaginatedRequestParams::deserialize(params).err(),
    };
    error.map_or_else(|| "they do not fit".to_owned(), |error| error.to_string())
}
