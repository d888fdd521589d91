//! The pages of the saved queries that the caller may run.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::page::{cell, inline};
use crate::gateway::{Parameter, Saved, SavedQuery};

pub(super) fn page(title: &str, queries: &[&Saved]) -> String {
    let mut out = format!("# {title}\n");
    for saved in queries {
        let query = &saved.query;
        let _ = write!(out, "\n## {}\n\n{}\n", inline(&query.name), cell(&query.description));
        if !query.parameters.is_empty() {
            out.push_str("\nParameters:\n\n");
        }
        for parameter in &query.parameters {
            let _ = writeln!(out, "- {}: {}", inline(&parameter.name), cell(&words(parameter)));
        }
        if let Some(notes) = &query.notes {
            let _ = write!(out, "\n{}\n", cell(notes));
        }
        if let Some(sql) = query.shown_sql() {
            let _ = write!(out, "\n{}\n", inline(sql));
        }
    }
    out
}

pub(super) fn document(queries: &[&Saved]) -> Value {
    json!({ "queries": queries.iter().map(|saved| one(&saved.query)).collect::<Vec<_>>() })
}

fn one(query: &SavedQuery) -> Value {
    let parameters: Vec<Value> = query
        .parameters
        .iter()
        .map(|parameter| json!({ "name": parameter.name, "value": words(parameter) }))
        .collect();
    let mut out = json!({
        "name": query.name,
        "description": query.description,
        "parameters": parameters,
        "notes": query.notes,
        "sql": query.shown_sql(),
    });
    if let Value::Object(object) = &mut out {
        object.retain(|_, value| !value.is_null());
    }
    out
}

fn words(parameter: &Parameter) -> String {
    let mut words = parameter.wanted();
    if !parameter.required {
        let default = parameter.default.as_deref().unwrap_or("NULL");
        let _ = write!(words, "; without it {default}");
    }
    match &parameter.description {
        Some(description) => format!("{description} ({words})"),
        None => words,
    }
}
