//! The tool `run_saved_query`: any of many saved queries by its name, and their list.

use std::collections::{BTreeMap, BTreeSet};

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

use super::{Named, common, output_schema};
use crate::gateway::{Parameter, Saved};
use crate::mcp::arguments::Arguments;
use crate::mcp::tools::reading;
use crate::pg::{Diagnostic, SqlState};

pub(in crate::mcp) const NAME: &str = "run_saved_query";

const DESCRIPTION: &str =
    "Runs one of this organisation's saved queries. Without name: lists them, each with its parameters.";
/// Names in the schema. More cost more than the call that lists them.
const LISTED: usize = 20;
/// Characters of the list that are no queries.
const ENVELOPE: usize = 100;

pub(super) fn tool(named: &Named<'_>) -> Tool {
    let mut name = json!({"type": "string", "description": "Of the query."});
    if let (true, Value::Object(name)) = (named.len() <= LISTED, &mut name) {
        name.insert("enum".to_owned(), json!(named.keys().collect::<Vec<_>>()));
    }
    let arguments = json!({
        "type": "array",
        "items": {"type": "string"},
        "description": "Its parameters as name=value, as in from_date=2026-01-31.",
    });
    let databases = named.values().flatten().map(|(database, _)| (*database).to_owned());
    let databases: Vec<String> = databases.collect::<BTreeSet<String>>().into_iter().collect();
    let mut properties = JsonObject::new();
    properties.insert("name".to_owned(), name);
    properties.insert("arguments".to_owned(), arguments);
    properties.extend(common(&databases));
    let input =
        json!({"type": "object", "properties": properties, "required": [], "additionalProperties": false});
    reading(NAME, "Run a saved query", DESCRIPTION.to_owned(), input, output_schema())
}

/// Neither a query nor a page.
pub(super) fn asks_for_the_list(given: Option<&JsonObject>) -> bool {
    let is_given =
        |key: &str| given.is_some_and(|given| given.get(key).is_some_and(|value| !value.is_null()));
    !is_given("name") && !is_given("cursor") && !is_given("arguments")
}

/// The name, and the values of the parameters. Models write an object where an array is asked for: it says the same.
pub(super) fn values(arguments: &Arguments<'_>) -> Result<(String, BTreeMap<String, String>), Diagnostic> {
    let name = arguments.required_text("name")?;
    if let Some(object) = arguments.object("arguments") {
        let values = object.iter().filter(|(_, value)| !value.is_null());
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            Value::Number(_) | Value::Bool(_) => Ok((name.clone(), value.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(malformed()),
        };
        return Ok((name, values.map(text).collect::<Result<_, _>>()?));
    }
    let mut values = BTreeMap::new();
    for pair in arguments.texts("arguments")? {
        let (parameter, value) = pair.split_once('=').ok_or_else(malformed)?;
        if values.insert(parameter.trim().to_owned(), value.to_owned()).is_some() {
            return Err(malformed());
        }
    }
    Ok((name, values))
}

fn malformed() -> Diagnostic {
    let message = "`arguments` of `run_saved_query` must give each parameter once, as name=value";
    Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
        .rule("saved.parameter")
        .hint("as in [\"from_date=2026-01-31\", \"status=paid\"]; leave a parameter out for its default")
}

/// All of them with their parameters, as many as the answer may hold.
pub(super) fn list(saved: &[Saved]) -> Value {
    let several = saved.iter().any(|one| saved.first().is_some_and(|first| first.database != one.database));
    let mut left = saved.iter().map(|one| one.characters).min().unwrap_or(0).saturating_sub(ENVELOPE);
    let mut queries = Vec::new();
    for Saved { database, query, .. } in saved {
        let parameters: Vec<String> = query.parameters.iter().map(shown).collect();
        let mut entry =
            json!({"name": query.name, "description": query.description, "parameters": parameters});
        if let Value::Object(entry) = &mut entry {
            if several {
                entry.insert("database".to_owned(), json!(database));
            }
            if let Some(sql) = query.shown_sql() {
                entry.insert("sql".to_owned(), json!(sql.trim()));
            }
        }
        let cost = entry.to_string().chars().count() + 1;
        if cost > left {
            break;
        }
        left -= cost;
        queries.push(entry);
    }
    let truncated = queries.len() < saved.len();
    json!({"queries": queries, "total": saved.len(), "truncated": truncated})
}

/// `from_date date, optional: the first day`.
fn shown(parameter: &Parameter) -> String {
    let when = match &parameter.default {
        Some(default) => format!(", default {default}"),
        None if parameter.required => String::new(),
        None => ", optional".to_owned(),
    };
    let bounded = parameter.min.is_some() || parameter.max.is_some() || !parameter.one_of.is_empty();
    let wanted = if bounded { format!(" ({})", parameter.wanted()) } else { String::new() };
    let said = parameter.description.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
    format!("{} {}{wanted}{when}{said}", parameter.name, parameter.scalar.word())
}
