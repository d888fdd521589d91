//! What results are called: `table:shop:shop.orders`, `row:shop:articles:42`.
//!
//! An id says where to look and never that something is there: what it names is looked for as the caller of the moment, and
//! not found where it is hidden.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::pg::QualifiedName;

/// Characters of an id.
const MOST: usize = 200;
/// Of a name that would be longer, so much of its SHA-256 stands for it.
const DIGEST_BYTES: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Table,
    Function,
    /// A term of the notes.
    Note,
    /// A saved query.
    Query,
    Row,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Table, Self::Function, Self::Note, Self::Query, Self::Row];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Function => "function",
            Self::Note => "note",
            Self::Query => "query",
            Self::Row => "row",
        }
    }
}

/// An id in its parts.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Parsed<'t> {
    pub(super) kind: Kind,
    pub(super) database: String,
    /// What follows the database, as it was written.
    pub(super) rest: &'t str,
}

/// `None` for what is no id.
pub(super) fn parse(id: &str) -> Option<Parsed<'_>> {
    let (kind, tail) = id.split_once(':')?;
    let (database, rest) = tail.split_once(':')?;
    let kind = Kind::ALL.into_iter().find(|known| known.word() == kind)?;
    let fits = id.len() <= MOST && !rest.is_empty();
    fits.then_some(Parsed { kind, database: decoded(database)?, rest })
}

/// Of a relation or a function.
pub(super) fn of_name(kind: Kind, database: &str, name: &QualifiedName) -> String {
    whole(kind, database, &format!("{}.{}", part(&name.schema), part(&name.name)))
}

/// Of a term or a saved query.
pub(super) fn of_word(kind: Kind, database: &str, word: &str) -> String {
    whole(kind, database, &part(word))
}

/// Of a row; `None` where its key is too long for an id.
pub(super) fn of_row(database: &str, source: &str, key: &[String]) -> Option<String> {
    let id = format!("{}:{}:{}:{}", Kind::Row.word(), part(database), part(source), key_text(key));
    (id.len() <= MOST).then_some(id)
}

/// The source and the key of a row's id.
pub(super) fn row(rest: &str) -> Option<(String, Vec<String>)> {
    let (source, key) = rest.split_once(':')?;
    Some((decoded(source)?, key.split(',').map(decoded).collect::<Option<_>>()?))
}

/// A key as it stands in an id and in a URL of the DBA's.
pub(super) fn key_text(key: &[String]) -> String {
    key.iter().map(|value| part(value)).collect::<Vec<_>>().join(",")
}

/// For the path of a URL.
pub(super) fn in_path(id: &str) -> String {
    encoded(id, b"-_.~:,")
}

fn whole(kind: Kind, database: &str, rest: &str) -> String {
    let id = format!("{}:{}:{rest}", kind.word(), part(database));
    if id.len() <= MOST {
        return id;
    }
    let digest = Sha256::digest(&id);
    let mut short = format!("{}:{}:~", kind.word(), part(database));
    for byte in digest.iter().take(DIGEST_BYTES) {
        let _ = write!(short, "{byte:02x}");
    }
    short
}

/// Letters, digits, `-` and `_` of ASCII stand for themselves.
fn part(text: &str) -> String {
    encoded(text, b"-_")
}

fn encoded(text: &str, plain: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `None` for what [`part`] does not write: one thing has one id.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * nibble(rest.next()?)? + nibble(rest.next()?)?,
            byte => byte,
        });
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (part(&decoded) == text).then_some(decoded)
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let name = QualifiedName::new("shop", "orders");
        assert_eq!(of_name(Kind::Table, "shop", &name), "table:shop:shop.orders");
        assert_eq!(of_word(Kind::Note, "shop", "active customer"), "note:shop:active%20customer");
        let key = ["a,b:c".to_owned(), "ü".to_owned(), String::new()];
        let id = of_row("my:db", "articles", &key).unwrap();
        assert_eq!(id, "row:my%3Adb:articles:a%2Cb%3Ac,%C3%BC,");
        let parsed = parse(&id).unwrap();
        assert_eq!((parsed.kind, parsed.database.as_str()), (Kind::Row, "my:db"));
        assert_eq!(row(parsed.rest), Some(("articles".to_owned(), key.to_vec())));
    }

    #[test]
    fn a_long_name_is_told_by_its_digest_and_a_long_key_by_nothing() {
        let (long, other) = ("ж".repeat(31), format!("{}з", "ж".repeat(30)));
        let of = |name: &str| of_name(Kind::Table, "shop", &QualifiedName::new(name, name));
        assert!(of(&long).len() <= MOST && of(&long).starts_with("table:shop:~") && of(&long) != of(&other));
        assert_eq!(of_row("shop", "articles", &["x".repeat(200)]), None);
    }

    #[test]
    fn what_nobody_wrote_is_no_id() {
        for forged in ["", "table", "table:shop", "table:shop:", "TABLE:shop:a.b", "view:shop:a.b", ":a:b"] {
            assert_eq!(parse(forged), None, "{forged}");
        }
        assert_eq!(parse(&format!("row:shop:a:{}", "1".repeat(200))), None);
        for rest in ["articles", "articles:%4", "articles:%zz", "articles:%31", "articles:%ff", "a b:1"] {
            assert_eq!(row(rest), None, "{rest}");
        }
    }
}
