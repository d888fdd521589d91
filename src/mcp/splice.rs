//! Puts a tool result's JSON text into its `structuredContent` unchanged.
//!
//! rmcp holds structuredContent as a tree of `serde_json::Value`, which rounds numbers that PostgreSQL prints exactly and
//! costs an allocation per cell. So `reply` leaves a mark there, and both transports call [`splice`] on the bytes that
//! leave: the text block, unescaped, takes the mark's place. Pages have megabytes: where the text block comes first, as rmcp
//! writes it, the message is neither read as JSON nor copied more than once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::memchr2;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::tasks::legacy;

/// A string: no other structuredContent of ours is one, and a row cannot get there.
const MARK: &str = "pgwarden:same-as-text";
/// Within a string of JSON its inner quotes would have backslashes: wherever these bytes are, they are a member.
const MARKED: &str = r#""structuredContent":"pgwarden:same-as-text""#;
const MEMBER: &str = r#""structuredContent":"#;
const TEXT: &str = r#""content":[{"type":"text","text":""#;

pub(super) fn same_as_text() -> Value {
    Value::String(MARK.to_owned())
}

/// One serialized JSON-RPC message; any but a marked tool result, alone or in the task that it is of, and what
/// [`legacy::outbound`] completes, comes back as it is.
pub(super) fn splice(message: &str) -> Cow<'_, str> {
    if !message.contains(MARKED) {
        return legacy::outbound(message);
    }
    let message_of_ours = in_order(message).or_else(|| rewritten(message));
    message_of_ours.map_or(Cow::Borrowed(message), Cow::Owned)
}

/// As [`splice`], of a message that nobody else needs.
pub(super) fn splice_owned(message: String) -> String {
    match splice(&message) {
        Cow::Owned(spliced) => spliced,
        Cow::Borrowed(_) => message,
    }
}

/// Where the text block is the first thing of its kind, alone, and the mark follows it at once. A row that looks like both is
/// then within the text.
fn in_order(message: &str) -> Option<String> {
    let (before, behind) = message.split_once(MARKED)?;
    let (_, text) = before.split_once(TEXT)?;
    let mut out = Vec::with_capacity(message.len() + text.len());
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(MEMBER.as_bytes());
    if unescape(text.as_bytes(), &mut out)? != b"}]," {
        return None;
    }
    out.extend_from_slice(behind.as_bytes());
    String::from_utf8(out).ok()
}

/// Appends what a JSON string stands for, and gives what is behind its closing quote. `None` for escapes that no JSON text
/// needs in a string.
fn unescape<'a>(mut text: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let at = memchr2(b'"', b'\\', text)?;
        let (plain, special) = text.split_at_checked(at)?;
        out.extend_from_slice(plain);
        text = match special {
            [b'"', rest @ ..] => return Some(rest),
            [_, byte @ (b'"' | b'\\'), rest @ ..] => {
                out.push(*byte);
                rest
            }
            _ => return None,
        };
    }
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
        // Read as JSON or not, it is the same but for the order of members.
        let message = message(&same_as_text(), text);
        assert!(in_order(&message).is_some(), "{message}");
        let values =
            [in_order(&message), rewritten(&message)].map(|text| text.unwrap().parse::<Value>().unwrap());
        assert_eq!(values[0], values[1]);
    }

    #[test]
    fn a_row_that_looks_like_a_marked_result_changes_nothing() {
        let row = serde_json::json!({"content": [{"type": "text", "text": "{}"}], "structuredContent": MARK});
        let tree = serde_json::json!({"rows": [[row]]});
        for text in ["a,b\n", "\"", "{}"] {
            let plain = message(&tree, text);
            assert!(plain.contains(MARKED) && plain.matches(TEXT).count() == 2);
            assert_eq!(splice(&plain), plain);
        }
        let text = tree.to_string();
        let spliced = splice(&message(&same_as_text(), &text)).into_owned();
        assert!(spliced.contains(&format!(r#""structuredContent":{text}"#)), "{spliced}");
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
