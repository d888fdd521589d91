//! The tool `describe`: what a relation is made of.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, database_property, reading};
use crate::gateway::DescribeRequest;
use crate::mcp::arguments::Arguments;
use crate::mcp::reply::ToolReply;
use crate::pg::{Diagnostic, SqlState};

const DESCRIPTION: &str =
    "Describes tables and views of a PostgreSQL database: columns, meaning, masks, keys, join conditions.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "relations": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Names as in SQL: shop.orders.",
            },
            "database": database_property(databases),
            "sample_rows": {"type": "integer", "description": "Rows of each, at most 5."},
            "profile": {"type": "boolean", "description": "Common values, range, NULLs."},
        },
        "required": ["relations"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {"relations": {"type": "array", "items": {"type": "object"}}},
        "required": ["relations"],
    });
    reading("describe", "Describe relations", DESCRIPTION.to_owned(), input, output)
}

/// At least one name.
fn relations(arguments: &Arguments<'_>) -> Result<Vec<String>, Diagnostic> {
    let relations = arguments.texts("relations")?;
    if relations.is_empty() {
        let message = "argument `relations` of `describe` names nothing";
        return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("name one relation or more; `search_objects` lists them"));
    }
    Ok(relations)
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let described = async {
        let arguments = call.arguments()?;
        let request = DescribeRequest {
            database: arguments.text("database")?,
            relations: relations(&arguments)?,
            sample_rows: arguments.count("sample_rows")?.unwrap_or(0),
            profile: arguments.flag("profile")?,
        };
        call.gateway().describe(call.caller, request, call.cancel).await
    };
    call.object(described.await.map(|described| described.0))
}
