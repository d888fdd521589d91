//! The tools that the client's model may call while it investigates: four that read, in a form of few tokens. The database
//! is that of the call.

use rmcp::model::Tool;
use serde_json::{Value, json};

use super::conversation::Conversation;
use crate::auth::Caller;
use crate::gateway::Gateway;
use crate::mcp::tools::{Call, object};
use crate::pg::Diagnostic;
use crate::policy::ToolGroup;

const GROUPS: [(&str, ToolGroup); 4] = [
    ("search_objects", ToolGroup::Schema),
    ("describe", ToolGroup::Schema),
    ("query", ToolGroup::Query),
    ("explain", ToolGroup::Tuning),
];

/// Those that the caller has in that database.
pub(super) fn tools(gateway: &Gateway, caller: &Caller, database: Option<&str>) -> Vec<Tool> {
    let has = |group| gateway.has_tools(caller, database, group).is_ok();
    GROUPS.into_iter().filter(|(_, group)| has(*group)).map(|(name, _)| tool(name)).collect()
}

/// Asked again for each call: the policy may be another one by now.
pub(super) fn permitted(call: &Call<'_>, conversation: &Conversation, name: &str) -> Result<(), Diagnostic> {
    let database = conversation.asked.database.as_deref();
    let mut groups = GROUPS.into_iter().filter(|(tool, _)| *tool == name);
    groups.try_for_each(|(_, group)| call.gateway().has_tools(call.caller, database, group))
}

fn tool(name: &'static str) -> Tool {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let (description, properties, required): (_, Value, &[&str]) = match name {
        "search_objects" => (
            "Relations and columns that a question is about; all without query.",
            json!({"query": text}),
            &[],
        ),
        "describe" => ("Columns, keys and joins of relations.", json!({"relations": texts}), &["relations"]),
        "explain" => ("Plan and cost of a query.", json!({"sql": text}), &["sql"]),
        _ => (
            "Runs one read-only statement; values as $1, $2.",
            json!({"sql": text, "params": texts}),
            &["sql"],
        ),
    };
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    Tool::new(name, description, object(schema))
}
