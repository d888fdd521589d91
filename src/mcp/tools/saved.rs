//! Saved queries as tools: a tool for each where a caller has few of them, else all behind `run_saved_query`. Their calls are
//! those of `query`, with a statement that the caller has not written.

mod choice;
mod own;
mod run_saved_query;

use std::collections::BTreeMap;

use rmcp::ErrorData;
use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

use super::query::{self, FORMATS, Read};
use super::{Call, Called, Listed};
use crate::auth::Caller;
use crate::gateway::{Gateway, Saved, SavedQuery};
use crate::mcp::arguments::Arguments;
use crate::mcp::reply;
use crate::pg::Diagnostic;
use crate::policy::ToolGroup;

pub(in crate::mcp) use run_saved_query::NAME as RUN_SAVED_QUERY;

/// More are one tool.
const MOST_TOOLS: usize = 10;

/// The tools that `tools/list` has of the caller's saved queries.
pub(in crate::mcp) async fn listed(gateway: &Gateway, caller: &Caller) -> Vec<Listed> {
    let saved = gateway.saved_queries(caller, None).await;
    let named = by_name(&saved);
    match named.len() {
        0 => Vec::new(),
        1..=MOST_TOOLS => named.iter().map(|(name, all)| of_group(own::tool(name, all))).collect(),
        _ => vec![of_group(run_saved_query::tool(&named))],
    }
}

/// The tool of that name. Both forms are there whichever is listed: the number of queries changes while a client keeps its
/// list.
pub(in crate::mcp) async fn named(gateway: &Gateway, caller: &Caller, name: &str) -> Option<Listed> {
    let all = name == run_saved_query::NAME;
    let saved = gateway.saved_queries(caller, (!all).then_some(name)).await;
    let named = by_name(&saved);
    let tool = if all { run_saved_query::tool(&named) } else { own::tool(name, named.get(name)?) };
    (!named.is_empty()).then(|| of_group(tool))
}

/// What a call of one of them asks.
pub(in crate::mcp) async fn parse(
    gateway: &Gateway,
    caller: &Caller,
    tool: &Tool,
    mut given: Option<JsonObject>,
) -> Result<Read, Diagnostic> {
    let wanted = database(given.as_mut(), tool);
    let arguments = Arguments::read(tool, given)?;
    let format = arguments.choice("format", &FORMATS)?;
    if let Some(cursor) = arguments.text("cursor")? {
        return Ok(Read::On { cursor, format });
    }
    let (name, values) = match tool.name.as_ref() {
        run_saved_query::NAME => run_saved_query::values(&arguments)?,
        own => (own.to_owned(), own::values(&arguments, tool)?),
    };
    let wanted = wanted.or(arguments.text("database")?);
    let saved = gateway.saved_queries(caller, Some(&name)).await;
    if saved.is_empty() {
        return Err(choice::unknown(&name, &gateway.saved_queries(caller, None).await));
    }
    let Saved { database, query, .. } = choice::one(&name, &saved, wanted.as_deref())?;
    query.request(database, &tool.name, &values, format.unwrap_or_default()).map(Read::Ask)
}

pub(super) async fn call(mut call: Call<'_>) -> Result<Called, ErrorData> {
    if call.tool.name == run_saved_query::NAME && run_saved_query::asks_for_the_list(call.given.as_ref()) {
        let saved = call.gateway().saved_queries(call.caller, None).await;
        let list = run_saved_query::list(&saved);
        return reply::object(&list, call.handler.result_chars).map(Called::Reply);
    }
    let given = call.given.take();
    let read = parse(call.gateway(), call.caller, call.tool, given).await;
    query::answer(call, read).await
}

/// Where a tool has no `database`, models name the only one all the same.
fn database(given: Option<&mut JsonObject>, tool: &Tool) -> Option<String> {
    let knows = tool.input_schema.get("properties").and_then(|all| all.get("database")).is_some();
    let given = given.filter(|given| !knows && given.get("database").is_some_and(Value::is_string))?;
    given.shift_remove("database")?.as_str().map(str::to_owned)
}

fn of_group(tool: Tool) -> Listed {
    Listed::new(Some(ToolGroup::Saved), tool)
}

type Named<'s> = BTreeMap<&'s str, Vec<(&'s str, &'s SavedQuery)>>;

/// The databases that have a query of each name.
fn by_name(saved: &[Saved]) -> Named<'_> {
    let mut named = Named::new();
    for Saved { database, query, .. } in saved {
        named.entry(query.name.as_str()).or_default().push((database, query));
    }
    named
}

/// Arguments that every one of them has.
fn common(databases: &[String]) -> JsonObject {
    let mut properties = JsonObject::new();
    if databases.len() > 1 {
        properties.insert("database".to_owned(), super::database_property(databases));
    }
    let format =
        json!({"type": "string", "enum": ["json", "csv", "markdown"], "description": "Default: json."});
    properties.insert("format".to_owned(), format);
    let cursor = json!({"type": "string", "description": "The next_cursor of an answer: its next rows."});
    properties.insert("cursor".to_owned(), cursor);
    properties
}

/// The answer of `query`, in the words that a client needs.
fn output_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "object"}},
            "rows": {"type": "array", "items": {"type": "array", "items": {}}},
            "row_count": {"type": "integer"},
            "truncated": {"type": "boolean"},
            "next_cursor": {"type": "string"},
            "notices": {"type": "array", "items": {"type": "string"}},
        },
    })
}
