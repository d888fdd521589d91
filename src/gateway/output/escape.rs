//! A JSON string (RFC 8259, section 7).

use std::fmt::Write as _;

/// Appends `text` between quotes. Besides what JSON asks for, other control characters and the line separators of
/// Unicode are escaped too: some transports and readers break lines there.
pub(super) fn push_string(text: &str, ending: &str, out: &mut String) {
    out.push('"');
    push_escaped(text, out);
    push_escaped(ending, out);
    out.push('"');
}

fn push_escaped(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((at, odd)) = rest.char_indices().find(|(_, c)| needs_escape(*c)) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        push_escape(odd, out);
        rest = tail.get(odd.len_utf8()..).unwrap_or("");
    }
    out.push_str(rest);
}

fn needs_escape(c: char) -> bool {
    matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}') || c.is_control()
}

fn push_escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::push_string;

    #[test]
    fn every_character_of_the_first_planes_reads_back() {
        for c in (0..0x1_1000).filter_map(char::from_u32) {
            let text = format!("a{c}b");
            let mut out = String::new();
            push_string(&text, "", &mut out);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
            assert!(!out.contains(['\n', '\r', '\u{85}', '\u{2028}']), "{c:?}");
        }
    }

    #[test]
    fn the_ending_stands_inside_the_quotes() {
        let mut out = String::new();
        push_string("a\"", "…[cut]", &mut out);
        assert_eq!(out, "\"a\\\"…[cut]\"");
    }
}
