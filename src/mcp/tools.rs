//! The tools as clients see them. Schemas are written by hand: they obey the narrowest client (no `$ref`, no unions, one
//! `type` a node), and `tests/pure/mcp_tool_schemas.rs` keeps it so.

mod describe;
mod query;
mod search_objects;
mod task_result;

use std::sync::Arc;

use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

pub(super) use describe::parse as parse_describe;
pub(super) use query::{Read, parse as parse_query};
pub(super) use search_objects::parse as parse_search_objects;
pub(super) use task_result::{parse as parse_task_result, parse_cancel as parse_task_cancel};

/// In a fixed order: clients cache prompts by it.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) query: Tool,
    pub(super) search_objects: Tool,
    pub(super) describe: Tool,
    pub(super) task_result: Tool,
    pub(super) task_cancel: Tool,
}

impl Tools {
    pub(super) fn new(databases: &[String], result_chars: usize) -> Self {
        let mut databases = databases.to_vec();
        databases.sort_unstable();
        Self {
            query: query::tool(&databases),
            search_objects: search_objects::tool(&databases).with_meta(result_size(result_chars)),
            describe: describe::tool(&databases).with_meta(result_size(result_chars)),
            task_result: task_result::tool(),
            task_cancel: task_result::cancel_tool(),
        }
    }

    pub(super) fn all(&self) -> [&Tool; 5] {
        [&self.query, &self.search_objects, &self.describe, &self.task_result, &self.task_cancel]
    }

    pub(super) fn named(&self, name: &str) -> Option<&Tool> {
        self.all().into_iter().find(|tool| tool.name == name)
    }
}

/// Titles, hints and schemas of a tool that only reads.
fn reading(name: &'static str, title: &str, description: String, input: Value, output: Value) -> Tool {
    let hints = ToolAnnotations::with_title(title)
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(name, description, object(input))
        .with_title(title)
        .with_raw_output_schema(object(output))
        .with_annotations(hints)
}

/// The property `database`. The names are listed while they are few: in the enum they help a model most.
fn database_property(databases: &[String]) -> Value {
    const LISTED: usize = 32;
    match databases {
        [] => json!({"type": "string", "description": "Name of a configured database."}),
        [only] => json!({
            "type": "string",
            "description": format!("Name of the database. Default: {only}, the only one."),
            "enum": [only],
        }),
        many if many.len() <= LISTED => json!({
            "type": "string",
            "description": "Name of the database. There are several, so it has to be given.",
            "enum": many,
        }),
        _ => json!({
            "type": "string",
            "description": "Name of the database. There are several, so it has to be given; resources/list has the names.",
        }),
    }
}

/// Claude Code keeps a result up to this size in the conversation.
fn result_size(chars: usize) -> MetaObject {
    let mut meta = JsonObject::new();
    meta.insert("anthropic/maxResultSizeChars".to_owned(), json!(chars));
    MetaObject::from(meta)
}

fn object(schema: Value) -> Arc<JsonObject> {
    match schema {
        Value::Object(object) => Arc::new(object),
        _ => Arc::default(),
    }
}
