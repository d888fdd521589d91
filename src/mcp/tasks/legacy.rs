//! The tasks of 2025-11-25 (SEP-1686), which rmcp does not have.
//!
//! The edge gives their methods private names on the way in ([`inbound`]), so that rmcp passes them on with all their
//! parameters; [`answer`] answers them with JSON of our own. [`outbound`] adds the capability to the answer to
//! `initialize`. A client of another revision never meets them.

mod input;
mod listed;
mod names;

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CustomNotification, JsonObject, PaginatedRequestParams, ProtocolVersion,
    ServerNotification,
};
use rmcp::service::{Peer, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{existing, milliseconds, progress, status, time, unknown};
use crate::auth::Caller;
use crate::gateway::{Asked, Cancelled, TaskView};
use crate::mcp::arguments::Arguments;
use crate::mcp::handler::Handler;
use crate::mcp::standing::Standing;
use crate::mcp::tools::{Listed, query, saved};
use crate::mcp::{apps, reply, resources};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::ToolGroup;
use crate::tasks::TaskId;

pub(in crate::mcp) use listed::outbound;
pub(in crate::mcp) use names::{inbound, private, renamed};

pub(super) const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// Tasks on one page of `tasks/list`.
const PAGE: usize = 50;

pub(in crate::mcp) async fn answer(
    handler: &Handler,
    method: &str,
    params: Value,
    cx: RequestContext<RoleServer>,
) -> Result<Value, ErrorData> {
    let has_tasks = cx.protocol_version() == Some(ProtocolVersion::V_2025_11_25);
    match (method, has_tasks) {
        ("tools/list", true) => {
            resources::only_page(method, read(method, params)?)?;
            let listed = handler.listed(&handler.caller(&cx)?, handler.samples(&cx)).await;
            let listed = match apps::are_shown(&cx) {
                true => listed.into_iter().map(apps::with_page).collect(),
                false => listed,
            };
            Ok(json!({"tools": listed::tools(&listed)}))
        }
        ("tools/list", false) => {
            let listed = handler.list_tools(read(method, params)?, cx).await?;
            Ok(without_result_type(json!(listed)))
        }
        ("tools/call", true) => call(handler, params, cx).await,
        // Older revisions ignore what they do not know.
        ("tools/call", false) => {
            let called = handler.call_tool(read(method, params)?, cx).await?;
            Ok(without_result_type(json!(rmcp::model::ServerResult::from(called))))
        }
        ("tasks/get", true) => {
            let task = existing(handler, &handler.caller(&cx)?, &task_id(method, params)?).await?;
            Ok(shown(&task))
        }
        ("tasks/result", true) => result(handler, &task_id(method, params)?, cx).await,
        ("tasks/list", true) => list(handler, &handler.caller(&cx)?, read(method, params)?).await,
        ("tasks/cancel", true) => cancel(handler, &handler.caller(&cx)?, &task_id(method, params)?).await,
        _ => Err(reply::unknown_method(method.to_owned())),
    }
}

#[derive(Deserialize)]
struct Wish {
    task: Ttl,
}

#[derive(Deserialize)]
struct Ttl {
    /// Milliseconds.
    ttl: Option<u64>,
}

async fn call(handler: &Handler, params: Value, cx: RequestContext<RoleServer>) -> Result<Value, ErrorData> {
    let caller = handler.caller(&cx)?;
    let wish: Wish = read("tools/call", params.clone())?;
    let request: CallToolRequestParams = read("tools/call", params)?;
    #[cfg(feature = "conformance-fixtures")]
    if crate::mcp::fixtures::tasks::may_be_task(&request.name) {
        let task = crate::mcp::fixtures::tasks::asking(handler, &caller, &request.name).await?;
        return Ok(json!({"task": shown(&task)}));
    }
    let listed = handler.tool(&caller, &request.name, handler.samples(&cx)).await?;
    if !listed::may_be_task(&listed) {
        let message = format!("`{}` cannot be called as a task", listed.tool.name);
        return Err(ErrorData::new(rmcp::model::ErrorCode::METHOD_NOT_FOUND, message, None));
    }
    let ttl = wish.task.ttl.map(Duration::from_millis);
    match submit(handler, &listed, request.arguments, &caller, ttl).await {
        Ok(task) => {
            tell(handler, &caller, &task, &cx);
            Ok(json!({"task": shown(&task)}))
        }
        // A client that asked for a task reads nothing but a task here, or an error.
        Err(refusal) => {
            Err(ErrorData { message: refusal.render("").into(), ..reply::request_failed(&refusal) })
        }
    }
}

/// Asks, to be answered however long it takes.
async fn submit(
    handler: &Handler,
    listed: &Listed,
    given: Option<JsonObject>,
    caller: &Caller,
    ttl: Option<Duration>,
) -> Result<TaskView, Diagnostic> {
    let read = if listed.group == Some(ToolGroup::Saved) {
        saved::parse(&handler.gateway, caller, &listed.tool, given).await?
    } else {
        let arguments = Arguments::read(&listed.tool, given)?;
        let database = arguments.text("database")?;
        listed.group.map_or(Ok(()), |group| handler.gateway.has_tools(caller, database.as_deref(), group))?;
        query::parse(&arguments)?
    };
    match read {
        query::Read::Ask(request) => handler.gateway.submit(caller, request, ttl).await,
        query::Read::On { .. } => {
            let message = "a page of an answer is no task";
            Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message).hint("leave `task` out"))
        }
    }
}

