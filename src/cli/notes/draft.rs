//! A file of notes to be filled in. Its comments say what the database knows; its texts are empty, which is as good as
//! absent, so that a half-filled draft can be used.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::catalog::{Catalog, Column, Relation, RelationKind};
use crate::pg::shown_ident;
use crate::policy::is_system_schema;

const HEAD: &str = "#:schema ./notes.schema.json
# What this database means, for those who ask it questions. docs/NOTES.md tells how notes are used.
version = 1

# Two or three sentences: whose data this is, of what, and how fresh. Everybody who may call is told.
about = \"\"

# Words of the business, each with what it is read from:
# [[term]]
# name = \"active customer\"
# note = \"ordered within the last 90 days\"
# relations = [\"shop.orders\"]
";

/// Relations without a comment first, then those of which columns have none.
pub(super) fn draft(catalog: &Catalog) -> String {
    let mut relations: Vec<&Relation> =
        catalog.relations().iter().filter(|relation| is_noted(relation, catalog)).collect();
    relations.sort_by_key(|relation| (relation.comment.is_some(), &relation.name));
    let mut out = HEAD.to_owned();
    for relation in relations {
        entry(relation, catalog, &mut out);
    }
    out
}

/// Partitions are told with their table.
fn is_noted(relation: &Relation, catalog: &Catalog) -> bool {
    relation.kind != RelationKind::Sequence
        && !relation.is_partition
        && !is_system_schema(&relation.name.schema)
        && catalog.schema(&relation.name.schema).is_some_and(|schema| schema.usable)
        && relation.columns.iter().any(|column| column.selectable)
}

fn entry(relation: &Relation, catalog: &Catalog, out: &mut String) {
    let mut facts = vec![words(&relation.name.name), relation.kind.words().to_owned()];
    facts.extend(relation.row_estimate.map(|rows| format!("about {rows} rows")));
    let targets = relation.foreign_keys.iter().filter_map(|key| catalog.relation_by_oid(key.references));
    let targets: BTreeSet<String> = targets.map(|to| to.name.to_string()).collect();
    if !targets.is_empty() {
        facts.push(format!("refers to {}", targets.into_iter().collect::<Vec<_>>().join(", ")));
    }
    heading(&facts.join("; "), relation.comment.as_deref(), out);
    let _ = writeln!(out, "[[relation]]\nname = {}", quoted(&relation.name.to_string()));
    out.push_str("note = \"\"\nsynonyms = []\nquestions = []\n");
    for column in relation.columns.iter().filter(|column| is_open(column, relation)) {
        let mut facts = vec![words(&column.name), column.type_name.clone()];
        let labels = catalog.type_by_oid(column.type_oid).map_or(&[][..], |found| &found.enum_labels);
        facts.extend((!labels.is_empty()).then(|| format!("one of {}", labels.join(", "))));
        heading(&facts.join("; "), None, out);
        let name = format!("{}.{}", relation.name, shown_ident(&column.name));
        let _ = writeln!(out, "[[column]]\nname = {}\nnote = \"\"\nsynonyms = []", quoted(&name));
    }
}

/// Nothing is said of it yet, and it is no key: those say what they are by what they lead to.
fn is_open(column: &Column, relation: &Relation) -> bool {
    let keys = relation.keys.iter().filter(|key| key.primary).map(|key| &key.columns);
    let foreign = relation.foreign_keys.iter().map(|key| &key.columns);
    column.comment.is_none()
        && column.selectable
        && !keys.chain(foreign).flatten().any(|key| *key == column.name)
}

fn heading(facts: &str, comment: Option<&str>, out: &mut String) {
    let _ = writeln!(out, "\n# {}", one_line(facts));
    if let Some(comment) = comment {
        let _ = writeln!(out, "# Its comment: {}", one_line(comment));
    }
}

/// `orderLines_shipped` as `order lines shipped`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut after_small = false;
    for c in name.chars() {
        if c == '_' || (after_small && c.is_uppercase()) {
            words.push(' ');
        }
        words.extend(Some(c).filter(|c| *c != '_').into_iter().flat_map(char::to_lowercase));
        after_small = c.is_lowercase();
    }
    words.trim().to_owned()
}

/// A TOML string, whatever is in it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What ends a comment, or may not be in one, does not get into it.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::{one_line, quoted, words};

    #[test]
    fn names_become_words() {
        for (name, wanted) in [
            ("order_lines", "order lines"),
            ("orderLinesShipped", "order lines shipped"),
            ("__odd__", "odd"),
            ("客户", "客户"),
        ] {
            assert_eq!(words(name), wanted);
        }
    }

    #[test]
    fn no_name_or_comment_gets_out_of_its_place() {
        let name = "a\"b\\c\nname = \"x\"";
        let table: toml::Table = toml::from_str(&format!("name = {}", quoted(name))).unwrap();
        assert_eq!(table["name"].as_str(), Some(name));
        assert_eq!(one_line("one\nabout = \"two\"\r\u{0}"), "one about = \"two\"  ");
    }
}
