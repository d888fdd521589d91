//! The tool `search_objects`: which relations hold what the words are about. With no words, the overview of all.

mod index;
mod overview;
mod rank;
mod words;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::invisible::json_chars;
use super::served::Schema;
use super::visible::Visible;
use super::{Gateway, SearchOutput, SearchRequest};
use crate::auth::Caller;
use crate::catalog::Relation;
use crate::pg::{Diagnostic, SqlState};
use overview::overview;
use rank::{Hit, rank};

/// Hits without `limit`.
const HITS: u64 = 20;
const MOST: u64 = 500;
/// A smaller answer would say nothing.
const LEAST_TOKENS: u64 = 200;
/// Characters of a comment; the whole of it is in `describe`.
const COMMENT_CHARS: usize = 200;
/// Column names of one relation.
const COLUMNS: usize = 40;
/// Characters of a token at the least: names and punctuation are cut finer than prose.
const TOKEN_CHARS: u64 = 3;
/// Characters that the object around the hits takes.
const ENVELOPE_CHARS: usize = 200;

/// One relation in the answer.
#[derive(Serialize)]
struct Found<'c> {
    /// As SQL takes it.
    relation: String,
    schema: &'c str,
    name: &'c str,
    kind: &'static str,
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
    /// Names, in the same schema, that go on from this one's: `orders_history`. Not hits of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    similar: Vec<&'c str>,
}

impl Gateway {
    /// Relations whose names, columns, comments or enum labels have the words of `request.query`, best first. Without words
    /// all of them: in an overview, or with `request.limit` one by one.
    pub async fn search_objects(
        &self,
        caller: &Caller,
        request: SearchRequest,
        cancel: &CancellationToken,
    ) -> Result<SearchOutput, Diagnostic> {
        let served = self.served(request.database.as_deref())?;
        let Schema { pinned, catalog, limits } = served.schema(caller, &self.limits, cancel).await?;
        let visible = Visible::new(&catalog, pinned.policy());
        search(&visible, &request, limits.characters)
    }
}

fn search(
    visible: &Visible<'_>,
    request: &SearchRequest,
    characters: usize,
) -> Result<SearchOutput, Diagnostic> {
    let relations = in_schema(visible, request.schema.as_deref())?;
    let allowed =
        request.tokens.map_or(u64::MAX, |tokens| tokens.max(LEAST_TOKENS).saturating_mul(TOKEN_CHARS));
    let characters = characters.min(usize::try_from(allowed).unwrap_or(usize::MAX));
    let hits = match (request.query.trim(), request.limit) {
        ("", None) => return Ok(SearchOutput(overview(visible, &relations, characters))),
        ("", Some(_)) => all(visible, relations),
        (question, _) => rank(visible, &relations, question),
    };
    let limit = request.limit.unwrap_or(HITS).clamp(1, MOST);

    let mut left = characters.saturating_sub(ENVELOPE_CHARS);
    let mut objects = Vec::new();
    for hit in hits.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let object = serde_json::to_value(found(visible, hit)).unwrap_or_default();
        let Some(rest) = left.checked_sub(json_chars(&object) + 1) else { break };
        left = rest;
        objects.push(object);
    }
    let truncated = objects.len() < hits.len();
    Ok(SearchOutput(serde_json::json!({ "objects": objects, "total": hits.len(), "truncated": truncated })))
}

fn in_schema<'c>(visible: &Visible<'c>, schema: Option<&str>) -> Result<Vec<&'c Relation>, Diagnostic> {
    let Some(schema) = schema else { return Ok(visible.folded().collect()) };
    let relations: Vec<_> = visible.folded().filter(|relation| relation.name.schema == schema).collect();
    if relations.is_empty() {
        let known: std::collections::BTreeSet<&str> =
            visible.folded().map(|relation| relation.name.schema.as_str()).collect();
        let known = known.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let refusal =
            Diagnostic::refused(SqlState::UNDEFINED_SCHEMA, format!("schema `{schema}` does not exist"));
        return Err(refusal.hint(format!("there is {known}")));
    }
    Ok(relations)
}

fn all<'c>(visible: &Visible<'c>, relations: Vec<&'c Relation>) -> Vec<Hit<'c>> {
    let columns = |relation| visible.columns(relation).map(|column| column.name.as_str()).collect();
    relations
        .into_iter()
        .map(|relation| Hit { relation, columns: columns(relation), similar: Vec::new() })
        .collect()
}

fn found<'c>(visible: &Visible<'c>, hit: &Hit<'c>) -> Found<'c> {
    let relation = hit.relation;
    let partitions = visible.partitions(relation);
    Found {
        relation: relation.name.to_string(),
        schema: &relation.name.schema,
        name: &relation.name.name,
        kind: relation.kind.words(),
        comment: relation.comment.as_deref().map(shortened),
        row_estimate: visible.row_estimate(relation),
        partitions: (partitions > 0).then_some(partitions),
        columns: hit.columns.iter().take(COLUMNS).copied().collect(),
        more_columns: hit.columns.len().checked_sub(COLUMNS).filter(|more| *more > 0),
        similar: hit.similar.iter().take(COLUMNS).copied().collect(),
    }
}

fn shortened(comment: &str) -> String {
    match comment.char_indices().nth(COMMENT_CHARS).and_then(|(end, _)| comment.get(..end)) {
        Some(start) => format!("{start}…"),
        None => comment.to_owned(),
    }
}

#[cfg(test)]
mod tests;
