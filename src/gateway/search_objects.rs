//! The tool `search_objects`: what the database has of what the words are about. With no words, the overview of all.

mod found;
mod index;
mod lookalikes;
mod named;
mod overview;
mod pattern;
mod rank;
mod words;

use std::collections::BTreeSet;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::invisible::json_chars;
use super::looks::Look;
use super::visible::{Meaning, Visible};
use super::{Gateway, SavedQuery, SearchDetail, SearchOutput, SearchRequest, Served};
use crate::auth::Caller;
use crate::catalog::{Relation, Routine};
use crate::pg::{Diagnostic, SqlState};
use found::found;
use overview::overview;
use pattern::Pattern;
use rank::rank;
use words::asked;

/// Characters of a question.
const QUESTION_CHARS: usize = 1_000;
/// Hits without `limit`.
const HITS: u64 = 20;
const MOST: u64 = 500;
/// A smaller answer would say nothing.
const LEAST_TOKENS: u64 = 200;
/// Characters of a comment; the whole of it is in `describe`.
const COMMENT_CHARS: usize = 200;
/// Characters of a token at the least: names and punctuation are cut finer than prose.
const TOKEN_CHARS: u64 = 3;
/// Characters that the object around the hits takes.
const ENVELOPE_CHARS: usize = 200;

