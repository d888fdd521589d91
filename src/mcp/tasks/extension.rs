//! The extension `io.modelcontextprotocol/tasks` of 2026-07-28 (SEP-2663).

use std::time::Duration;

use rmcp::model::{
    ClientCapabilities, CreateTaskResult, DetailedTask, GetTaskResult, InputRequests, InputResponses,
    JsonObject, Task, TaskPayload, TaskStatus,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{existing, milliseconds, time, unknown};
use crate::auth::Caller;
use crate::gateway::{Asked, TaskView};
use crate::mcp::handler::Handler;
use crate::mcp::reply;
use crate::tasks::State;

pub(in crate::mcp) fn created(task: &TaskView) -> CreateTaskResult {
    CreateTaskResult::new(shown(task))
}

/// The state, with the tool's result in it once there is one.
pub(in crate::mcp) async fn get(
    handler: &Handler,
    caller: &Caller,
    id: &str,
) -> Result<GetTaskResult, ErrorData> {
    let view = existing(handler, caller, id).await?;
    let payload = match view.state {
        State::Queued | State::Running if !view.pending.is_empty() => {
            TaskPayload::InputRequired { input_requests: requests(&view)? }
        }
        State::Queued | State::Running => TaskPayload::Working,
        State::Cancelled => TaskPayload::Cancelled,
        State::Completed | State::Failed => {
            let now = CancellationToken::new();
            let asked = match handler.gateway.task_outcome(caller, view.id, Duration::ZERO, &now).await {
                Ok(Some(asked @ (Asked::Rows(_) | Asked::Result(_)))) => Ok(asked),
                // It has expired between two looks.
                Ok(_) => return Err(unknown()),
                Err(diagnostic) => Err(diagnostic),
            };
            match handler.asked(asked, "") {
                Ok(result) => TaskPayload::Completed { result: object(json!(result)) },
                Err(error) => TaskPayload::Failed { error: object(json!(error)) },
            }
        }
    };
    Ok(GetTaskResult::new(DetailedTask::new(shown(&view), payload)))
}

/// What the task asks the client for.
fn requests(view: &TaskView) -> Result<InputRequests, ErrorData> {
    let parsed = view.pending.iter().map(|(key, request)| {
        let request: Value = serde_json::from_str(request).unwrap_or_default();
        (key.clone(), request)
    });
    let all = Value::Object(parsed.collect());
    serde_json::from_value(all).map_err(|_| reply::cancelled())
}

/// Hands the client's responses to the task. What it did not ask for is passed by.
pub(in crate::mcp) async fn update(
    handler: &Handler,
    caller: &Caller,
    id: &str,
    responses: &InputResponses,
) -> Result<(), ErrorData> {
    let id = id.parse().map_err(|()| unknown())?;
    let Value::Object(given) = json!(responses) else { return Ok(()) };
    let given = given.into_iter().map(|(key, response)| (key, response.to_string())).collect();
    let known = handler.gateway.respond(caller, id, &given).await;
    known.map_err(|error| reply::request_failed(&error))?.ok_or_else(unknown)
}

/// What has ended stays as it is: the client reads so when it asks.
pub(in crate::mcp) async fn cancel(handler: &Handler, caller: &Caller, id: &str) -> Result<(), ErrorData> {
    let id = id.parse().map_err(|()| unknown())?;
    let cancelled = handler.gateway.cancel_task(caller, id).await;
    cancelled.map_err(|error| reply::request_failed(&error))?.map(drop).ok_or_else(unknown)
}

/// The request is one of 2026-07-28 and declares the extension: a client that does not, gets no task.
pub(in crate::mcp) fn is_spoken(cx: &RequestContext<RoleServer>) -> bool {
    let stateless = cx.protocol_version().is_some_and(|revision| !revision.has_initialize());
    stateless && cx.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks())
}

/// As rmcp asks for it before the methods that it knows.
pub(in crate::mcp) fn needs_declaration(cx: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    if is_spoken(cx) {
        return Ok(());
    }
    let needed = ClientCapabilities::builder().enable_tasks().build();
    Err(ErrorData::missing_required_client_capability(needed))
}

fn shown(task: &TaskView) -> Task {
    let status = match task.state {
        State::Queued | State::Running => TaskStatus::Working,
        State::Completed => TaskStatus::Completed,
        State::Failed => TaskStatus::Failed,
        State::Cancelled => TaskStatus::Cancelled,
    };
    Task::new(task.id.to_string(), status, time(task.created_at), time(task.updated_at))
        .with_status_message(&task.message)
        .with_ttl_ms(milliseconds(task.ttl))
        .with_poll_interval_ms(milliseconds(task.poll_interval))
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    }
}
