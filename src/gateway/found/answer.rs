//! The answers of `search` and `fetch`, cut to what they may hold.

use serde_json::{Map, json};

use super::id::{self, Parsed};
use super::{FoundDocument, FoundResult, FoundResults, Hit, Text};
use crate::gateway::invisible::json_chars;
use crate::gateway::resource_uri::{Address, Target};

/// Characters of a title.
pub(super) const TITLE_CHARS: usize = 200;
/// Characters of an answer that are neither title nor text.
const FRAME_CHARS: usize = 300;

/// As many of them as an answer may hold.
pub(super) fn within(hits: Vec<Hit>, origin: Option<&str>, characters: usize) -> FoundResults {
    let mut left = characters.saturating_sub(FRAME_CHARS);
    let mut results = Vec::new();
    for hit in hits {
        let url = url(&hit.id, hit.own_url, origin);
        let result = FoundResult { url, title: titled(&hit.title, &hit.id), id: hit.id };
        let length = json_chars(&json!(result)) + 1;
        let Some(rest) = left.checked_sub(length) else { break };
        left = rest;
        results.push(result);
    }
    FoundResults { results }
}

pub(super) fn document(
    (id, parsed): (&str, &Parsed<'_>),
    found: Text,
    origin: Option<&str>,
    characters: usize,
) -> FoundDocument {
    let mut metadata = Map::new();
    metadata.insert("database".to_owned(), json!(parsed.database));
    metadata.insert("kind".to_owned(), json!(parsed.kind.word()));
    metadata.extend(found.source.map(|source| ("source".to_owned(), json!(source))));
    let url = url(id, found.own_url, origin);
    let (id, title) = (id.to_owned(), titled(&found.title, id));
    let mut document = FoundDocument { id, title, text: String::new(), url, metadata };
    let used = json_chars(&json!(document)) + r#","truncated":true"#.len();
    let room = characters.saturating_sub(used);
    document.text = found.text;
    if json_chars(&json!(document.text)) > room {
        document.text = beginning(&document.text, room);
        document.metadata.insert("truncated".to_owned(), json!(true));
    }
    document
}

/// The longest beginning that takes at most `room` characters as JSON.
fn beginning(text: &str, room: usize) -> String {
    let ends: Vec<usize> = text.char_indices().map(|(end, _)| end).collect();
    let until = |end: &usize| text.get(..*end).unwrap_or_default();
    let fits = ends.partition_point(|end| json_chars(&json!(until(end))) <= room);
    fits.checked_sub(1).and_then(|last| ends.get(last)).map(until).unwrap_or_default().to_owned()
}

/// On one line, not too long, and never empty.
fn titled(title: &str, id: &str) -> String {
    let line: String = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = if line.is_empty() { id } else { &line };
    match line.char_indices().nth(TITLE_CHARS).and_then(|(end, _)| line.get(..end)) {
        Some(start) => format!("{start}…"),
        None => line.to_owned(),
    }
}

/// Where a person reads it: the DBA's own page, else ours, else the resource.
fn url(id: &str, own_url: Option<String>, origin: Option<&str>) -> String {
    own_url.unwrap_or_else(|| match origin {
        Some(origin) => format!("{}/found/{}", origin.trim_end_matches('/'), id::in_path(id)),
        None => {
            let database = id::parse(id).map(|parsed| parsed.database).unwrap_or_default();
            Address::new(&database, Target::Found(id.to_owned())).to_string()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_its_json_would_be_too_long() {
        assert_eq!(beginning("a\"b", 5), "a\"");
        assert_eq!(beginning("äöü", 100), "äö");
        assert_eq!(beginning("abc", 1), "");
    }

    #[test]
    fn a_title_is_one_line_and_never_empty() {
        assert_eq!(titled(" a\n b ", "x"), "a b");
        assert_eq!(titled("\n", "row:a:b:1"), "row:a:b:1");
        assert_eq!(titled(&"x".repeat(300), "x").chars().count(), TITLE_CHARS + 1);
    }

    #[test]
    fn a_url_is_never_empty() {
        let id = "row:shop:articles:a%2Fb";
        assert_eq!(
            url(id, None, Some("https://db.example")),
            "https://db.example/found/row:shop:articles:a%252Fb"
        );
        assert_eq!(url(id, None, None), "pgwarden://shop/found/row%3Ashop%3Aarticles%3Aa%252Fb");
        assert_eq!(url(id, Some("https://help.example/1".to_owned()), None), "https://help.example/1");
    }
}
