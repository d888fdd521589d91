//! Characters that nobody sees on a screen and a model reads all the same: controls, marks of direction, joiners, tags.
//! Written out, they cannot hide words or turn them around.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Controls, the line separators of Unicode, its annotation marks, and what its `Default_Ignorable_Code_Point` lists,
/// but for the two marks that choose how an emoji looks (U+FE0E, U+FE0F).
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0d}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The first byte of one of them in UTF-8: all other bytes are passed over without a look at the character.
fn may_begin(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | 0x7f | 0xc2 | 0xcd | 0xd8 | 0xe1..=0xe3 | 0xef | 0xf0 | 0xf3)
}

/// The first invisible character, or the first that is one of the ASCII bytes of `also`, and where it stands.
pub(super) fn find(text: &str, also: impl Fn(u8) -> bool) -> Option<(usize, char)> {
    let mut from = 0;
    loop {
        let bytes = text.as_bytes().get(from..)?;
        let at = from + bytes.iter().position(|byte| may_begin(*byte) || also(*byte))?;
        let c = text.get(at..)?.chars().next()?;
        if is_invisible(c) || u8::try_from(c).is_ok_and(&also) {
            return Some((at, c));
        }
        from = at + c.len_utf8();
    }
}

/// Appends `text`, with `write` in the place of each character that [`find`] finds. `write` is given the character and
/// what stands behind it.
pub(super) fn push(
    text: &str,
    also: impl Fn(u8) -> bool,
    write: impl Fn(char, &str, &mut String),
    out: &mut String,
) {
    let mut rest = text;
    while let Some((at, found)) = find(rest, &also) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        rest = tail.get(found.len_utf8()..).unwrap_or("");
        write(found, rest, out);
    }
    out.push_str(rest);
}

/// For readers of text: `\u{200b}` in the character's place. Line ends and tabs stay; a `\u{` that was there before is
/// `\u{5c}u{`, so that each can be told from the other.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if find(text, |byte| byte == b'\\').is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let write = |c: char, behind: &str, out: &mut String| match c {
        '\n' | '\r' | '\t' => out.push(c),
        '\\' if !behind.starts_with("u{") => out.push(c),
        c => push_shown(c, out),
    };
    push(text, |byte| byte == b'\\', write, &mut out);
    Cow::Owned(out)
}

/// [`shown`] on one line: line ends and tabs are spaces.
pub(crate) fn shown_line(text: &str) -> String {
    shown(text).replace(['\n', '\r', '\t'], " ")
}

pub(super) fn push_shown(c: char, out: &mut String) {
    let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
}

/// For JSON that has no white space between its tokens: the character's escape (RFC 8259, section 7), so that a reader of
/// the text sees it and a parser gets the same value.
pub(crate) fn shown_json(json: &str) -> Cow<'_, str> {
    if find(json, |_| false).is_none() {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    push(json, |_| false, |c, _, out| push_json(c, out), &mut out);
    Cow::Owned(out)
}

/// Characters of a value as JSON, with all of its escapes.
pub(crate) fn json_chars(value: &serde_json::Value) -> usize {
    shown_json(&value.to_string()).chars().count()
}

/// A pair of surrogates beyond U+FFFF.
pub(super) fn push_json(c: char, out: &mut String) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_are_those_of_all_of_them_and_of_no_latin_letter() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| is_invisible(*c)) {
            let mut utf8 = [0; 4];
            assert!(may_begin(c.encode_utf8(&mut utf8).as_bytes()[0]), "{c:?}");
        }
        assert!(!"plain text, größer, Ωμέγα, привет, 12.5".bytes().any(may_begin));
    }

    #[test]
    fn what_hides_is_written_out() {
        let hidden = "a\u{200b}b\u{202e}c\u{2066}d\u{feff}e\u{2060}f\u{e0041}g\u{7f}h\u{85}i\u{ad}j\u{1b}";
        let shown_text = shown(hidden);
        assert_eq!(
            shown_text,
            "a\\u{200b}b\\u{202e}c\\u{2066}d\\u{feff}e\\u{2060}f\\u{e0041}g\\u{7f}h\\u{85}i\\u{ad}j\\u{1b}"
        );
        assert_eq!(shown_line("a\r\nb\tc\u{200d}"), "a  b c\\u{200d}");
        let json = serde_json::to_string(&[hidden]).unwrap();
        let shown_text = shown_json(&json);
        assert!(shown_text.is_ascii() && shown_text.contains("f\\udb40\\udc41g"), "{shown_text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown_text).unwrap(), [hidden]);
    }

    #[test]
    fn what_was_written_out_before_is_told_from_it() {
        assert_eq!(shown("\\u{200b} C:\\users \\"), "\\u{5c}u{200b} C:\\users \\");
        assert_eq!(shown("\u{5c}\u{200b}"), "\\\\u{200b}");
    }

    #[test]
    fn other_text_is_not_copied() {
        for text in ["", "plain", "größer | Ωμέγα", "日本語 ｱ ２", "❤\u{fe0f} 👍", "¿qué?"]
        {
            assert!(matches!(shown(text), Cow::Borrowed(same) if same == text), "{text}");
            assert!(matches!(shown_json(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
