//! PostgreSQL's own errors with what the caller can do about them. Its words are read as they are in English; in another
//! language they pass without advice.

use crate::gateway::visible::Visible;
use crate::pg::{Diagnostic, Oid, QualifiedName, Source};

/// Labels of an enum that a hint lists.
const LABELS: usize = 30;

/// Hints of PostgreSQL that do not say what to write.
const VAGUE: [&str; 3] = ["No function matches", "No operator matches", "Perhaps you need a different"];

/// The error with a hint, where PostgreSQL has none that says what to do.
pub(in crate::gateway) fn repaired(error: Diagnostic, visible: &Visible<'_>) -> Diagnostic {
    let vague = |hint: &String| VAGUE.iter().any(|words| hint.starts_with(words));
    if error.source != Source::Postgresql || error.hint.as_ref().is_some_and(|hint| !vague(hint)) {
        return error;
    }
    let error = match error.sqlstate.class() {
        // Our print has put the schema there.
        "42" => Diagnostic { message: error.message.replace("pg_catalog.", ""), ..error },
        _ => error,
    };
    match advice(&error, visible) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn advice(error: &Diagnostic, visible: &Visible<'_>) -> Option<String> {
    let message = error.message.as_str();
    Some(match error.sqlstate.as_str() {
        "42803" => grouping(message)?,
        "42P20" if message.contains("not allowed in") => {
            "compute it in a subquery or WITH, and filter or group outside".to_owned()
        }
        "42883" if message.starts_with("operator") => operator(message)?,
        "42883" => "cast the arguments to types that it takes, such as x::numeric or x::text".to_owned(),
        "42725" => "cast the arguments, so that one of them is meant".to_owned(),
        "22P02" => value(message, visible)?,
        "22007" | "22008" => "write dates as 'YYYY-MM-DD' and times as 'YYYY-MM-DD HH:MM:SS+00'".to_owned(),
        "42804" if message.contains("cannot be matched") => {
            "cast both to one type, such as x::text".to_owned()
        }
        "42804" => "cast it, such as (x)::boolean or (x)::integer".to_owned(),
        "42846" => {
            "there is no such cast: go through text, x::text::type, or take a part of the value".to_owned()
        }
        "42P18" => "say its type: $1::integer".to_owned(),
        "42P10" if message.contains("DISTINCT") => {
            "add that expression to the select list, or use GROUP BY instead of DISTINCT".to_owned()
        }
        "42601" if message.contains("same number of columns") => {
            "select as many columns on each side; NULL stands for one that is missing".to_owned()
        }
        "21000" => "make it one row: aggregate it, add ORDER BY and LIMIT 1, or compare by IN".to_owned(),
        "22012" => "divide by nullif(x, 0)".to_owned(),
        "22003" => "compute in numeric: x::numeric".to_owned(),
        _ => return None,
    })
}

fn grouping(message: &str) -> Option<String> {
    if message.starts_with("aggregate functions are not allowed in WHERE") {
        return Some("filter groups by HAVING, or aggregate in a subquery".to_owned());
    }
    if message.contains("are not allowed in") || message.contains("cannot be nested") {
        return Some("aggregate in a subquery or WITH first".to_owned());
    }
    if message.starts_with("subquery uses ungrouped column") {
        let column = between(message, "\"", "\"")?;
        return Some(format!("add {column} to the outer GROUP BY"));
    }
    let column = between(message, "column \"", "\" must appear in the GROUP BY")?;
    Some(format!("add {column} to GROUP BY, or aggregate it: max({column})"))
}

/// `operator does not exist: integer = text`
fn operator(message: &str) -> Option<String> {
    let (_, operands) = message.split_once(": ")?;
    let symbol = operands.split(' ').find(|word| word.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c)))?;
    let (left, right) = operands.split_once(&format!(" {symbol} "))?;
    let (left, right) = (left.trim(), right.trim());
    if left.is_empty() || right.is_empty() {
        return None;
    }
    Some(match (left, right) {
        ("text" | "character varying", other) => format!("cast one side: (left)::{other}, or (right)::text"),
        (other, "text" | "character varying") => format!("cast one side: (right)::{other}, or (left)::text"),
        (one, other) => format!("cast one side: (left)::{other}, or (right)::{one}"),
    })
}

fn value(message: &str, visible: &Visible<'_>) -> Option<String> {
    if let Some(name) = between(message, "invalid input value for enum ", ":") {
        return labels(name, visible);
    }
    let type_name = between(message, "invalid input syntax for type ", ":")?;
    Some(match type_name {
        "json" | "jsonb" => "write JSON, with double quotes around keys and strings".to_owned(),
        "uuid" => {
            "a uuid has 32 hexadecimal digits; compare a part of one as text: x::text LIKE '..%'".to_owned()
        }
        "boolean" => "write true or false".to_owned(),
        other => format!("write a value of type {other}, or compare as text: x::text"),
    })
}

/// Of a type that a column has which the caller may see: only then its labels are no secret.
fn labels(name: &str, visible: &Visible<'_>) -> Option<String> {
    let (schema, bare) = name.rsplit_once('.').unwrap_or(("pg_catalog", name));
    let (schema, bare) = (schema.trim_matches('"'), bare.trim_matches('"'));
    let catalog = visible.catalog();
    let found = catalog.type_by_name(&QualifiedName::new(schema, bare))?;
    let holds =
        |oid: Oid| oid == found.oid || catalog.type_by_oid(oid).is_some_and(|t| t.inner == Some(found.oid));
    let mut columns = visible.relations().flat_map(|relation| visible.columns(relation));
    if !columns.any(|column| holds(column.type_oid)) {
        return None;
    }
    let shown: Vec<String> =
        found.enum_labels.iter().take(LABELS).map(|label| format!("'{label}'")).collect();
    let more = if found.enum_labels.len() > LABELS { ", .." } else { "" };
    (!shown.is_empty()).then(|| format!("its values are {}{more}", shown.join(", ")))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
