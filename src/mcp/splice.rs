//! Puts a tool result's JSON text into its `structuredContent` unchanged.
//!
//! rmcp holds structuredContent as a tree of `serde_json::Value`, which rounds numbers that PostgreSQL prints exactly and
//! costs an allocation per cell. So `reply` leaves a mark there, and both transports call [`splice`] on the bytes that
//! leave: the text block, unescaped, takes the mark's place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::tasks::legacy;

/// A string: no other structuredContent of ours is one, and a row cannot get there.
const MARK: &str = "pgwarden:same-as-text";
const MARKED: &str = r#""structuredContent":"pgwarden:same-as-text""#;

pub(super) fn same_as_text() -> Value {
    Value::String(MARK.to_owned())
}

/// One serialized JSON-RPC message; any but a marked tool result, alone or in the task that it is of, and what
/// [`legacy::outbound`] completes, comes back as it is.
pub(super) fn splice(message: &str) -> Cow<'_, str> {
    if !message.contains(MARKED) {
        return legacy::outbound(message);
    }
    rewritten(message).map_or(Cow::Borrowed(message), Cow::Owned)
}

type Members<'a> = BTreeMap<&'a str, &'a RawValue>;

#[derive(Deserialize)]
struct TextBlock<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn rewritten(message: &str) -> Option<String> {
    let mut members: Members<'_> = serde_json::from_str(message).ok()?;
    // A notification of a task has it in its parameters.
    let member = if members.contains_key("result") { "result" } else { "params" };
    let result = spliced(members.get(member)?)?;
    members.insert(member, &result);
    serde_json::to_string(&members).ok()
}

/// A tool's result, or a task with one in it.
fn spliced(result: &RawValue) -> Option<Box<RawValue>> {
    let mut result: Members<'_> = serde_json::from_str(result.get()).ok()?;
    let Some(structured) = result.get("structuredContent") else {
        let inner = spliced(result.get("result")?)?;
        result.insert("result", &inner);
        return serde_json::value::to_raw_value(&result).ok();
    };
    let marked: Cow<'_, str> = serde_json::from_str(structured.get()).ok()?;
    if marked != MARK {
        return None;
    }
    let content: Vec<TextBlock<'_>> = serde_json::from_str(result.get("content")?.get()).ok()?;
    // Reads it once more: what is no JSON must not go out as JSON.
    let text: &RawValue = serde_json::from_str(&content.first()?.text).ok()?;
    result.insert("structuredContent", text);
    serde_json::value::to_raw_value(&result).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(structured: &Value, text: &str) -> String {
        serde_json::json!({
            "jsonrpc": "2.0", "id": 7,
            "result": {"content": [{"type": "text", "text": text}], "structuredContent": structured, "isError": false},
        })
        .to_string()
    }

    #[test]
    fn the_text_becomes_the_structured_content_digit_for_digit() {
        let text = r#"{"rows":[[12345678901234567890.1234567890123456789,"a\"b\\n\u0000é"]]}"#;
        let spliced = splice(&message(&same_as_text(), text)).into_owned();
        assert!(spliced.contains(&format!(r#""structuredContent":{text}"#)), "{spliced}");
        assert!(!spliced.contains(MARK));
    }

    #[test]
    fn a_row_that_spells_the_mark_changes_nothing() {
        let plain =
            message(&serde_json::json!({"rows": []}), r#"{"structuredContent":"pgwarden:same-as-text"}"#);
        assert_eq!(splice(&plain), plain);
        let nested = r#"{"rows":[["\"structuredContent\":\"pgwarden:same-as-text\""]]}"#;
        let spliced = splice(&message(&same_as_text(), nested)).into_owned();
        assert!(spliced.contains(&format!(r#""structuredContent":{nested}"#)), "{spliced}");
    }

    #[test]
    fn the_result_in_a_task_is_spliced_too() {
        let result = serde_json::json!({
            "content": [{"type": "text", "text": "{\"n\":1.10}"}], "structuredContent": same_as_text(),
        });
        let task = serde_json::json!({"taskId": "x", "status": "completed", "result": result});
        let message = serde_json::json!({"jsonrpc": "2.0", "id": 7, "result": task}).to_string();
        assert!(splice(&message).contains(r#""structuredContent":{"n":1.10}"#), "{}", splice(&message));
    }

    #[test]
    fn other_messages_pass_untouched() {
        for plain in
            [r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, r#"{"jsonrpc":"2.0","method":"x"}"#, "", "no json"]
        {
            assert!(matches!(splice(plain), Cow::Borrowed(same) if same == plain));
        }
    }
}