/// What an answer consists of.
pub(super) enum Hit<'c> {
    Term(Meaning<'c>),
    Saved(&'c SavedQuery),
    Relation(RelationHit<'c>),
    Routine(&'c Routine),
}

/// A relation with the columns that matched.
pub(super) struct RelationHit<'c> {
    pub(super) relation: &'c Relation,
    columns: Vec<&'c str>,
    /// Relations whose name goes on from this one's, and that say no more of the question.
    similar: Vec<&'c str>,
}

impl Gateway {
    /// The terms that `request.query` uses, saved queries that answer it, relations whose names, columns, comments, notes or
    /// enum labels have its words, best first, and functions. Without words all of them: in an overview, or with a limit, an
    /// offset or a detail one by one.
    pub async fn search_objects(
        &self,
        caller: &Caller,
        request: SearchRequest,
        cancel: &CancellationToken,
    ) -> Result<SearchOutput, Diagnostic> {
        let served = self.served(request.database.as_deref())?;
        let mut look = Look::begin(self, caller, served, "search_objects")?;
        let told = Box::pin(self.searched(caller, request, cancel, (served, &mut look))).await;
        look.end(told)
    }

    async fn searched(
        &self,
        caller: &Caller,
        request: SearchRequest,
        cancel: &CancellationToken,
        (served, look): (&Served, &mut Look<'_>),
    ) -> Result<SearchOutput, Diagnostic> {
        brief(&request.query)?;
        let schema = served.schema(caller, &self.limits, cancel).await?;
        let saved = served.saved_queries(caller, None, &self.limits).await;
        let saved: Vec<&SavedQuery> = saved.iter().map(|saved| &*saved.query).collect();
        look.under(schema.pinned.policy().version());
        let found = search(&schema.visible(), &saved, &request, schema.limits.characters)?;
        look.at_those_of(&found.0, "objects", "relation");
        Ok(found)
    }
}

/// Each word is held against every name, without a pause for others.
fn brief(question: &str) -> Result<(), Diagnostic> {
    if question.chars().nth(QUESTION_CHARS).is_none() {
        return Ok(());
    }
    let message = format!("`query` has more than {QUESTION_CHARS} characters");
    Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).hint("ask in fewer words"))
}

impl SearchRequest {
    fn covers(&self, schema: &str) -> bool {
        self.schema.as_deref().is_none_or(|wanted| wanted == schema)
    }
}

fn search(
    visible: &Visible<'_>,
    saved: &[&SavedQuery],
    request: &SearchRequest,
    characters: usize,
) -> Result<SearchOutput, Diagnostic> {
    let relations = in_schema(visible, request.schema.as_deref())?;
    let allowed =
        request.tokens.map_or(u64::MAX, |tokens| tokens.max(LEAST_TOKENS).saturating_mul(TOKEN_CHARS));
    let characters = characters.min(usize::try_from(allowed).unwrap_or(usize::MAX));
    let question = request.query.trim();
    if question.is_empty() && request.limit.is_none() && request.offset == 0 && request.detail.is_none() {
        let routines: Vec<_> =
            visible.routines().filter(|routine| request.covers(&routine.name.schema)).collect();
        return Ok(SearchOutput(overview(visible, &relations, &routines, characters)));
    }
    let hits = hits(visible, saved, request, relations);
    let limit = usize::try_from(request.limit.unwrap_or(HITS).clamp(1, MOST)).unwrap_or(usize::MAX);
    let offset = usize::try_from(request.offset).unwrap_or(usize::MAX);

    let mut left = characters.saturating_sub(ENVELOPE_CHARS);
    let mut objects = Vec::new();
    for hit in hits.iter().skip(offset).take(limit) {
        let mut object = found(visible, hit, request.detail);
        let mut length = json_chars(&object) + 1;
        // A page of nothing would be asked for again and again.
        if length > left && objects.is_empty() {
            object = found(visible, hit, Some(SearchDetail::Names));
            length = json_chars(&object) + 1;
        }
        let Some(rest) = left.checked_sub(length) else { break };
        left = rest;
        objects.push(object);
    }
    let next = offset.saturating_add(objects.len());
    let mut answer = json!({"objects": objects, "total": hits.len(), "truncated": next < hits.len()});
    if next < hits.len()
        && let Some(answer) = answer.as_object_mut()
    {
        answer.insert("next_offset".to_owned(), json!(next));
    }
    Ok(SearchOutput(answer))
}

/// What `question` is about, the best first.
pub(super) fn ranked<'c>(visible: &Visible<'c>, saved: &[&'c SavedQuery], question: &str) -> Vec<Hit<'c>> {
    let request = SearchRequest { query: question.to_owned(), ..SearchRequest::default() };
    hits(visible, saved, &request, visible.folded().collect())
}

/// All of them, in the order in which they are read.
fn hits<'c>(
    visible: &Visible<'c>,
    saved: &[&'c SavedQuery],
    request: &SearchRequest,
    relations: Vec<&'c Relation>,
) -> Vec<Hit<'c>> {
    let question = request.query.trim();
    let terms = visible.meanings().filter(|term| {
        request.schema.is_none()
            || term.relations.iter().any(|relation| request.covers(&relation.name.schema))
    });
    let routines = visible.routines().filter(|routine| request.covers(&routine.name.schema));
    // They belong to no schema.
    let saved = saved.iter().copied().filter(|_| request.schema.is_none());
    let mut hits: Vec<Hit<'c>> = Vec::new();
    match Pattern::read(question) {
        Some(pattern) => {
            hits.extend(saved.filter(|query| pattern.has_name(&query.name)).map(Hit::Saved));
            hits.extend(relations.into_iter().filter_map(|one| pattern.hit(visible, one)).map(Hit::Relation));
            hits.extend(routines.filter(|routine| pattern.has_routine(routine)).map(Hit::Routine));
        }
        None if question.is_empty() => {
            hits.extend(terms.map(Hit::Term));
            hits.extend(saved.map(Hit::Saved));
            hits.extend(all(visible, relations).into_iter().map(Hit::Relation));
            hits.extend(routines.map(Hit::Routine));
        }
        None => {
            let asked = asked(question);
            let (answers, others) = named::saved(saved, &asked);
            hits.extend(named::terms(terms, &asked).map(Hit::Term));
            hits.extend(answers.into_iter().map(Hit::Saved));
            hits.extend(rank(visible, &relations, question).into_iter().map(Hit::Relation));
            hits.extend(others.into_iter().map(Hit::Saved));
            hits.extend(named::routines(routines, &asked).map(Hit::Routine));
        }
    }
    hits
}

/// Relations of that schema, or of all. A schema with neither relations nor functions does not exist for the caller.
fn in_schema<'c>(visible: &Visible<'c>, schema: Option<&str>) -> Result<Vec<&'c Relation>, Diagnostic> {
    let Some(schema) = schema else { return Ok(visible.folded().collect()) };
    let of_relations = visible.folded().map(|relation| relation.name.schema.as_str());
    let known: BTreeSet<&str> =
        of_relations.chain(visible.routines().map(|routine| routine.name.schema.as_str())).collect();
    if !known.contains(schema) {
        let known = known.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let refusal =
            Diagnostic::refused(SqlState::UNDEFINED_SCHEMA, format!("schema `{schema}` does not exist"));
        return Err(refusal.hint(format!("there is {known}")));
    }
    Ok(visible.folded().filter(|relation| relation.name.schema == schema).collect())
}

fn all<'c>(visible: &Visible<'c>, relations: Vec<&'c Relation>) -> Vec<RelationHit<'c>> {
    let columns = |relation| visible.columns(relation).map(|column| column.name.as_str()).collect();
    relations
        .into_iter()
        .map(|relation| RelationHit { relation, columns: columns(relation), similar: Vec::new() })
        .collect()
}

fn shortened(comment: &str) -> String {
    match comment.char_indices().nth(COMMENT_CHARS).and_then(|(end, _)| comment.get(..end)) {
        Some(start) => format!("{start}…"),
        None => comment.to_owned(),
    }
}

#[cfg(test)]
mod tests;
