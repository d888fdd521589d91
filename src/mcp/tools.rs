//! The tools as clients see them, one file for each: its schema, its arguments, its call. Schemas are written by hand: they
//! obey the narrowest client (no `$ref`, no unions, one `type` a node), and `tests/pure/mcp_tool_schemas.rs` keeps it so.

mod advise_indexes;
mod call;
mod database_health;
mod describe;
mod execute;
mod explain;
mod fetch;
pub(super) mod investigate;
mod preview;
pub(super) mod query;
pub(super) mod saved;
mod search;
mod search_objects;
mod task_cancel;
mod task_result;
mod top_queries;

use std::borrow::Cow;
use std::sync::Arc;

use rmcp::model::{JsonObject, MetaObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

pub(super) use call::{Call, Called};

use crate::auth::Scope;
use crate::policy::ToolGroup;

/// What `tools/list` has of a tool, and which group switches it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) tool: Tool,
    /// `None`: it is of use to every other tool.
    pub(super) group: Option<ToolGroup>,
    /// What a caller's authorization has to cover.
    pub(super) scope: Scope,
    /// It asks the client's model: only for clients that declare sampling with tools.
    pub(super) samples: bool,
}

/// Those that change rows, or show what would change.
const WRITING: [&str; 2] = ["preview", "execute"];

/// The scope that the tool of that name needs.
pub(super) fn scope_of(name: &str) -> Scope {
    if WRITING.contains(&name) { Scope::Write } else { Scope::Read }
}

impl Listed {
    pub(super) fn new(group: Option<ToolGroup>, tool: Tool) -> Self {
        Self { scope: scope_of(&tool.name), tool, group, samples: false }
    }
}

/// In a fixed order: clients cache prompts by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tools(Vec<Listed>);

impl Tools {
    pub(super) fn new(databases: &[String], result_chars: usize) -> Self {
        let mut databases = databases.to_vec();
        databases.sort_unstable();
        let sized = |tool: Tool| tool.with_meta(result_size(result_chars));
        let listed = Listed::new;
        Self(vec![
            listed(Some(ToolGroup::Query), query::tool(&databases)),
            listed(Some(ToolGroup::Write), preview::tool(&databases)),
            listed(Some(ToolGroup::Write), execute::tool(&databases)),
            listed(Some(ToolGroup::Schema), sized(search_objects::tool(&databases))),
            listed(Some(ToolGroup::Schema), sized(describe::tool(&databases))),
            listed(Some(ToolGroup::Tuning), sized(explain::tool(&databases))),
            listed(Some(ToolGroup::Tuning), sized(advise_indexes::tool(&databases))),
            listed(Some(ToolGroup::Health), sized(database_health::tool(&databases))),
            listed(Some(ToolGroup::Health), sized(top_queries::tool(&databases))),
            listed(None, task_result::tool()),
            listed(None, task_cancel::tool()),
            Listed { samples: true, ..listed(Some(ToolGroup::Query), sized(investigate::tool(&databases))) },
        ])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.0.iter()
    }

    /// With `search` and `fetch`, behind the others that read.
    pub(super) fn with_search_and_fetch(mut self, result_chars: usize) -> Self {
        let sized = |tool: Tool| tool.with_meta(result_size(result_chars));
        let found = [search::tool(), fetch::tool()];
        let found = found.map(|tool| Listed::new(Some(ToolGroup::Search), sized(tool)));
        let end = self.0.iter().position(|listed| listed.group.is_none()).unwrap_or(self.0.len());
        self.0.splice(end..end, found);
        self
    }

    /// One that is always there or can be, or stands for saved queries.
    pub(super) fn is_built_in(name: &str) -> bool {
        Self::new(&[], 0).with_search_and_fetch(0).named(name).is_some() || name == saved::RUN_SAVED_QUERY
    }

    pub(super) fn named(&self, name: &str) -> Option<&Listed> {
        self.iter().find(|listed| listed.tool.name == name)
    }
}

/// Titles, hints and schemas of a tool that only reads.
fn reading(
    name: impl Into<Cow<'static, str>>,
    title: &str,
    description: String,
    input: Value,
    output: Value,
) -> Tool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_s_scope_goes_by_its_name() {
        let scope = |name: &'static str| {
            let tool = reading(name, "", String::new(), json!({}), json!({}));
            Listed::new(None, tool).scope
        };
        assert_eq!([scope("preview"), scope("execute")], [Scope::Write; 2]);
        assert_eq!([scope("query"), scope("executes")], [Scope::Read; 2]);
    }
}
