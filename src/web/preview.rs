//! What a preview says, whatever its fields: nothing of it is left out.

use maud::{Markup, html};
use serde_json::Value;

use super::shown::{line_of, lines};

/// `preview` is an object, as the tool of that name shows it.
pub(super) fn preview(preview: &Value) -> Markup {
    let Some(fields) = preview.as_object().filter(|fields| !fields.is_empty()) else {
        return html! { p.quiet { "There is no preview." } };
    };
    let ran = fields.get("ran").and_then(Value::as_bool) == Some(true);
    html! {
        dl {
            @for (name, value) in fields.iter().filter(|(name, _)| !is_said_apart(name)) {
                dt { (label(name, ran)) }
                dd { (self::value(value)) }
            }
        }
        @if let Some(sample) = fields.get("sample") { (self::sample(sample)) }
    }
}

/// `ran` goes into the words for the rows; the sample stands below in tables.
fn is_said_apart(name: &str) -> bool {
    matches!(name, "ran" | "sample")
}

fn label(name: &str, ran: bool) -> Markup {
    match name {
        "rows" if ran => html! { "Rows (counted in a trial run that was rolled back)" },
        "rows" => html! { "Rows (PostgreSQL's estimate)" },
        "triggers" => html! { "Triggers that fire" },
        "cascades" => html! { "Other tables that change" },
        "rules" => html! { "Rules that rewrite it" },
        "partitions" => html! { "Partitions" },
        "notices" => html! { "Notices" },
        other => line_of(other),
    }
}

fn value(value: &Value) -> Markup {
    match value {
        Value::Array(items) if items.is_empty() => html! { span.quiet { "none" } },
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => html! {
            ul.plain { @for item in items { li { (self::value(item)) } } }
        },
        Value::Null => html! { span.quiet { "NULL" } },
        Value::String(text) => line_of(text),
        Value::Array(_) | Value::Object(_) => lines(&pretty(value), "Detail"),
        Value::Bool(_) | Value::Number(_) => html! { (value) },
    }
}

fn sample(sample: &Value) -> Markup {
    let columns = sample.get("columns").and_then(Value::as_array);
    let halves = [("before", "Some rows as they are"), ("after", "The same rows as they would be")];
    html! {
        @for (half, caption) in halves {
            @if let Some(rows) = sample.get(half).filter(|rows| !rows.is_null()) {
                @match (columns, rows.as_array()) {
                    (Some(columns), Some(rows)) => { (table(columns, rows, caption)) }
                    _ => { p { (caption) } (lines(&pretty(rows), caption)) }
                }
            }
        }
    }
}

fn table(columns: &[Value], rows: &[Value], caption: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption { (caption) }
                thead { tr { @for column in columns { th scope="col" { (value(column)) } } } }
                tbody {
                    @for row in rows {
                        tr { @for cell in cells(row) { td { (value(cell)) } } }
                    }
                }
            }
        }
    }
}

fn cells(row: &Value) -> &[Value] {
    row.as_array().map_or(std::slice::from_ref(row), Vec::as_slice)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::preview;

    #[test]
    fn whatever_a_preview_has_is_shown() {
        let whole = json!({
            "rows": 3, "ran": false, "triggers": ["audit AFTER UPDATE"], "cascades": [],
            "sample": {"columns": ["id", "name"], "before": [[1, "a\u{202e}b"]], "after": [[1, null]]},
            "plan": {"Node Type": "Seq Scan"}, "new_field": "new<value>",
        });
        let page = preview(&whole).into_string();
        for shown in [
            "PostgreSQL's estimate",
            "<li>audit AFTER UPDATE</li>",
            "none",
            "a<mark>U+202E</mark>b",
            "<span class=\"quiet\">NULL</span>",
            "&quot;Node Type&quot;: &quot;Seq Scan&quot;",
            "new_field",
            "new&lt;value&gt;",
        ] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
        let ran = preview(&json!({"rows": 3, "ran": true})).into_string();
        assert!(ran.contains("rolled back") && !ran.contains("estimate"));
        assert!(preview(&json!({})).into_string().contains("no preview"));
    }
}
