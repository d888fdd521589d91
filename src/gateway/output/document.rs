//! json and jsonb values that may stand in the reply as they are.

mod keys;

use keys::UniqueKeys;

use super::number::{Decimal, survives_a_double};
use crate::gateway::invisible;

/// Levels of nesting that common readers take without trouble, with the reply around them.
const DEEPEST: usize = 64;

/// Appends `text` raw but for white space between its tokens and characters that nobody sees, and says true; or appends nothing where a reader would
/// refuse it, or lose digits of a number or all but one value of a repeated key: such a value becomes a string.
pub(super) fn push_document(text: &str, out: &mut String) -> bool {
    let before = out.len();
    let pushed = serde_json::from_str::<UniqueKeys>(text).is_ok() && push_readable(text, out);
    if !pushed {
        out.truncate(before);
    }
    pushed
}

/// `text` is valid JSON. What was appended where it says false is of no use.
fn push_readable(text: &str, out: &mut String) -> bool {
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return false;
    }
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '"' => match string(rest) {
                Some(length) => length,
                None => return false,
            },
            '-' | '0'..='9' => match number(rest) {
                Some(length) => length,
                None => return false,
            },
            '{' | '[' if depth == DEEPEST => return false,
            '{' | '[' => {
                depth += 1;
                1
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => c.len_utf8(),
        };
        let (token, behind) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        match c {
            // RFC 8259, 2: insignificant.
            ' ' | '\n' | '\r' | '\t' => {}
            '"' => out.push_str(&invisible::shown_json(token)),
            _ => out.push_str(token),
        }
        rest = behind;
    }
    true
}

/// The length of the string that `rest` starts with; `None` where a surrogate in it has no partner.
fn string(rest: &str) -> Option<usize> {
    let mut pending_high = false;
    let mut at = 1;
    loop {
        let tail = rest.get(at..)?;
        let escaped = tail.strip_prefix("\\u").and_then(|hex| hex.get(..4));
        let unit = escaped.and_then(|hex| u16::from_str_radix(hex, 16).ok());
        match (pending_high, unit) {
            (true, Some(0xDC00..=0xDFFF)) => pending_high = false,
            (true, _) | (false, Some(0xDC00..=0xDFFF)) => return None,
            (false, Some(0xD800..=0xDBFF)) => pending_high = true,
            (false, _) => {}
        }
        at += match (unit, tail.chars().next()?) {
            (Some(_), _) => 6,
            (None, '"') => return Some(at + 1),
            (None, '\\') => 2,
            (None, c) => c.len_utf8(),
        };
    }
}

/// The length of the number that `rest` starts with; `None` where a double does not keep its digits.
fn number(rest: &str) -> Option<usize> {
    let length =
        rest.bytes().take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
    let text = rest.get(..length)?;
    let decimal = Decimal::parse(text)?;
    (decimal.is_safe() || survives_a_double(text, &decimal)).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::push_document;

    fn raw(text: &str) -> Option<String> {
        let mut out = String::new();
        push_document(text, &mut out).then_some(out)
    }

    #[test]
    fn a_document_stays_as_it_is_but_without_white_space() {
        let text = "{\n \"a\" :\t[1, 2.50,\r\n true, null, \"x\\ny\", \"\\ud83d\\ude00\"]}";
        assert_eq!(raw(text).unwrap(), "{\"a\":[1,2.50,true,null,\"x\\ny\",\"\\ud83d\\ude00\"]}");
        assert_eq!(raw("[\" a  b \", 1]").unwrap(), "[\" a  b \",1]", "within strings it stays");
        let mut out = "before".to_owned();
        assert!(!push_document("[1, {\"a\": 9223372036854775807}]", &mut out) && out == "before");
        assert_eq!(raw("\"\""), Some("\"\"".to_owned()));
        assert_eq!(raw("\"\u{7f}\""), Some("\"\\u007f\"".to_owned()));
        assert_eq!(
            raw("{\"a\u{200b}\": \"\u{e0041}\"}"),
            Some("{\"a\\u200b\":\"\\udb40\\udc41\"}".to_owned())
        );
        assert_eq!(raw("\"a\\\\\""), Some("\"a\\\\\"".to_owned()));
    }

    #[test]
    fn digits_that_a_reader_would_lose_make_it_a_string() {
        assert_eq!(raw("{\"id\": 9223372036854775807}"), None);
        assert_eq!(raw("[1e400]"), None);
        assert_eq!(raw("[0.10000000000000000555]"), None);
        assert_eq!(raw("[0.30000000000000004]"), Some("[0.30000000000000004]".to_owned()));
        assert_eq!(
            raw("{\"id\": \"9223372036854775807\"}"),
            Some("{\"id\":\"9223372036854775807\"}".to_owned())
        );
    }

    #[test]
    fn a_repeated_key_makes_it_a_string() {
        assert_eq!(raw("{\"a\": 1, \"b\": 2, \"a\": 1}"), None);
        assert_eq!(raw("[{\"x\": {\"\\u0061\": 1, \"a\": 2}}]"), None);
        let keys: Vec<String> = (0..100).map(|n| format!("\"k{n}\": {{\"k{n}\": 0}}")).collect();
        assert!(raw(&format!("{{{}}}", keys.join(","))).is_some());
        assert_eq!(raw(&format!("{{{}, \"k7\": 0}}", keys.join(","))), None);
    }

    #[test]
    fn what_readers_refuse_becomes_a_string() {
        for text in [
            "",
            "{",
            "[1,]",
            "nul",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"\\ud800x\"",
            "\"\u{2028}\"",
            "NaN",
        ] {
            assert_eq!(raw(text), None, "{text}");
        }
        assert_eq!(raw(&format!("{}{}", "[".repeat(65), "]".repeat(65))), None);
        assert!(raw(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_some());
        assert_eq!(raw(&"[".repeat(100_000)), None);
    }
}
