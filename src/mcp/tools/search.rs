//! The tool `search`, in the form that ChatGPT's connectors and research call: one string in, results with addresses out.

use rmcp::model::Tool;
use serde_json::json;

use super::{Call, reading};
use crate::mcp::reply::ToolReply;

const DESCRIPTION: &str = "Finds documents, tables, business terms and saved queries of the databases for a question, best first. \
    `fetch` reads a result.";

pub(super) fn tool() -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "A question or words; \"a phrase\", -without, or."},
        },
        "required": ["query"],
        "additionalProperties": false,
    });
    let text = || json!({"type": "string"});
    let output = json!({
        "type": "object",
        "properties": {
            "results": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"id": text(), "title": text(), "url": text()},
                    "required": ["id", "title", "url"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["results"],
        "additionalProperties": false,
    });
    reading("search", "Search everything", DESCRIPTION.to_owned(), input, output)
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let found = async {
        let question = call.arguments()?.required_text("query")?;
        let origin = call.handler.page.origin();
        call.gateway().search(call.caller, &question, origin, call.cancel).await
    };
    call.object(found.await.map(|found| json!(found)))
}