/// Waits for the end, however long it takes. The client may go away and come back.
async fn result(handler: &Handler, id: &str, cx: RequestContext<RoleServer>) -> Result<Value, ErrorData> {
    let caller = handler.caller(&cx)?;
    let task: TaskId = id.parse().map_err(|()| unknown())?;
    let asked = loop {
        let waiting = async |cancel: CancellationToken| {
            handler.gateway.task_outcome(&caller, task, Duration::MAX, &cancel).await
        };
        match handler.calls.run(&cx, waiting).await? {
            Ok(None) => return Err(unknown()),
            Ok(Some(Asked::Task(task))) if !task.pending.is_empty() => {
                input::deliver(handler, &caller, &task, &cx).await?;
            }
            Ok(Some(Asked::Task(_))) => return Err(reply::cancelled()),
            Ok(Some(rows)) => break Ok(rows),
            Err(diagnostic) => break Err(diagnostic),
        }
    };
    let mut result = without_result_type(json!(handler.asked(asked, "")?));
    if let Value::Object(result) = &mut result {
        let meta = result.entry("_meta").or_insert_with(|| json!({}));
        if let Value::Object(meta) = meta {
            meta.insert(RELATED_TASK.to_owned(), json!({"taskId": id}));
        }
    }
    Ok(result)
}

async fn list(
    handler: &Handler,
    caller: &Caller,
    page: Option<PaginatedRequestParams>,
) -> Result<Value, ErrorData> {
    let after = match page.and_then(|page| page.cursor) {
        Some(cursor) => Some(
            cursor
                .parse()
                .map_err(|()| reply::malformed("tasks/list", "this cursor is not one of `tasks/list`"))?,
        ),
        None => None,
    };
    let tasks = handler.gateway.list_tasks(caller, after, PAGE).await;
    let tasks = tasks.map_err(|error| reply::request_failed(&error))?;
    let mut page = json!({"tasks": tasks.iter().map(shown).collect::<Vec<_>>()});
    if let (Value::Object(page), Some(last)) = (&mut page, tasks.last().filter(|_| tasks.len() == PAGE)) {
        page.insert("nextCursor".to_owned(), json!(last.id.to_string()));
    }
    Ok(page)
}

async fn cancel(handler: &Handler, caller: &Caller, id: &str) -> Result<Value, ErrorData> {
    let id: TaskId = id.parse().map_err(|()| unknown())?;
    let cancelled = handler.gateway.cancel_task(caller, id).await;
    match cancelled.map_err(|error| reply::request_failed(&error))? {
        Some(Cancelled::Done(task)) => Ok(shown(&task)),
        Some(Cancelled::TooLate(task)) => {
            let words = format!("the task has ended: it is {}", status(&task));
            Err(ErrorData::invalid_params(words, None))
        }
        None => Err(unknown()),
    }
}

/// `notifications/tasks/status` until the task has ended, as long as the client is there; and `notifications/progress`
/// where the call gave a token for it, which stays valid as long as the task lives.
fn tell(handler: &Handler, caller: &Caller, task: &TaskView, cx: &RequestContext<RoleServer>) {
    // It lasts as long as the task.
    let gateway = handler.standby().idle().gateway.clone();
    let (caller, peer) = (caller.clone(), cx.peer.clone());
    let (stop, standing) = (handler.calls.stop.clone(), Standing::of(cx));
    let (mut last, mut changes) = (task.clone(), gateway.task_changes());
    let mut progress = cx.meta.get_progress_token().map(progress::Told::new);
    tokio::spawn(async move {
        let telling = async {
            while !last.state.is_terminal() {
                changes.next_of(std::iter::once(last.id.to_string().as_str())).await;
                let Ok(Some(now)) = gateway.task(&caller, last.id).await else { return };
                if now.state != last.state && notify(&peer, &now).await.is_err() {
                    return;
                }
                if let Some(progress) = progress.as_mut().filter(|_| now.message != last.message) {
                    progress.tell(&peer, 0, now.message.clone()).await;
                }
                last = now;
            }
        };
        tokio::select! {
            () = telling => {}
            () = stop.cancelled() => {}
            () = standing.lost() => {}
        }
    });
}

async fn notify(peer: &Peer<RoleServer>, task: &TaskView) -> Result<(), rmcp::ServiceError> {
    let notification = CustomNotification::new("notifications/tasks/status", Some(shown(task)));
    peer.send_notification(ServerNotification::CustomNotification(notification)).await
}

fn shown(task: &TaskView) -> Value {
    json!({
        "taskId": task.id.to_string(),
        "status": status(task),
        "statusMessage": task.message,
        "createdAt": time(task.created_at),
        "lastUpdatedAt": time(task.updated_at),
        "ttl": milliseconds(task.ttl),
        "pollInterval": milliseconds(task.poll_interval),
    })
}

fn read<T: DeserializeOwned>(method: &str, params: Value) -> Result<T, ErrorData> {
    serde_json::from_value(params).map_err(|error| reply::malformed(method, &error.to_string()))
}

fn task_id(method: &str, params: Value) -> Result<String, ErrorData> {
    match params.get("taskId") {
        Some(Value::String(id)) => Ok(id.clone()),
        _ => Err(reply::malformed(method, "`taskId` must be a string")),
    }
}

/// Results of this revision have no type.
fn without_result_type(mut result: Value) -> Value {
    if let Value::Object(result) = &mut result {
        let result: &mut JsonObject = result;
        for key in ["resultType", "ttlMs", "cacheScope"] {
            result.remove(key);
        }
    }
    result
}
