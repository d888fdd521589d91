//! What a task asks the client for, sent while the client waits for its result (2025-11-25, Tasks: input required).

use std::collections::BTreeMap;

use rmcp::model::{CustomRequest, ServerRequest};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::RELATED_TASK;
use crate::auth::Caller;
use crate::gateway::TaskView;
use crate::mcp::handler::Handler;
use crate::mcp::reply;

/// Sends each pending request, and hands the responses to the task.
pub(super) async fn deliver(
    handler: &Handler,
    caller: &Caller,
    task: &TaskView,
    cx: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let mut responses = BTreeMap::new();
    for (key, request) in &task.pending {
        let mut request: Value = serde_json::from_str(request).map_err(|_| reply::cancelled())?;
        let method = request.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut params = request.get_mut("params").map(Value::take).unwrap_or_else(|| json!({}));
        if let Value::Object(params) = &mut params {
            params.insert("_meta".to_owned(), json!({RELATED_TASK: {"taskId": task.id.to_string()}}));
        }
        let request = ServerRequest::CustomRequest(CustomRequest::new(method, Some(params)));
        let response = cx.peer.send_request(request).await.map_err(|error| {
            ErrorData::internal_error(format!("the client did not answer what the task asks: {error}"), None)
        })?;
        responses.insert(key.clone(), json!(response).to_string());
    }
    let known = handler.gateway.respond(caller, task.id, &responses).await;
    known.map_err(|error| reply::request_failed(&error))?.ok_or_else(super::unknown)
}
