//! A saved query as a tool of its own. Where several databases have one of the same name, it is one tool with `database`.

use std::collections::BTreeMap;

use rmcp::model::{JsonObject, Tool};
use serde_json::{Value, json};

use super::{common, output_schema};
use crate::gateway::{Parameter, SavedQuery, ScalarType};
use crate::mcp::arguments::Arguments;
use crate::mcp::tools::reading;
use crate::pg::Diagnostic;

/// Characters of a description: some clients refuse longer ones.
const DESCRIPTION: usize = 1_000;

pub(super) fn tool(name: &str, all: &[(&str, &SavedQuery)]) -> Tool {
    let mut properties = JsonObject::new();
    for parameter in all.iter().flat_map(|(_, query)| &query.parameters) {
        let of_this = property(parameter);
        match properties.get(&parameter.name) {
            None => drop(properties.insert(parameter.name.clone(), of_this)),
            Some(known) if *known == of_this => {}
            // Two databases mean two things by it: their own checks tell.
            Some(known) => {
                let described = json!({"type": "string", "description": known["description"]});
                properties.insert(parameter.name.clone(), described);
            }
        }
    }
    let needed = |parameter: &&Parameter| {
        let by = |query: &SavedQuery| query.parameters.iter().any(|p| p.name == parameter.name && p.required);
        all.iter().all(|(_, query)| by(query))
    };
    let first = all.first().map(|(_, query)| query.parameters.iter());
    let required: Vec<&str> =
        first.into_iter().flatten().filter(needed).map(|parameter| parameter.name.as_str()).collect();
    let databases: Vec<String> = all.iter().map(|(database, _)| (*database).to_owned()).collect();
    properties.extend(common(&databases));
    let input = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    reading(name.to_owned(), &title(name), description(all), input, output_schema())
}

/// The values of its parameters, by name.
pub(super) fn values(arguments: &Arguments<'_>, tool: &Tool) -> Result<BTreeMap<String, String>, Diagnostic> {
    let known = tool.input_schema.get("properties").and_then(Value::as_object);
    let mut values = BTreeMap::new();
    let shared = |name: &str| matches!(name, "database" | "format" | "cursor");
    for name in known.into_iter().flat_map(JsonObject::keys).filter(|name| !shared(name)) {
        if let Some(value) = arguments.scalar(name)? {
            values.insert(name.clone(), value);
        }
    }
    Ok(values)
}

fn property(parameter: &Parameter) -> Value {
    let kind = match parameter.scalar {
        ScalarType::Integer | ScalarType::Bigint => "integer",
        ScalarType::Boolean => "boolean",
        // Digits of a number would be lost.
        ScalarType::Numeric
        | ScalarType::Text
        | ScalarType::Date
        | ScalarType::Timestamptz
        | ScalarType::Uuid => "string",
    };
    let listed = kind == "string" && !parameter.one_of.is_empty();
    let mut property = json!({"type": kind, "description": described(parameter, listed)});
    if let (true, Value::Object(property)) = (listed, &mut property) {
        property.insert("enum".to_owned(), json!(parameter.one_of));
    }
    property
}

/// What the DBA says of it, and what its values are, where the type does not say that.
fn described(parameter: &Parameter, listed: bool) -> String {
    let bounded = parameter.min.is_some() || parameter.max.is_some() || !parameter.one_of.is_empty();
    let plain = matches!(
        parameter.scalar,
        ScalarType::Text | ScalarType::Integer | ScalarType::Bigint | ScalarType::Boolean
    ) && !bounded;
    let wanted = (!listed && (!plain || parameter.description.is_none())).then(|| parameter.wanted());
    let default = parameter.default.as_ref().map(|default| format!("default {default}"));
    let parts = [parameter.description.clone(), wanted, default];
    let said = parts.into_iter().flatten().map(|part| part.trim_end_matches('.').to_owned());
    let said = said.collect::<Vec<_>>().join("; ");
    if said.is_empty() { "One of its values.".to_owned() } else { said }
}

/// Of each database, where they differ; the statement behind it, where it may be read and fits.
fn description(all: &[(&str, &SavedQuery)]) -> String {
    let Some((_, first)) = all.first() else { return String::new() };
    let mut text = if all.iter().all(|(_, query)| query.description == first.description) {
        first.description.clone()
    } else {
        let each = all.iter().map(|(database, query)| format!("In {database}: {}", query.description));
        each.collect::<Vec<_>>().join(" ")
    };
    if let ([(_, only)], Some(sql)) = (all, first.shown_sql())
        && only.description.chars().count() + sql.chars().count() + 6 <= DESCRIPTION
    {
        text = format!("{text} SQL: {}", sql.trim());
    }
    text.chars().take(DESCRIPTION).collect()
}

/// `Open orders` of `open_orders`.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
