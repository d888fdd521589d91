//! The tools `task_result` and `task_cancel`: what goes on after its call.

use std::time::Duration;

use rmcp::model::{JsonObject, Tool};
use serde_json::json;

use super::query::output_schema;
use super::reading;
use crate::mcp::arguments::Arguments;
use crate::pg::Diagnostic;

const RESULT: &str = "Fetches the rows of a query that was still running when `query` answered with status `working` and \
    a task_id. Waits for them up to wait_seconds; then the answer says that it still runs, and it can be called again.";
const CANCEL: &str = "Cancels a query that is still running, by the task_id that `query` answered with. It ends in the \
    database at once. A query that has ended already stays as it is.";

pub(super) fn tool() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "task_id": {"type": "string", "description": "The task_id of the running query."},
            "wait_seconds": {
                "type": "integer",
                "description": "Seconds to wait at most, from 0 to 45. Default: 45.",
            },
        },
        "required": ["task_id"],
        "additionalProperties": false,
    });
    reading("task_result", "Fetch a running query's rows", RESULT.to_owned(), input, output_schema())
}

pub(super) fn cancel_tool() -> Tool {
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
    reading("task_cancel", "Cancel a running query", CANCEL.to_owned(), input, output)
}

/// Which task, and how long to wait.
pub(in crate::mcp) struct ResultRequest {
    pub(in crate::mcp) task_id: String,
    pub(in crate::mcp) wait: Option<Duration>,
}

pub(in crate::mcp) fn parse(tool: &Tool, given: Option<JsonObject>) -> Result<ResultRequest, Diagnostic> {
    let arguments = Arguments::read(tool, given)?;
    let wait = arguments.count("wait_seconds")?.map(Duration::from_secs);
    Ok(ResultRequest { task_id: arguments.required_text("task_id")?, wait })
}

pub(in crate::mcp) fn parse_cancel(tool: &Tool, given: Option<JsonObject>) -> Result<String, Diagnostic> {
    Arguments::read(tool, given)?.required_text("task_id")
}
