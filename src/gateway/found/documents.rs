//! Relations whose rows are documents, as the DBA names them in the configuration.

use url::Url;

use super::id;
use crate::pg::{QualifiedName, identifiers};

/// Columns of one source.
const MOST_COLUMNS: usize = 16;
/// What a URL of the DBA's has where the row's key comes.
const PLACEHOLDER: &str = "{id}";

/// How rows are looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Matching {
    /// Words in a language: a text search configuration of PostgreSQL.
    Fulltext {
        language: String,
        /// A column of type tsvector; `None`: one is made of title and text.
        vector: Option<String>,
    },
    /// Likeness, as pg_trgm measures it.
    Trigram,
}

/// `[[databases.NAME.documents]]`: what is read of it, is read as the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Documents {
    pub name: String,
    pub relation: QualifiedName,
    /// Together they tell one row from all others.
    pub id: Vec<String>,
    pub title: String,
    pub text: Vec<String>,
    pub matching: Matching,
    /// Where people read a row: https, with `{id}`.
    pub url: Option<String>,
}

impl Documents {
    /// `schema.relation`, as SQL reads it. `Err` is the rest of a sentence that begins with the key.
    pub fn relation(text: &str) -> Result<QualifiedName, String> {
        match identifiers(text).as_deref() {
            Some([schema, name]) if can_be_named(schema) && can_be_named(name) => {
                Ok(QualifiedName::new(schema, name))
            }
            _ => Err("is no `schema.relation`".to_owned()),
        }
    }

    /// Names of columns, exactly as the database has them.
    pub fn columns(names: &[String]) -> Result<(), String> {
        match names.len() {
            0 => Err("names no column".to_owned()),
            1..=MOST_COLUMNS => names.iter().try_for_each(|name| Self::column(name)),
            _ => Err(format!("names more than {MOST_COLUMNS} columns")),
        }
    }

    /// The name of a column, exactly as the database has it.
    pub fn column(name: &str) -> Result<(), String> {
        match can_be_named(name) {
            true => Ok(()),
            false => Err(
                "is no name that a statement may have: it is empty, or has a quote or a control character"
                    .to_owned(),
            ),
        }
    }

    /// The name of a text search configuration, without quotes.
    pub fn language(text: &str) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        if (1..=127).contains(&text.len()) && text.chars().all(plain) {
            return Ok(());
        }
        Err("is no name of a text search configuration".to_owned())
    }

    /// https, and the key comes once, behind the host.
    pub fn url(text: &str) -> Result<(), String> {
        let wanted = || format!("is no https URL with `{PLACEHOLDER}` behind its host");
        let (before, after) = text.split_once(PLACEHOLDER).ok_or_else(wanted)?;
        let parsed = Url::parse(before).map_err(|_| wanted())?;
        let behind_host = before.strip_prefix("https://").is_some_and(|rest| rest.contains('/'));
        let plain = parsed.username().is_empty() && parsed.password().is_none();
        let whole = text.len() <= 500
            && text.is_ascii()
            && !text.contains(|c: char| c.is_ascii_control() || c == ' ');
        (behind_host && plain && whole && !after.contains(PLACEHOLDER)).then_some(()).ok_or_else(wanted)
    }

    /// The DBA's own page of a row. None of a key that browsers would read as a way to another folder.
    pub(super) fn own_url(&self, key: &[String]) -> Option<String> {
        let is_dots = |value: &String| matches!(value.as_str(), "." | ".." | "");
        let template = self.url.as_ref().filter(|_| !key.iter().all(is_dots))?;
        Some(template.replacen(PLACEHOLDER, &id::key_text(key), 1))
    }
}

/// As `sql::lower` takes names.
fn can_be_named(name: &str) -> bool {
    !name.is_empty() && !name.contains('"') && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_the_dba_is_https_and_the_key_cannot_change_its_host() {
        for good in ["https://help.example/a/{id}", "https://help.example/?a={id}&b=1"] {
            assert_eq!(Documents::url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://help.example/{id}",
            "https://{id}.example/",
            "https://help.example{id}",
            "https://help.example/",
            "https://u:p@help.example/{id}",
            "https://help.example/{id}/{id}",
            "https://help.example/ {id}",
            "javascript:alert({id})",
            "",
        ] {
            assert!(Documents::url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_encoded_into_the_url() {
        let documents = Documents {
            name: "articles".to_owned(),
            relation: Documents::relation("shop.articles").unwrap(),
            id: vec!["id".to_owned()],
            title: "title".to_owned(),
            text: vec!["body".to_owned()],
            matching: Matching::Trigram,
            url: Some("https://help.example/a/{id}".to_owned()),
        };
        let url = |key: &str| documents.own_url(&[key.to_owned()]);
        assert_eq!(url("a/b?c#d {id}").unwrap(), "https://help.example/a/a%2Fb%3Fc%23d%20%7Bid%7D");
        assert_eq!(url(".."), None);
    }
}
