//! The tool `explain`: how PostgreSQL would run a statement.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, database_property, reading};
use crate::gateway::ExplainRequest;
use crate::mcp::reply::ToolReply;

const DESCRIPTION: &str = "Plan of a PostgreSQL query, its cost, and what is slow and why.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "sql": {"type": "string", "description": "One query."},
            "indexes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "CREATE INDEX statements to suppose.",
            },
            "analyze": {"type": "boolean", "description": "Run it too."},
            "format": {"type": "string", "enum": ["text", "json"], "description": "Of the plan."},
            "database": database_property(databases),
        },
        "required": ["sql"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "rows": {"type": "number"},
            "cost": {"type": "number"},
            "findings": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["plan", "cost"],
    });
    reading("explain", "Explain a query", DESCRIPTION.to_owned(), input, output)
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let explained = async {
        let arguments = call.arguments()?;
        let request = ExplainRequest {
            sql: arguments.required_text("sql")?,
            indexes: arguments.texts("indexes")?,
            analyze: arguments.flag("analyze")?,
            document: arguments.choice("format", &[("text", false), ("json", true)])?.unwrap_or(false),
            database: arguments.text("database")?,
        };
        call.gateway().explain(call.caller, request, call.cancel).await
    };
    call.object(explained.await.map(|explained| explained.0))
}
