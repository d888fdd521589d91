//! What the list of resources says of each, without its text.

use crate::catalog::Relation;
use crate::gateway::invisible::shown_line;
use crate::gateway::resource_uri::{Address, Target};
use crate::gateway::visible::Visible;
use crate::gateway::{SavedQuery, SchemaResource};
use crate::pg::{Diagnostic, QualifiedName};

pub(super) const MARKDOWN: &str = "text/markdown";
pub(super) const JSON: &str = "application/json";

fn entry(database: &str, target: Target, name: &str, description: String, priority: u8) -> SchemaResource {
    SchemaResource {
        uri: Address::new(database, target).to_string(),
        name: shown_line(name),
        description,
        mime_type: MARKDOWN,
        priority,
        text: String::new(),
    }
}

pub(super) fn database(database: &str, visible: &Visible<'_>) -> SchemaResource {
    let comment = visible.catalog().contents().comment.as_deref();
    let description = comment.map_or_else(|| "schemas and relations of the database".to_owned(), excerpt);
    entry(database, Target::Database, database, description, 100)
}

pub(super) fn schema(
    database: &str,
    visible: &Visible<'_>,
    schema: &str,
    relations: &[&Relation],
) -> SchemaResource {
    let comment = visible.catalog().schema(schema).and_then(|schema| schema.comment.as_deref());
    let description = comment.map_or_else(|| format!("schema with {} relations", relations.len()), excerpt);
    entry(database, Target::Schema(schema.to_owned()), schema, description, 70)
}

pub(super) fn relation(database: &str, relation: &Relation) -> SchemaResource {
    let comment = relation.comment.as_deref();
    let description = comment.map_or_else(|| relation.kind.words().to_owned(), excerpt);
    entry(database, Target::Relation(relation.name.clone()), &relation.name.to_string(), description, 50)
}

pub(super) fn policy(database: &str) -> SchemaResource {
    let description = "what you may read, which columns are masked, and the limits of a call".to_owned();
    entry(database, Target::Policy, &format!("policy of {database}"), description, 80)
}

pub(super) fn routines(database: &str) -> SchemaResource {
    let description = "functions of the database that a statement may call".to_owned();
    entry(database, Target::Routines, &format!("functions of {database}"), description, 40)
}

pub(super) fn routine(database: &str, name: &QualifiedName) -> SchemaResource {
    entry(database, Target::Routine(name.clone()), &name.to_string(), "function".to_owned(), 30)
}

pub(super) fn queries(database: &str) -> SchemaResource {
    let description = "queries that the DBA has saved".to_owned();
    entry(database, Target::Queries, &format!("saved queries of {database}"), description, 90)
}

pub(super) fn query(database: &str, query: &SavedQuery) -> SchemaResource {
    entry(database, Target::Query(query.name.clone()), &query.name, excerpt(&query.description), 60)
}

pub(super) fn not_ready(database: &str, reason: &Diagnostic) -> SchemaResource {
    entry(database, Target::Database, database, format!("not ready: {}", reason.message), 100)
}

/// The beginning of a comment, on one line.
fn excerpt(comment: &str) -> String {
    const CHARS: usize = 300;
    let line = shown_line(comment.trim());
    match line.char_indices().nth(CHARS).and_then(|(end, _)| line.get(..end)) {
        Some(start) => format!("{start}…"),
        None => line,
    }
}
