//! `[tools]` and `[[databases.NAME.documents]]`: the tools `search` and `fetch`, and what they search besides the schema.

use std::collections::BTreeSet;

use super::ConfigError;
use super::embedded_auth::boolean;
use super::file::one_of;
use super::section::{Fault, Section, string, strings};
use crate::gateway::{Documents, Matching};

/// `[tools]`: tools that are off unless they are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OptionalTools {
    /// `search` and `fetch`.
    pub search_and_fetch: bool,
}

enum By {
    Fulltext,
    Trigram,
}

pub(super) fn tools(mut section: Section<'_>) -> Result<OptionalTools, ConfigError> {
    let search_and_fetch = section.value("search_and_fetch", boolean)?.unwrap_or(false);
    section.finish()?;
    Ok(OptionalTools { search_and_fetch })
}

pub(super) fn documents(sections: Vec<Section<'_>>) -> Result<Vec<Documents>, ConfigError> {
    let mut names = BTreeSet::new();
    let one = |section: Section<'_>| {
        let again = section.fault("has a `name` that another one has");
        let documents = source(section)?;
        if names.insert(documents.name.clone()) { Ok(documents) } else { Err(again) }
    };
    sections.into_iter().map(one).collect()
}

fn source(mut section: Section<'_>) -> Result<Documents, ConfigError> {
    let fault = |message: String| Fault::new(message, None);
    let name = section.needed("name", |value| {
        let name = string(value)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let fits = (1..=40).contains(&name.len()) && name.chars().all(plain);
        let hint = "letters, digits, `_` and `-`, at most 40: it is part of ids".to_owned();
        if fits { Ok(name) } else { Err(Fault::new("is no name for documents", Some(hint))) }
    })?;
    let relation = section.needed("relation", |value| Documents::relation(&string(value)?).map_err(fault))?;
    let columns = |value: &_| {
        let names = strings(value)?;
        Documents::columns(&names).map(|()| names).map_err(fault)
    };
    let id = section.needed("id", columns)?;
    let text = section.needed("text", columns)?;
    let column = |value: &_| {
        let name = string(value)?;
        Documents::column(&name).map(|()| name).map_err(fault)
    };
    let title = section.needed("title", column)?;
    let by = section.value("by", one_of([("fulltext", By::Fulltext), ("trigram", By::Trigram)]))?;
    let language = section.value("language", |value| {
        let language = string(value)?;
        Documents::language(&language).map(|()| language).map_err(fault)
    })?;
    let vector = section.value("vector", column)?;
    let url = section.value("url", |value| {
        let url = string(value)?;
        Documents::url(&url).map(|()| url).map_err(fault)
    })?;
    let matching = match by {
        Some(By::Trigram) if language.is_some() || vector.is_some() => {
            return Err(section.fault("has `language` or `vector`, which `by = \"trigram\"` does not use"));
        }
        Some(By::Trigram) => Matching::Trigram,
        Some(By::Fulltext) | None => {
            Matching::Fulltext { language: language.unwrap_or_else(|| "english".to_owned()), vector }
        }
    };
    section.finish()?;
    Ok(Documents { name, relation, id, title, text, matching, url })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, read};
    use crate::gateway::Matching;

    const SOURCE: &str = "[databases.shop]\nurl = \"postgres://r@h/shop\"\n[[databases.shop.documents]]\n";
    const NAMES: &str =
        "name = \"a\"\nrelation = \"shop.\\\"Odd\\\"\"\nid = [\"id\"]\ntitle = \"t\"\ntext = [\"b\"]\n";

    fn parse(text: &str) -> Result<Config, String> {
        read(text, Path::new("pgwarden.toml"), &|_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn the_tools_are_off_unless_they_are_asked_for() {
        assert!(!parse("").unwrap().tools.search_and_fetch);
        assert!(!parse("[tools]").unwrap().tools.search_and_fetch);
        assert!(parse("[tools]\nsearch_and_fetch = true").unwrap().tools.search_and_fetch);
    }

    #[test]
    fn a_source_is_read_with_what_it_leaves_out() {
        let config = parse(&format!("{SOURCE}{NAMES}")).unwrap();
        let [documents] = config.databases[0].documents.as_slice() else { panic!("one source") };
        assert_eq!(documents.relation.to_string(), "shop.\"Odd\"");
        assert_eq!(documents.matching, Matching::Fulltext { language: "english".to_owned(), vector: None });
        let config = parse(&format!("{SOURCE}{NAMES}by = \"trigram\"")).unwrap();
        assert_eq!(config.databases[0].documents[0].matching, Matching::Trigram);
    }

    #[test]
    fn every_fault_of_a_source_is_told() {
        let refused = |text: &str| parse(&format!("{SOURCE}{text}")).unwrap_err();
        for (change, told) in [
            (NAMES.replace("\"a\"", "\"a b\""), "`name` is no name for documents"),
            (NAMES.replace("shop.", ""), "`relation` is no `schema.relation`"),
            (NAMES.replace("[\"id\"]", "[]"), "`id` names no column"),
            (NAMES.replace("\"id\"", "'i\"d'"), "`id` is no name that a statement may have"),
            (NAMES.replace("\"t\"", "\"\""), "`title` is no name that a statement may have"),
            (NAMES.replace("\\\"Odd\\\"", "\\\"O\\\"\\\"dd\\\""), "`relation` is no `schema.relation`"),
            (NAMES.replace("title = \"t\"", ""), "has no `title`"),
            (format!("{NAMES}language = \"x'y\""), "`language` is no name of a text search configuration"),
            (format!("{NAMES}url = \"http://a.example/{{id}}\""), "`url` is no https URL"),
            (format!("{NAMES}by = \"trigram\"\nvector = \"v\""), "which `by = \"trigram\"` does not use"),
            (format!("{NAMES}by = \"magic\""), "`fulltext` or `trigram` was expected"),
            (format!("{NAMES}extra = 1"), "unknown key `extra`"),
            (format!("{NAMES}[[databases.shop.documents]]\n{NAMES}"), "has a `name` that another one has"),
        ] {
            assert!(refused(&change).contains(told), "{told}: {}", refused(&change));
        }
    }
}
