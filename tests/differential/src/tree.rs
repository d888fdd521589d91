//! PostgreSQL's tree of a text against that of its print: equal but for the spellings listed here.

use serde_json::{Map, Value};

use crate::postgres::{self, node};

/// Members that say where or how something was written, and change nothing.
const NO_MEANING: [&str; 9] = [
    "location",
    "stmt_location",
    "stmt_len",
    "rexpr_list_start",
    "rexpr_list_end",
    "list_start",
    "list_end",
    "name_location",
    "type_location",
];

/// The first place where the tree of a print differs from that of the caller's text, as a class.
pub fn difference(original: Vec<Value>, print: &str) -> Result<Option<String>, String> {
    let printed =
        postgres::parse(print).map_err(|error| format!("PostgreSQL refuses the print: {}", words(&error)))?;
    let (one, other) = (single(original)?, single(printed)?);
    Ok(first_difference(&one, &other, "statement"))
}

fn single(mut statements: Vec<Value>) -> Result<Value, String> {
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(normal(statement)),
        _ => Err("not one statement".to_owned()),
    }
}

/// An error without the reader's words in it.
pub fn words(error: &str) -> String {
    error.split('"').step_by(2).collect::<Vec<_>>().join("\"..\"")
}

fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !NO_MEANING.contains(&name.as_str()));
            spelling(kept.map(|(name, value)| (name, normal(value))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Known-equal spellings of a node whose inside is normal already. Whoever adds one says why it is the same.
fn spelling(mut members: Map<String, Value>) -> Value {
    for name in ["names", "funcname", "name", "collname", "method", "oper_name", "use_op"] {
        // Our print says which schema: PostgreSQL searches pg_catalog first in any case.
        unqualified(members.get_mut(name));
    }
    // How a call was spelled (`EXTRACT(..)`) serves views that are printed again.
    members.remove("funcformat");
    // A function in FROM sees what stands before it, with or without LATERAL.
    if members.contains_key("ordinality") && members.contains_key("is_rowsfrom") {
        members.insert("lateral".to_owned(), Value::Bool(true));
    }
    // LIMIT ALL is no limit.
    if members
        .get("limit_count")
        .and_then(node)
        .is_some_and(|(_, count)| count.get("isnull") == Some(&true.into()))
    {
        members.insert("limit_count".to_owned(), Value::Null);
        members.insert("limit_option".to_owned(), Value::from(1));
    }
    // Array types have no number of dimensions and no bounds: `int[3][]` is `int[]`.
    if let Some(bounds) = members.get_mut("array_bounds").and_then(Value::as_array_mut) {
        bounds.truncate(1);
        bounds.iter_mut().for_each(|bound| *bound = Value::Null);
    }
    if let Some(explain) = members.get_mut("ExplainStmt").and_then(Value::as_object_mut) {
        explain.insert("options".to_owned(), explain_options(explain.get("options")));
    }
    Value::Object(members)
}

fn unqualified(name: Option<&mut Value>) {
    let Some(Value::Array(parts)) = name else { return };
    if parts.len() > 1
        && parts
            .first()
            .and_then(node)
            .is_some_and(|(_, part)| part.get("sval") == Some(&"pg_catalog".into()))
    {
        parts.remove(0);
    }
}

/// Only what is not the default: COSTS off, another FORMAT. `true`, `on` and nothing mean the same.
fn explain_options(options: Option<&Value>) -> Value {
    let options = options.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut said: Vec<String> = options
        .iter()
        .filter_map(node)
        .filter_map(|(_, option)| {
            let name = option.get("defname")?.as_str()?;
            let value = option.get("arg").map(Value::to_string).unwrap_or_default().to_lowercase();
            let off = ["\"false\"", "\"off\"", "\"ival\":0"].iter().any(|word| value.contains(word));
            match name {
                "costs" => off.then(|| "costs off".to_owned()),
                "format" => value.contains("json").then(|| "json".to_owned()),
                _ => (!off).then(|| name.to_owned()),
            }
        })
        .collect();
    said.sort();
    said.into()
}

fn first_difference(one: &Value, other: &Value, at: &str) -> Option<String> {
    match (one, other) {
        _ if one == other => None,
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let at = |name: &str| match (name, at) {
                ("node", _) => at.to_owned(),
                (name, _) if name.starts_with(|c: char| c.is_ascii_uppercase()) => name.to_owned(),
                (name, at) => format!("{at}.{name}"),
            };
            a.iter().zip(b.values()).find_map(|((name, a), b)| first_difference(a, b, &at(name)))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).find_map(|(a, b)| first_difference(a, b, at))
        }
        _ => Some(format!("{at}: {} became {}", short(one), short(other))),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Object(members) => members.keys().take(3).map(String::as_str).collect::<Vec<_>>().join("/"),
        Value::Array(items) => format!("{} items", items.len()),
        other => other.to_string().chars().take(40).collect(),
    }
}
