//! Rust source as the tokens that the rules look at: words and punctuation, without comments, strings, lifetimes.

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    Word(String),
    Mark(char),
}

pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at..];
        at += match c {
            '/' if rest.get(1) == Some(&'/') => line_comment(rest),
            '/' if rest.get(1) == Some(&'*') => block_comment(rest),
            '"' => string(rest),
            'r' | 'b' | 'c' if string_prefix(rest).is_some() => prefixed_string(rest),
            '\'' => character_or_lifetime(rest),
            c if c.is_alphanumeric() || c == '_' => {
                let length = word(rest);
                tokens.push(Token::Word(rest[..length].iter().collect()));
                length
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token::Mark(c));
                }
                1
            }
        };
    }
    tokens
}

fn word(rest: &[char]) -> usize {
    rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count()
}

fn line_comment(rest: &[char]) -> usize {
    rest.iter().take_while(|c| **c != '\n').count()
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match (rest[at], rest.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Length of `r#"`, `b"`, `br##"` and the number of `#`; none where a plain word begins. Raw only with an `r`.
fn string_prefix(rest: &[char]) -> Option<(usize, usize, bool)> {
    let letters = rest.iter().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
    let raw = rest[..letters].contains(&'r');
    let hashes = rest[letters..].iter().take_while(|c| **c == '#').count();
    let quoted = letters <= 2 && rest.get(letters + hashes) == Some(&'"') && (raw || hashes == 0);
    quoted.then_some((letters + hashes, hashes, raw))
}

fn prefixed_string(rest: &[char]) -> usize {
    let Some((prefix, hashes, raw)) = string_prefix(rest) else { return 1 };
    if !raw {
        return prefix + string(&rest[prefix..]);
    }
    let mut at = prefix + 1;
    while at < rest.len() {
        let closed =
            rest[at] == '"' && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        at += 1;
        if closed {
            return at + hashes;
        }
    }
    at
}

fn character_or_lifetime(rest: &[char]) -> usize {
    match (rest.get(1), rest.get(2)) {
        (Some('\\'), _) => 3 + rest[3..].iter().take_while(|c| **c != '\'').count() + 1,
        (Some(_), Some('\'')) => 3,
        _ => 1 + word(&rest[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let words = tokens(text).into_iter().filter_map(|token| match token {
            Token::Word(word) => Some(word),
            Token::Mark(_) => None,
        });
        words.collect()
    }

    #[test]
    fn comments_strings_characters_and_lifetimes_are_not_words() {
        assert_eq!(words("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(words(r##"a "b \" c" r#"d " e"# b"f" br"g\" h"##), ["a", "h"]);
        assert_eq!(words(r"a 'b' '\'' '\u{1f}' &'static str '\\' c"), ["a", "str", "c"]);
    }
}
