//! The tool `task_result`: the rows of a query that outlived its call.

use std::time::Duration;

use rmcp::model::Tool;
use serde_json::json;

use super::query::output_schema;
use super::{Call, reading};
use crate::mcp::reply::{self, ToolReply};
use crate::mcp::tasks::handle;

const DESCRIPTION: &str = "Fetches the rows of a query that was still running when `query` answered with status `working` and \
    a task_id. Waits for them up to wait_seconds; then the answer says that it still runs, and it can be called again.";

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
    let title = "Fetch a running query's rows";
    reading("task_result", title, DESCRIPTION.to_owned(), input, output_schema())
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let longest = call.gateway().task_settings().handle_after;
    let outcome = async {
        let arguments = call.arguments()?;
        let wait = arguments.count("wait_seconds")?.map(Duration::from_secs);
        let id = arguments.required_text("task_id")?;
        let wait = wait.map_or(longest, |wait| wait.min(longest));
        match id.parse() {
            Ok(id) => call.gateway().task_outcome(call.caller, id, wait, call.cancel).await,
            Err(()) => Ok(None),
        }
    };
    match outcome.await {
        Ok(Some(asked)) => call.handler.asked(Ok(asked), ""),
        Ok(None) => reply::failed(&handle::unknown(), ""),
        Err(diagnostic) => call.handler.asked(Err(diagnostic), ""),
    }
}
