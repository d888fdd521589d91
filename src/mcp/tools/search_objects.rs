//! The tool `search_objects`: what there is.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, database_property, reading};
use crate::gateway::{SearchDetail, SearchRequest};
use crate::mcp::reply::ToolReply;

const DESCRIPTION: &str = "Finds tables, columns, functions and business terms of a PostgreSQL database, best first; without \
    `query` it gives an overview of all.";

const DETAILS: [(&str, SearchDetail); 2] = [("names", SearchDetail::Names), ("full", SearchDetail::Full)];

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "query": {
                "type": "string",
                "description": "A question, words, or names with `*`: shop.order*, *.email.",
            },
            "database": database_property(databases),
            "schema": {"type": "string", "description": "Only this schema."},
            "limit": {"type": "integer", "description": "Hits at most. Default: 20."},
            "offset": {"type": "integer", "description": "`next_offset` of an answer."},
            "detail": {"type": "string", "enum": ["names", "full"], "description": "Less or more."},
            "tokens": {"type": "integer", "description": "Size of the answer."},
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
