//! What a client reads that knows nothing of tasks: a result that says where the other one will be.

use serde_json::{Value, json};

use super::status;
use crate::gateway::TaskView;
use crate::pg::{Diagnostic, SqlState};

pub(in crate::mcp) fn running(task: &TaskView) -> Value {
    json!({
        "status": status(task),
        "task_id": task.id.to_string(),
        "message": task.message,
        "next": format!("call `task_result` with the task_id; it waits for the rows. `task_cancel` ends the query"),
    })
}

/// After the wish to cancel.
pub(in crate::mcp) fn ended(task: &TaskView) -> Value {
    json!({"status": status(task), "task_id": task.id.to_string()})
}

pub(in crate::mcp) fn unknown() -> Diagnostic {
    let message = "there is no such task: it is not one of yours, or it has expired";
    Diagnostic::refused(SqlState::UNDEFINED_OBJECT, message)
        .rule("tasks.unknown")
        .hint("ask the question again with `query`")
}
