//! The tool `preview`: what a statement that writes would do.

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::{Call, database_property, reading};
use crate::gateway::{PreparedWrite, WriteRequest};
use crate::mcp::arguments::Arguments;
use crate::mcp::reply::ToolReply;
use crate::pg::Diagnostic;
use crate::policy::Approval;

const DESCRIPTION: &str =
    "Says what an INSERT, UPDATE, DELETE or MERGE would do, and changes nothing. `execute` runs it.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "sql": {"type": "string"},
            "params": {
                "type": "array",
                "items": {"type": "string"},
                "description": "For $1, $2, ..",
            },
            "database": database_property(databases),
        },
        "required": ["sql"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "statement": {"type": "string"},
            "rows": {"type": "integer"},
            "approval": {"type": "string"},
        },
        "required": ["statement", "approval"],
    });
    reading("preview", "Preview a write", DESCRIPTION.to_owned(), input, output)
}

/// The arguments of both tools for writing.
pub(super) fn request(arguments: &Arguments<'_>) -> Result<WriteRequest, Diagnostic> {
    Ok(WriteRequest {
        sql: arguments.required_text("sql")?,
        params: arguments.nullable_texts("params")?,
        database: arguments.text("database")?,
    })
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let prepared = async {
        let request = request(&call.arguments()?)?;
        call.gateway().prepare_write(call.caller, &request, call.cancel).await
    };
    call.object(prepared.await.map(|prepared| answer(&prepared)))
}

fn answer(prepared: &PreparedWrite) -> Value {
    let (facts, preview) = (&prepared.facts, &prepared.preview);
    let mut fields = Map::new();
    let mut say = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    say("kind", json!(facts.kind.word()));
    say("relation", json!(facts.relation.to_string()));
    say("statement", json!(facts.statement));
    say("approval", json!(facts.approval.word()));
    say("next", json!(next(facts.approval)));
    if let Value::Object(shown) = json!(preview) {
        fields.extend(shown);
    }
    Value::Object(fields)
}

fn next(approval: Approval) -> &'static str {
    match approval {
        Approval::None => "call `execute` with the same sql and params",
        Approval::Requester | Approval::Approver | Approval::Two => {
            "call `execute` with the same sql and params: it asks for the approval"
        }
    }
}
