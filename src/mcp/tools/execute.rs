//! The tool `execute`: one statement that writes, once a person has approved it.

mod asking;
mod shown;

use std::time::Duration;

use rmcp::ErrorData;
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::json;

use super::{Call, Called, database_property, object};
use crate::gateway::{ExecuteRequest, Executed, WriteRequest, unknown_approval};
use crate::mcp::approval_page::Matter;
use crate::mcp::elicitation::Opened;
use crate::mcp::reply;
use crate::pg::{Diagnostic, SqlState};

/// How long a call waits for a person: clients give up after a minute.
const PATIENCE: Duration = Duration::from_secs(45);

const DESCRIPTION: &str = "Runs one INSERT, UPDATE, DELETE or MERGE. Where a person has to approve it first, answers \
    approval_required: call again with approval_id.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "sql": {"type": "string", "description": "One statement."},
            "params": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Values for $1, $2, .. as text.",
            },
            "database": database_property(databases),
            "approval_id": {"type": "string", "description": "Of the earlier answer; sql is not needed then."},
        },
        "required": [],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "status": {"type": "string", "description": "done or approval_required."},
            "rows": {"type": "integer"},
            "approval_id": {"type": "string"},
            "url": {"type": "string"},
        },
        "required": ["status"],
    });
    let hints = ToolAnnotations::with_title("Change rows")
        .read_only(false)
        .destructive(true)
        .idempotent(false)
        .open_world(false);
    Tool::new("execute", DESCRIPTION, object(input))
        .with_title("Change rows")
        .with_raw_output_schema(object(output))
        .with_annotations(hints)
}

pub(super) async fn call(call: Call<'_>) -> Result<Called, ErrorData> {
    let (request, sql) = match wanted(&call) {
        Ok(wanted) => wanted,
        Err(refusal) => return reply::failed(&refusal, "").map(Called::Reply),
    };
    let is_new = matches!(request, ExecuteRequest::New(_));
    let resumes = call.resumed.state.is_some();
    let opened = match &request {
        ExecuteRequest::Approved { id, .. } if resumes => call.resumed.opened(Matter::Approval(*id)),
        _ => Opened::Yes,
    };
    let wait = if opened == Opened::Yes { PATIENCE } else { Duration::ZERO };
    match call.gateway().execute(call.caller, request, wait, call.cancel).await {
        Ok(Executed::Waiting(approval)) if is_new => asking::person(&call, &approval).await,
        Ok(executed) => shown::reply(&call, executed, opened).map(Called::Reply),
        Err(diagnostic) => reply::failed(&diagnostic, &sql).map(Called::Reply),
    }
}

/// What is to be done, and the statement that the caller wrote.
fn wanted(call: &Call<'_>) -> Result<(ExecuteRequest, String), Diagnostic> {
    let arguments = call.arguments()?;
    let sql = arguments.text("sql")?.filter(|sql| !sql.trim().is_empty());
    let params = arguments.nullable_texts("params")?;
    let database = arguments.text("database")?;
    let text = sql.clone().unwrap_or_default();
    let write = sql.map(|sql| WriteRequest { sql, params, database });
    let (given, resumed) = (arguments.text("approval_id")?, call.resumed.state.clone());
    if given.is_some() && resumed.is_some() && given != resumed {
        return Err(unknown_approval());
    }
    let id = given.or(resumed).map(|id| id.parse().map_err(|()| unknown_approval())).transpose()?;
    match (id, write) {
        (Some(id), again) => Ok((ExecuteRequest::Approved { id, again }, text)),
        (None, Some(write)) => Ok((ExecuteRequest::New(write), text)),
        (None, None) => {
            let message = "`execute` needs `sql`, or `approval_id` of an earlier answer";
            Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
                .hint("give one statement as `sql`"))
        }
    }
}
