//! The tool `task_cancel`: ends a query that outlived its call.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, reading};
use crate::gateway::Cancelled;
use crate::mcp::reply::ToolReply;
use crate::mcp::tasks::handle;

const DESCRIPTION: &str = "Cancels a query that is still running, by the task_id that `query` answered with. It ends in the \
    database at once. A query that has ended already stays as it is.";

pub(super) fn tool() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {"task_id": {"type": "string", "description": "The task_id of the running query."}},
        "required": ["task_id"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "status": {"type": "string", "description": "cancelled, or completed or failed if it had ended before."},
            "task_id": {"type": "string"},
        },
        "required": ["status", "task_id"],
    });
    // It changes nothing that anybody reads: the query is one of the caller's own.
    reading("task_cancel", "Cancel a running query", DESCRIPTION.to_owned(), input, output)
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let ended = async {
        let id = call.arguments()?.required_text("task_id")?;
        let id = id.parse().map_err(|()| handle::unknown())?;
        match call.gateway().cancel_task(call.caller, id).await? {
            Some(Cancelled::Done(task) | Cancelled::TooLate(task)) => Ok(handle::ended(&task)),
            None => Err(handle::unknown()),
        }
    };
    call.object(ended.await)
}
