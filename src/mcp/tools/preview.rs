//! The tool `preview`: what a statement that writes would do.

use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::{Call, database_property, reading};
use crate::gateway::{PreparedWrite, WriteRequest, invisible::json_chars};
use crate::mcp::arguments::Arguments;
use crate::mcp::reply::ToolReply;
use crate::pg::Diagnostic;
use crate::policy::Approval;

const DESCRIPTION: &str =
    "Says what an INSERT, UPDATE, DELETE or MERGE would do, and changes nothing. `execute` runs it.";

/// The share of the answer that a statement has which is cut; a character of it may be written as twelve.
const SHARE: usize = 24;

pub(super) fn tool(databases: &[String]) -> Tool {
    let input = json!({
        "type": "object",
        "properties": {
            "sql": {"type": "string", "description": "One statement."},
            "params": {
                "type": "array",
                "items": {"type": "string"},
                "description": "For $1, $2, ..",
            },
            "database": database_property(databases),
        },
        "required": ["sql"],
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "statement": {"type": "string"},
            "rows": {"type": "integer"},
            "approval": {"type": "string"},
        },
        "required": ["statement", "approval"],
    });
    reading("preview", "Preview a write", DESCRIPTION.to_owned(), input, output)
}

/// The arguments of both tools for writing.
pub(super) fn request(arguments: &Arguments<'_>) -> Result<WriteRequest, Diagnostic> {
    Ok(WriteRequest {
        sql: arguments.required_text("sql")?,
        params: arguments.nullable_texts("params")?,
        database: arguments.text("database")?,
    })
}

pub(super) async fn call(call: Call<'_>) -> ToolReply {
    let prepared = async {
        let request = request(&call.arguments()?)?;
        call.gateway().prepare_write(call.caller, &request, call.cancel).await
    };
    call.object(prepared.await.map(|prepared| answer(&prepared)))
}

fn answer(prepared: &PreparedWrite) -> Value {
    let (facts, preview) = (&prepared.facts, &prepared.preview);
    let mut fields = Map::new();
    let mut say = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    say("kind", json!(facts.kind.word()));
    say("relation", json!(facts.relation.to_string()));
    say("statement", json!(facts.statement));
    say("approval", json!(facts.approval.word()));
    say("next", json!(next(facts.approval)));
    if let Value::Object(shown) = json!(preview) {
        fields.extend(shown);
    }
    cut(fields, prepared.characters)
}

/// At most `room` characters: without the sample, without the end of the statement, without lists, in this order.
fn cut(mut fields: Map<String, Value>, room: usize) -> Value {
    let over = |fields: &Map<String, Value>| json_chars(&json!(fields)) > room;
    if !over(&fields) {
        return Value::Object(fields);
    }
    fields.insert("truncated".to_owned(), json!(true));
    fields.remove("sample");
    if over(&fields)
        && let Some(Value::String(statement)) = fields.get_mut("statement")
    {
        let kept = statement.chars().take(room / SHARE);
        *statement = kept.chain("..".chars()).collect();
    }
    for list in ["notices", "triggers", "cascades", "rules"] {
        if over(&fields) {
            fields.remove(list);
        }
    }
    Value::Object(fields)
}

fn next(approval: Approval) -> &'static str {
    match approval {
        Approval::None => "call `execute` with the same sql and params",
        Approval::Requester | Approval::Approver | Approval::Two => {
            "call `execute` with the same sql and params: it asks for the approval"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_left_out_and_said() {
        let fields = |statement: usize, sample: usize| {
            let whole = json!({
                "statement": "x".repeat(statement), "approval": "none", "rows": 3,
                "sample": {"before": "y".repeat(sample)}, "triggers": ["t"],
            });
            whole.as_object().unwrap().clone()
        };
        let room = 2_400;
        assert_eq!(cut(fields(100, 100), room), json!(fields(100, 100)));
        let answer = cut(fields(100, 3_000), room);
        assert_eq!((&answer["truncated"], answer.get("sample")), (&json!(true), None));
        assert_eq!(answer["statement"].as_str().unwrap().len(), 100);
        let answer = cut(fields(9_000, 3_000), room);
        assert_eq!(answer["statement"].as_str().unwrap(), format!("{}..", "x".repeat(100)));
        assert_eq!((&answer["rows"], &answer["triggers"]), (&json!(3), &json!(["t"])));
    }
}
