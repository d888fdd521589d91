//! The tool `search_objects`: which relations there are.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, database_property, reading};
use crate::gateway::{SearchDetail, SearchRequest};
use crate::mcp::reply::ToolReply;

const DESCRIPTION: &str = "Finds the tables, columns, functions and business terms of a PostgreSQL database that a question is \
    about, best first. Without `query` it gives an overview: every relation with its key, references and comment.";

const DETAILS: [(&str, SearchDetail); 2] = [("names", SearchDetail::Names), ("full", SearchDetail::Full)];

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": "The question, words of it, or a name with `*`: shop.order*, *.email.",
            },
            "database": database_property(databases),
            "schema": {"type": "string", "description": "Only this schema."},
            "limit": {"type": "integer", "description": "Hits at most. Default: 20."},
            "offset": {"type": "integer", "description": "`next_offset` of the page before."},
            "detail": {"type": "string", "enum": ["names", "full"], "description": "Less or more of each hit."},
            "tokens": {"type": "integer", "description": "Size of the answer, roughly."},
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

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let found = async {
        let arguments = call.arguments()?;
        let request = SearchRequest {
            query: arguments.text("query")?.unwrap_or_default(),
            database: arguments.text("database")?,
            schema: arguments.text("schema")?,
            limit: arguments.count("limit")?,
            offset: arguments.count("offset")?.unwrap_or(0),
            detail: arguments.choice("detail", &DETAILS)?,
            tokens: arguments.count("tokens")?,
        };
        call.gateway().search_objects(call.caller, request, call.cancel).await
    };
    call.object(found.await.map(|found| found.0))
}
