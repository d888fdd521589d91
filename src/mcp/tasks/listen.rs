//! `subscriptions/listen` with `taskIds` in its filter (SEP-2663): each change of one of the tasks is pushed as
//! `notifications/tasks`, whole, as `tasks/get` would answer it. rmcp's filter has no such member, so the edge passes
//! these requests on by a private name (see [`super::legacy`]); other members of the filter are not accepted.

use std::collections::BTreeSet;

use rmcp::model::{CustomNotification, ServerNotification};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::extension;
use crate::auth::Caller;
use crate::mcp::handler::{Handler, Standing};
use crate::mcp::reply;

pub(super) const METHOD: &str = "subscriptions/listen";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// Tasks that one request may listen to.
const MOST: usize = 100;

/// Is it one that rmcp cannot answer?
pub(super) fn is_for_tasks(method: &str, params: Option<&Value>) -> bool {
    method == METHOD && params.and_then(|params| params.pointer("/notifications/taskIds")).is_some()
}

/// Listens until the client cancels, goes away, loses its token, or the server stops.
pub(super) async fn answer(
    handler: &Handler,
    params: &Value,
    cx: RequestContext<RoleServer>,
) -> Result<Value, ErrorData> {
    extension::needs_declaration(&cx)?;
    let caller = handler.caller(&cx)?;
    let wanted = params.pointer("/notifications/taskIds").and_then(Value::as_array);
    let wanted = wanted.filter(|ids| ids.len() <= MOST && ids.iter().all(Value::is_string));
    let Some(wanted) = wanted else {
        return Err(reply::malformed(METHOD, &format!("`taskIds` must be a list of at most {MOST} strings")));
    };
    let wanted: BTreeSet<&str> = wanted.iter().filter_map(Value::as_str).collect();
    // For the others the client learns nothing: they are not its own.
    let mut tasks = Vec::new();
    for id in wanted {
        if let Ok(task) = extension::get(handler, &caller, id).await {
            tasks.push((id.to_owned(), json!(task)));
        }
    }
    let accepted: Vec<&str> = tasks.iter().map(|(id, _)| id.as_str()).collect();
    let acknowledged = json!({"notifications": {"taskIds": accepted}});
    tell(&cx, "notifications/subscriptions/acknowledged", acknowledged).await?;
    let (standing, stop) = (Standing::of(&cx), handler.calls.stop.clone());
    tokio::select! {
        failed = push(handler, &caller, &cx, &mut tasks) => failed?,
        () = cx.ct.cancelled() => {}
        () = standing.lost() => {}
        () = stop.cancelled() => {}
    }
    Ok(json!({"resultType": "complete", "_meta": {SUBSCRIPTION: cx.id}}))
}

/// Never ends but by a lost client.
async fn push(
    handler: &Handler,
    caller: &Caller,
    cx: &RequestContext<RoleServer>,
    tasks: &mut [(String, Value)],
) -> Result<(), ErrorData> {
    let mut changes = handler.gateway.task_changes();
    loop {
        for (id, last) in tasks.iter_mut() {
            // What has expired does not change any more.
            let Ok(task) = extension::get(handler, caller, id).await else { continue };
            let now = json!(task);
            if now != *last {
                *last = now.clone();
                tell(cx, "notifications/tasks", now).await?;
            }
        }
        changes.next_of(tasks.iter().map(|(id, _)| id.as_str())).await;
    }
}

async fn tell(cx: &RequestContext<RoleServer>, method: &str, mut params: Value) -> Result<(), ErrorData> {
    if let Value::Object(params) = &mut params {
        params.remove("resultType");
        params.insert("_meta".to_owned(), json!({SUBSCRIPTION: cx.id}));
    }
    let notification = ServerNotification::CustomNotification(CustomNotification::new(method, Some(params)));
    cx.peer.send_notification(notification).await.map_err(|_| reply::cancelled())
}
