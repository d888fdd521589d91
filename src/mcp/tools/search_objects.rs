//! The tool `search_objects`: which relations there are.

use rmcp::model::{JsonObject, Tool};
use serde_json::json;

use super::{database_property, reading};
use crate::gateway::SearchRequest;
use crate::mcp::arguments::Arguments;
use crate::pg::Diagnostic;

const DESCRIPTION: &str = "Finds the tables, views and columns of a PostgreSQL database that a question is about, best first: by \
    names, comments, enum labels and foreign keys. Without `query` it gives an overview: every relation with its key, \
    references and comment. `describe` has the columns of a hit.";

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": "Words, or the question itself. Default: empty, which gives an overview.",
            },
            "database": database_property(databases),
            "schema": {"type": "string", "description": "Only objects of this schema."},
            "limit": {"type": "integer", "description": "Hits at most. Default: 20."},
            "tokens": {"type": "integer", "description": "Size of the answer in tokens, roughly."},
        },
        "required": [],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "objects": {"type": "array", "items": {"type": "object"}},
            "schemas": {"type": "array", "items": {"type": "object"}},
            "total": {"type": "integer"},
            "truncated": {"type": "boolean"},
        },
        "required": ["total", "truncated"],
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
        tokens: arguments.count("tokens")?,
    })
}
