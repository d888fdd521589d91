//! Text that a person is to judge, shown so that it cannot pretend to be another: what nobody sees is written out, what
//! looks like a sign of ASCII and is none carries its code point.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::gateway::invisible::is_invisible;

/// The whole of `text` with its lines numbered.
pub(super) fn lines(text: &str, label: &str) -> Markup {
    html! {
        ol.text aria-label=(label) {
            @for line in text.split('\n') { li { (line_of(line)) } }
        }
    }
}

/// On one line: line ends are written out as well.
pub(super) fn line_of(text: &str) -> Markup {
    html! {
        @for piece in pieces(text) {
            @match piece {
                Piece::Plain(plain) => { (plain) }
                Piece::Marked(c) if hides(c) => { mark { "U+" (format!("{:04X}", u32::from(c))) } }
                Piece::Marked(c) => { mark { (c) " U+" (format!("{:04X}", u32::from(c))) } }
            }
        }
    }
}

/// For an attribute and whatever else takes no element: what is marked elsewhere stands in brackets.
pub(super) fn said(text: &str) -> String {
    pieces(text).iter().fold(String::new(), |mut words, piece| {
        // Writing to a string does not fail.
        let _ = match piece {
            Piece::Plain(plain) => write!(words, "{plain}"),
            Piece::Marked(c) if hides(*c) => write!(words, "[U+{:04X}]", u32::from(*c)),
            Piece::Marked(c) => write!(words, "{c}[U+{:04X}]", u32::from(*c)),
        };
        words
    })
}

/// How many characters of it are marked.
pub(super) fn marked(text: &str) -> usize {
    text.split('\n')
        .map(|line| pieces(line).iter().filter(|piece| matches!(piece, Piece::Marked(_))).count())
        .sum()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece<'a> {
    Plain(&'a str),
    Marked(char),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for word in words(text) {
        let foreign = mixes(word);
        let mut plain = 0;
        for (at, c) in word.char_indices() {
            if hides(c) || pretends(c) || (foreign && c.is_alphabetic() && !c.is_ascii()) {
                push_plain(word.get(plain..at), &mut pieces);
                pieces.push(Piece::Marked(c));
                plain = at + c.len_utf8();
            }
        }
        push_plain(word.get(plain..), &mut pieces);
    }
    pieces
}

fn push_plain<'a>(text: Option<&'a str>, pieces: &mut Vec<Piece<'a>>) {
    pieces.extend(text.filter(|text| !text.is_empty()).map(Piece::Plain));
}

/// Runs of letters and digits, and what is between them.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = is_of_word(first);
        let end = rest.find(|c| is_of_word(c) != inside).unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
        words.push(word);
        rest = tail;
    }
    words
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Letters of ASCII beside letters that are not Latin: no language writes so.
fn mixes(word: &str) -> bool {
    let is_latin = |c: char| matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    word.contains(|c: char| c.is_ascii_alphabetic())
        && word.contains(|c: char| c.is_alphabetic() && !is_latin(c))
}

/// Nobody sees it, or sees a blank where another character is. A tab is shown as it is.
fn hides(c: char) -> bool {
    (is_invisible(c) && c != '\t')
        || (c.is_whitespace() && !matches!(c, ' ' | '\t'))
        // How an emoji looks, and the blank of Braille.
        || matches!(c, '\u{fe0e}'..='\u{fe0f}' | '\u{2800}')
}

/// Looks like a quote, a dash, a mark or a letter of ASCII.
fn pretends(c: char) -> bool {
    matches!(
        c,
        '\u{2b9}'..='\u{2bf}'
            | '\u{2c8}'
            | '\u{37e}'
            | '\u{5f3}'..='\u{5f4}'
            | '\u{589}'
            | '\u{2010}'..='\u{2015}'
            | '\u{2018}'..='\u{201f}'
            | '\u{2024}'
            | '\u{2032}'..='\u{2037}'
            | '\u{2044}'
            | '\u{204e}'..='\u{204f}'
            | '\u{2212}'
            | '\u{2215}'..='\u{2217}'
            | '\u{2223}'
            | '\u{20e3}'
            | '\u{2236}'
            | '\u{a789}'
            | '\u{ff01}'..='\u{ff5e}'
            | '\u{1d400}'..='\u{1d7ff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        line_of(text).into_string()
    }

    #[test]
    fn what_is_plain_stays_as_it_is() {
        for text in ["SELECT 1", "naïve Ærøskøbing", "данные", "東京", "a\tb", "", "x = 'Привет'"]
        {
            assert_eq!(shown(text), text);
            assert_eq!(marked(text), 0, "{text}");
        }
        assert_eq!(shown("<b>&\"</b>"), "&lt;b&gt;&amp;&quot;&lt;/b&gt;");
    }

    #[test]
    fn what_nobody_sees_is_written_out() {
        assert_eq!(shown("a\u{202e}b"), "a<mark>U+202E</mark>b");
        assert_eq!(shown("a\u{200b}\u{a0}"), "a<mark>U+200B</mark><mark>U+00A0</mark>");
        assert_eq!(shown("ab\u{fe0f}\u{2800}"), "ab<mark>U+FE0F</mark><mark>U+2800</mark>");
        assert_eq!(said("a\u{202e}b\u{1b} p\u{430}id"), "a[U+202E]b[U+001B] p\u{430}[U+0430]id");
        assert_eq!(shown("\r\u{0}"), "<mark>U+000D</mark><mark>U+0000</mark>");
        for c in (0..0x11_0000).filter_map(char::from_u32).filter(|c| is_invisible(*c) && *c != '\t') {
            assert!(!shown(&format!("a{c}b")).contains(c), "{c:?}");
        }
    }

    #[test]
    fn what_looks_like_another_character_says_what_it_is() {
        assert_eq!(shown("p\u{430}id"), "p<mark>\u{430} U+0430</mark>id");
        assert_eq!(shown("\u{2019} ; \u{37e}"), "<mark>\u{2019} U+2019</mark> ; <mark>\u{37e} U+037E</mark>");
        assert_eq!(marked("p\u{430}\u{440}\n\u{ff1b}"), 3);
    }

    #[test]
    fn every_line_has_a_number_and_none_is_left_out() {
        let whole = lines("a\n\nb", "Statement").into_string();
        assert_eq!(whole, r#"<ol class="text" aria-label="Statement"><li>a</li><li></li><li>b</li></ol>"#);
    }
}
