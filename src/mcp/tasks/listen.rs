//! `taskIds` in the filter of `subscriptions/listen` (SEP-2663): each change of one of the tasks is pushed as
//! `notifications/tasks`, whole, as `tasks/get` would answer it.

use std::collections::BTreeSet;

use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::extension;
use crate::auth::Caller;
use crate::mcp::handler::Handler;
use crate::mcp::standby::Standby;
use crate::mcp::subscriptions::listen::{malformed, tell};

/// Tasks that one request may listen to.
const MOST: usize = 100;

/// Tasks as the client was told of them last.
pub(in crate::mcp) struct Followed(Vec<(String, Value)>);

/// The caller's own tasks among the `wanted` ones; `None` where none are asked for.
pub(in crate::mcp) async fn followed(
    handler: &Handler,
    caller: &Caller,
    wanted: Option<&Value>,
    cx: &RequestContext<RoleServer>,
) -> Result<Option<Followed>, ErrorData> {
    let Some(wanted) = wanted else { return Ok(None) };
    extension::needs_declaration(cx)?;
    let wanted = wanted.as_array().filter(|ids| ids.len() <= MOST && ids.iter().all(Value::is_string));
    let Some(wanted) = wanted else {
        return Err(malformed(&format!("`taskIds` must be a list of at most {MOST} strings")));
    };
    let wanted: BTreeSet<&str> = wanted.iter().filter_map(Value::as_str).collect();
    // For the others the client learns nothing: they are not its own.
    let mut tasks = Vec::new();
    for id in wanted {
        if let Ok(task) = extension::get(handler, caller, id).await {
            tasks.push((id.to_owned(), json!(task)));
        }
    }
    Ok(Some(Followed(tasks)))
}

impl Followed {
    pub(in crate::mcp) fn ids(&self) -> Value {
        self.0.iter().map(|(id, _)| id.as_str()).collect()
    }

    /// Never ends but by a lost client.
    pub(in crate::mcp) async fn push(
        &mut self,
        standby: &Standby,
        caller: &Caller,
        cx: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let mut changes = standby.idle().gateway.task_changes();
        loop {
            let handler = standby.pinned();
            for (id, last) in &mut self.0 {
                // What has expired does not change any more.
                let Ok(task) = extension::get(&handler, caller, id).await else { continue };
                let mut now = json!(task);
                if now != *last {
                    *last = now.clone();
                    if let Value::Object(now) = &mut now {
                        now.remove("resultType");
                    }
                    tell(cx, "notifications/tasks", now).await?;
                }
            }
            drop(handler);
            changes.next_of(self.0.iter().map(|(id, _)| id.as_str())).await;
        }
    }
}
