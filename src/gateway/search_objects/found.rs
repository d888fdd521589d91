//! A hit in the answer.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Hit, RelationHit, overview, shortened};
use crate::catalog::Routine;
use crate::gateway::describe::Shape;
use crate::gateway::visible::{Meaning, Visible};
use crate::gateway::{SavedQuery, SearchDetail};

/// Column names of one relation.
const COLUMNS: usize = 40;
/// Foreign keys of one relation.
const REFERENCES: usize = 8;

/// A relation. Empty lists and unknown values are left out.
#[derive(Serialize)]
struct Found<'c> {
    /// As SQL takes it.
    relation: String,
    kind: &'static str,
    /// The DBA's note, or else the COMMENT.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    row_estimate: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<usize>,
    /// Those that matched; without words all.
    columns: Vec<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_columns: Option<usize>,
    /// `column>relation`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<String>,
    /// Names, in the same schema, that go on from this one's: `orders_history`. Not hits of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    similar: Vec<&'c str>,
}

pub(super) fn found<'c>(visible: &Visible<'c>, hit: &Hit<'c>, detail: Option<SearchDetail>) -> Value {
    let names = detail == Some(SearchDetail::Names);
    match hit {
        Hit::Relation(hit) if names => json!({"relation": hit.relation.name.to_string()}),
        Hit::Relation(hit) if detail.is_some() => {
            serde_json::to_value(Shape::new(visible, hit.relation)).unwrap_or_default()
        }
        Hit::Relation(hit) => serde_json::to_value(relation(visible, hit)).unwrap_or_default(),
        Hit::Term(meaning) if names => json!({"term": meaning.term}),
        Hit::Term(meaning) => term(meaning),
        Hit::Saved(query) if names => json!({"saved_query": query.name}),
        Hit::Saved(query) => saved(query),
        Hit::Routine(routine) if names => json!({"function": signature(routine)}),
        Hit::Routine(routine) => function(visible, routine),
    }
}

fn relation<'c>(visible: &Visible<'c>, hit: &RelationHit<'c>) -> Found<'c> {
    let relation = hit.relation;
    let partitions = visible.partitions(relation);
    let comment = visible.said_of(relation).note.or(relation.comment.as_deref());
    Found {
        relation: relation.name.to_string(),
        kind: relation.kind.words(),
        comment: comment.map(shortened),
        row_estimate: visible.row_estimate(relation),
        partitions: (partitions > 0).then_some(partitions),
        columns: hit.columns.iter().take(COLUMNS).copied().collect(),
        more_columns: hit.columns.len().checked_sub(COLUMNS).filter(|more| *more > 0),
        references: overview::references(visible, relation).take(REFERENCES).collect(),
        similar: hit.similar.iter().take(COLUMNS).copied().collect(),
    }
}

fn term(meaning: &Meaning<'_>) -> Value {
    let relations: Vec<String> = meaning.relations.iter().map(|relation| relation.name.to_string()).collect();
    json!({"term": meaning.term, "note": meaning.said.note, "relations": relations})
}

fn saved(query: &SavedQuery) -> Value {
    let parameters: Vec<&str> = query.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    json!({"saved_query": query.name, "description": shortened(&query.description), "parameters": parameters})
}

fn function(visible: &Visible<'_>, routine: &Routine) -> Value {
    let mut found = json!({"function": signature(routine)});
    if let Some(found) = found.as_object_mut() {
        let set = if routine.returns_set { "SETOF " } else { "" };
        if let Some(result) = visible.result(routine) {
            found.insert("returns".to_owned(), json!(format!("{set}{result}")));
        }
        if !routine.out_columns.is_empty() {
            found.insert("columns".to_owned(), json!(routine.out_columns));
        }
    }
    found
}

/// As SQL calls it.
pub(super) fn signature(routine: &Routine) -> String {
    format!("{}({})", routine.name, routine.arguments)
}
