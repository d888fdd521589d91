//! The tools that the MCP conformance suite asks of a server, over the same router, edge and task store as the product's.
//! Compiled in by the feature `conformance-fixtures` only, which no release has.

#[cfg(not(debug_assertions))]
compile_error!("`conformance-fixtures` is for tests: no release has it");

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, InputRequiredResult, JsonObject,
    Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::handler::Handler;
use super::reply;
use super::tasks::extension;
use crate::auth::Caller;
use crate::gateway::{TaskView, Working};
use crate::pg::{Diagnostic, SqlState};

const NAMES: [(&str, &str); 7] = [
    ("greet", "Answers at once."),
    ("slow_compute", "Takes as many seconds as it is told."),
    ("failing_job", "A task that comes to an error of the tool."),
    ("protocol_error_job", "A task that comes to an error of the server."),
    ("confirm_delete", "A task that asks for a confirmation."),
    ("multi_input", "A task that asks for two things at once."),
    ("test_tool_with_task", "Asks for a name before it becomes a task."),
];

pub(super) fn tools() -> Vec<Tool> {
    let open: JsonObject = [("type".to_owned(), json!("object"))].into_iter().collect();
    let open = Arc::new(open);
    NAMES.iter().map(|(name, words)| Tool::new(*name, *words, Arc::clone(&open))).collect()
}

/// `None`: it is not one of these.
pub(super) async fn call(
    handler: &Handler,
    request: &CallToolRequestParams,
    caller: &Caller,
    cx: &RequestContext<RoleServer>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let arguments = request.arguments.clone().unwrap_or_default();
    let text = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let seconds = arguments.get("seconds").and_then(Value::as_f64).unwrap_or(0.0);
    let pause = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let spoken = extension::is_spoken(cx);
    Some(match request.name.as_ref() {
        "greet" => Ok(said(&format!("Hello, {}!", text("name"))).into()),
        "slow_compute" if !spoken || pause.is_zero() => {
            tokio::time::sleep(pause).await;
            Ok(said("computed").into())
        }
        "slow_compute" => {
            task(handler, caller, async move |_: &Working| {
                tokio::time::sleep(pause).await;
                Ok(said("computed"))
            })
            .await
        }
        _ if !NAMES.iter().any(|(name, _)| *name == request.name) => return None,
        _ if !spoken => extension::needs_declaration(cx).map(|()| said("").into()),
        "failing_job" => {
            task(handler, caller, async |_: &Working| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(CallToolResult::error(vec![ContentBlock::text("the job failed")]))
            })
            .await
        }
        "protocol_error_job" => {
            task(handler, caller, async |_: &Working| {
                Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, "the job ended unexpectedly"))
            })
            .await
        }
        "confirm_delete" => {
            task(handler, caller, async |work: &Working| asked(work, &["confirm"]).await).await
        }
        "multi_input" => {
            task(handler, caller, async |work: &Working| asked(work, &["first", "second"]).await).await
        }
        _ => with_name(handler, request, caller).await,
    })
}

/// Input first, then a task.
async fn with_name(
    handler: &Handler,
    request: &CallToolRequestParams,
    caller: &Caller,
) -> Result<CallToolResponse, ErrorData> {
    let responses = request.input_responses.clone().unwrap_or_default();
    let Some(name) = responses.get("user_name").map(ToString::to_string) else {
        let requests = [("user_name", elicitation("user_name"))].into_iter().collect::<BTreeMap<_, _>>();
        let requests = serde_json::from_value(json!(requests)).map_err(|_| reply::cancelled())?;
        return Ok(CallToolResponse::InputRequired(InputRequiredResult::from_input_requests(requests)));
    };
    task(handler, caller, async move |_: &Working| Ok(said(&format!("for {name}")))).await
}

/// Those that ask their client for something, also as tasks of 2025-11-25.
pub(super) fn may_be_task(name: &str) -> bool {
    matches!(name, "confirm_delete" | "multi_input")
}

pub(super) async fn asking(handler: &Handler, caller: &Caller, name: &str) -> Result<TaskView, ErrorData> {
    let keys: &[&str] = if name == "multi_input" { &["first", "second"] } else { &["confirm"] };
    begin(handler, caller, async move |work: &Working| asked(work, keys).await).await
}

async fn asked(work: &Working, keys: &[&str]) -> Result<CallToolResult, Diagnostic> {
    let pending = keys.iter().map(|key| ((*key).to_owned(), elicitation(key).to_string())).collect();
    let given = work.ask(pending).await?;
    Ok(said(&format!("{} answered", given.len())))
}

fn elicitation(key: &str) -> Value {
    let schema = json!({"type": "object", "properties": {key: {"type": "string"}}});
    json!({"method": "elicitation/create", "params": {"message": "Please answer", "requestedSchema": schema}})
}

async fn task(
    handler: &Handler,
    caller: &Caller,
    work: impl AsyncFnOnce(&Working) -> Result<CallToolResult, Diagnostic> + Send + 'static,
) -> Result<CallToolResponse, ErrorData> {
    let view = begin(handler, caller, work).await?;
    Ok(CallToolResponse::Task(extension::created(&view)))
}

async fn begin(
    handler: &Handler,
    caller: &Caller,
    work: impl AsyncFnOnce(&Working) -> Result<CallToolResult, Diagnostic> + Send + 'static,
) -> Result<TaskView, ErrorData> {
    let begun = handler.gateway.begin_work(caller, "a fixture").await;
    let (view, working) = begun.map_err(|error| reply::request_failed(&error))?;
    let local = tokio::runtime::Handle::current();
    // The futures of closures like these are not known to be Send.
    std::thread::spawn(move || {
        local.block_on(async {
            let cancelled = working.cancelled().clone();
            let result = tokio::select! {
                result = work(&working) => result,
                () = cancelled.cancelled() => return,
            };
            let _ = working.end(result.map(|result| json!(result))).await;
        });
    });
    Ok(view)
}

fn said(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}
