//! A JSON string (RFC 8259, section 7).

use crate::gateway::invisible;

/// Appends `text` between quotes. Besides what JSON asks for, every character that nobody sees is escaped: a reader of the
/// text is not deceived, and no transport breaks a line there.
pub(super) fn push_string(text: &str, ending: &str, out: &mut String) {
    out.push('"');
    push_escaped(text, out);
    push_escaped(ending, out);
    out.push('"');
}

fn push_escaped(text: &str, out: &mut String) {
    invisible::push(text, |byte| matches!(byte, b'"' | b'\\'), push_escape, out);
}

fn push_escape(c: char, _behind: &str, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c => invisible::push_json(c, out),
    }
}

#[cfg(test)]
mod tests {
    use super::{invisible, push_string};

    #[test]
    fn every_character_of_the_first_planes_reads_back_and_none_is_unseen() {
        for c in (0..0x1_1000).chain(0xe_0000..0xe_0200).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            let mut out = String::new();
            push_string(&text, "", &mut out);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            assert!(!out.contains(invisible::is_invisible), "{c:?}");
        }
    }

    #[test]
    fn the_ending_stands_inside_the_quotes() {
        let mut out = String::new();
        push_string("a\"", "…[cut]", &mut out);
        assert_eq!(out, "\"a\\\"…[cut]\"");
    }
}
