//! The Markdown of a resource.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::catalog::Relation;
use crate::gateway::describe::{Key, Link, Shape};
use crate::gateway::invisible;
use crate::gateway::visible::{Meaning, Visible};

pub(super) fn database(
    name: &str,
    visible: &Visible<'_>,
    schemas: &BTreeMap<&str, Vec<&Relation>>,
) -> String {
    let mut out = format!("# Database {}\n", inline(name));
    quote(visible.about(), &mut out);
    for (schema, relations) in schemas {
        let _ = write!(out, "\n## Schema {}\n\n", inline(schema));
        relation_list(visible, relations, &mut out);
    }
    list("Terms", visible.meanings().map(|meaning| term(&meaning)), &mut out);
    out
}

pub(super) fn schema(visible: &Visible<'_>, name: &str, relations: &[&Relation]) -> String {
    let mut out = format!("# Schema {}\n", inline(name));
    quote(visible.catalog().schema(name).and_then(|schema| schema.comment.as_deref()), &mut out);
    out.push('\n');
    relation_list(visible, relations, &mut out);
    out
}

pub(super) fn relation<'c>(visible: &Visible<'c>, relation: &'c Relation) -> String {
    let shape = Shape::new(visible, relation);
    let mut out = format!("# {} {}\n", sentence(shape.kind), inline(&shape.relation));
    quote(shape.comment, &mut out);
    paragraph(shape.said.note, &mut out);
    paragraph(also(&shape.said.synonyms).as_deref(), &mut out);
    paragraph(facts(&shape).as_deref(), &mut out);
    columns(&shape, &mut out);
    list("Keys", shape.keys.iter().map(key), &mut out);
    list("References", shape.foreign_keys.iter().map(link), &mut out);
    list("Referenced by", shape.referenced_by.iter().map(link), &mut out);
    list("Answers", shape.said.questions.iter().map(|question| cell(question)), &mut out);
    list("Checks", shape.checks.iter().map(|check| inline(check)), &mut out);
    list("Indexes", shape.indexes.iter().map(|index| inline(index)), &mut out);
    out
}

fn relation_list(visible: &Visible<'_>, relations: &[&Relation], out: &mut String) {
    for relation in relations {
        let mut facts = vec![relation.kind.words().to_owned()];
        facts.extend(visible.row_estimate(relation).map(|rows| format!("about {rows} rows")));
        let _ = write!(out, "- {} ({})", inline(&relation.name.to_string()), facts.join(", "));
        if let Some(comment) = visible.said_of(relation).note.or(relation.comment.as_deref()) {
            let _ = write!(out, ": {}", cell(comment));
        }
        out.push('\n');
    }
}

fn facts(shape: &Shape<'_>) -> Option<String> {
    let mut facts = Vec::new();
    facts.extend(shape.row_estimate.map(|rows| format!("about {rows} rows")));
    facts.extend((shape.partitions > 0).then(|| format!("{} partitions", shape.partitions)));
    facts.extend(shape.partition_of.as_ref().map(|parent| format!("partition of {}", inline(parent))));
    facts.extend(shape.filtered.clone());
    facts.extend(shape.row_security.then(|| "row security shows some rows only".to_owned()));
    (!facts.is_empty()).then(|| facts.join("; "))
}

fn columns(shape: &Shape<'_>, out: &mut String) {
    out.push_str("\n| Column | Type | Null | Default | Comment |\n| --- | --- | --- | --- | --- |\n");
    for column in &shape.columns {
        let default = match (column.identity, column.generated, column.default) {
            (true, _, _) => "identity".to_owned(),
            (_, true, Some(expression)) => format!("generated: {expression}"),
            (_, true, None) => "generated".to_owned(),
            (_, _, default) => default.unwrap_or_default().to_owned(),
        };
        let mut comments: Vec<String> = Vec::new();
        comments.extend(column.comment.map(str::to_owned));
        comments.extend(column.said.note.map(str::to_owned));
        comments.extend(column.said.unit.map(|unit| format!("In {unit}.")));
        comments.extend(also(&column.said.synonyms));
        comments.extend(column.masked.as_ref().map(|mask| format!("Masked: {mask}")));
        let labels = (!column.enum_labels.is_empty()).then(|| column.enum_labels.join(", "));
        comments.extend(labels.map(|labels| format!("One of: {labels}")));
        let comment = comments.join(" ");
        let null = if column.not_null { "no" } else { "yes" };
        let cells = [column.name, column.type_name, null, &default, &comment].map(cell);
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn also(synonyms: &[&str]) -> Option<String> {
    (!synonyms.is_empty()).then(|| format!("Also called {}.", synonyms.join(", ")))
}

fn term(meaning: &Meaning<'_>) -> String {
    let relations: Vec<String> =
        meaning.relations.iter().map(|relation| inline(&relation.name.to_string())).collect();
    let from = if relations.is_empty() { String::new() } else { format!(" ({})", relations.join(", ")) };
    format!("{}{from}: {}", cell(meaning.term), cell(meaning.said.note.unwrap_or_default()))
}

fn key(key: &Key<'_>) -> String {
    let kind = if key.primary { "primary key" } else { "unique" };
    format!("{kind}: {}", inline(&key.columns.join(", ")))
}

fn link(link: &Link) -> String {
    let alias = link.alias.as_ref().map_or_else(String::new, |alias| format!(" as {}", inline(alias)));
    format!("{}{alias} on {}", inline(&link.relation), inline(&link.join))
}

fn list(title: &str, items: impl Iterator<Item = String>, out: &mut String) {
    for (at, item) in items.enumerate() {
        if at == 0 {
            let _ = write!(out, "\n{title}:\n\n");
        }
        let _ = writeln!(out, "- {item}");
    }
}

/// The policy's or the notes' author's words.
fn paragraph(text: Option<&str>, out: &mut String) {
    if let Some(text) = text {
        let _ = write!(out, "\n{}\n", text.trim());
    }
}

/// A comment of the database: somebody's words, marked as such, so that no line of it reads as one of the page's.
fn quote(text: Option<&str>, out: &mut String) {
    // To Markdown a carriage return ends a line, too.
    let text = text.unwrap_or_default().trim().replace("\r\n", "\n").replace('\r', "\n");
    for (at, line) in invisible::shown(&text).lines().enumerate() {
        let _ = writeln!(out, "{}> {}", if at == 0 { "\n" } else { "" }, line.trim_end());
    }
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A code span, whatever backticks are inside.
pub(super) fn inline(text: &str) -> String {
    let text = invisible::shown_line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

pub(super) fn cell(text: &str) -> String {
    invisible::shown_line(text).replace('\\', "\\\\").replace('|', "\\|")
}

/// As many whole lines as fit, and a last one that says so where some do not.
pub(super) fn within(mut page: String, characters: usize) -> String {
    const LAST: &str = "\n(Cut here: the page is longer than an answer may be. Read a smaller resource.)\n";
    if page.chars().count() <= characters {
        return page;
    }
    let room = characters.saturating_sub(LAST.len());
    let end = page.char_indices().nth(room).map_or(page.len(), |(end, _)| end);
    let line = page.get(..end).and_then(|kept| kept.rfind('\n')).map_or(0, |at| at + 1);
    page.truncate(line);
    page.push_str(LAST);
    page
}
