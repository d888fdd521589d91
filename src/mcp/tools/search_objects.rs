//! The tool `search_objects`: which relations there are.

use rmcp::model::{JsonObject, Tool};
use serde_json::json;

use super::{database_property, reading};
use crate::gateway::SearchRequest;
use crate::mcp::arguments::Arguments;
use crate::pg::Diagnostic;

const DESCRIPTION: &str = "Finds tables, views and columns of a PostgreSQL database by name or comment and lists those the \
    policy lets be queried, best hits first. Without `query` it lists all of them. `describe` has the columns of a hit.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": "Words or part of a name. Default: empty, which lists everything.",
            },
            "database": database_property(databases),
            "schema": {"type": "string", "description": "Only objects of this schema."},
            "limit": {"type": "integer", "description": "Hits to return at most. Default: as many as fit."},
        },
        "required": [],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "objects": {"type": "array", "items": {"type": "object"}},
            "total": {"type": "integer"},
            "truncated": {"type": "boolean"},
        },
        "required": ["objects", "total", "truncated"],
    });
    reading("search_objects", "Search the schema", DESCRIPTION.to_owned(), input, output)
}

pub(in crate::mcp) fn parse(tool: &Tool, given: Option<JsonObject>) -> Result<SearchRequest, Diagnostic> {
    let arguments = Arguments::read(tool, given)?;
    Ok(SearchRequest {
        query: arguments.text("query")?.unwrap_or_default(),
        database: arguments.text("database")?,
        schema: arguments.text("schema")?,
        limit: arguments.count("limit")?,
    })
}
