//! Documents as one caller sees them.
//!
//! INVARIANT: a source of which a relation or a column is hidden from the caller does not exist for them, and what a mask
//! covers is never looked into.

use std::fmt;

use super::answer::TITLE_CHARS;
use super::documents::{Documents, Matching};
use super::id::{self, Parsed};
use super::rows::{Reading, Row};
use super::statement::{Open, vector};
use super::{Hit, Text};
use crate::catalog::{Catalog, Relation, RelationKind};
use crate::gateway::Served;
use crate::gateway::visible::Visible;
use crate::pg::{Diagnostic, Source, SqlState, quote_ident};

/// Characters of one value of a key: more do not fit into an id.
const KEY_CHARS: usize = 200;

/// What of a source does not fit the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DocumentFault {
    /// A relation or a column that is not there: the source is none.
    Missing { documents: String, what: String },
    /// It is searched row by row.
    NoIndex { documents: String, statement: String },
}

impl DocumentFault {
    /// Nobody finds anything in it.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { documents, what } => write!(f, "documents `{documents}`: {what} does not exist"),
            Self::NoIndex { documents, .. } => {
                write!(f, "documents `{documents}` have no index for their search")
            }
        }
    }
}

/// What matches `question`, the best first; nothing where the source is none for the caller.
pub(super) async fn search(
    reading: &Reading<'_>,
    documents: &Documents,
    question: &str,
    most: usize,
) -> Result<Vec<Hit>, Diagnostic> {
    let Some(open) = open(documents, &reading.schema.visible()) else { return Ok(Vec::new()) };
    let rows = u64::try_from(most).unwrap_or(u64::MAX);
    let Some(statement) = open.search(rows) else { return Ok(Vec::new()) };
    let field_chars = TITLE_CHARS.max(KEY_CHARS);
    let found = reading.rows(&statement, &open.asked(question), (rows, field_chars)).await?;
    let hit = |row: Row| {
        let (key, rest) = split(row, documents)?;
        let title = rest.into_iter().next()?;
        let id = id::of_row(reading.served.name(), &documents.name, &key)?;
        let names = vec![title.clone()];
        Some(Hit { id, title, own_url: documents.own_url(&key), names })
    };
    Ok(found.into_iter().filter_map(hit).collect())
}

/// One row, as the caller sees it.
pub(super) async fn fetch(reading: &Reading<'_>, parsed: &Parsed<'_>) -> Result<Option<Text>, Diagnostic> {
    let Some((source, key)) = id::row(parsed.rest) else { return Ok(None) };
    let named = reading.served.documents.iter().find(|documents| documents.name == source);
    let Some(documents) = named.filter(|documents| documents.id.len() == key.len()) else { return Ok(None) };
    let Some(open) = open(documents, &reading.schema.visible()) else { return Ok(None) };
    // PostgreSQL's text has none.
    if key.iter().any(|value| value.contains('\0')) {
        return Ok(None);
    }
    let params: Vec<Option<String>> = key.iter().cloned().map(Some).collect();
    let characters = reading.schema.limits.characters;
    let row = match reading.rows(&open.fetch(), &params, (1, characters)).await {
        Ok(rows) => rows.into_iter().next(),
        Err(reason) if is_of_id(&reason) => None,
        Err(reason) => return Err(unread(reason)),
    };
    // `042` is no id of the row 42.
    let found = row.and_then(|row| split(row, documents)).filter(|(found, _)| *found == key);
    Ok(found.map(|(key, rest)| {
        let mut rest = rest.into_iter();
        let title = rest.next().unwrap_or_default();
        let texts: Vec<String> = rest.filter(|text| !text.is_empty()).collect();
        let own_url = documents.own_url(&key);
        Text { title, text: texts.join("\n\n"), own_url, source: Some(documents.name.clone()) }
    }))
}

/// The key and the other columns; a row without a whole key has no id.
fn split(row: Row, documents: &Documents) -> Option<(Vec<String>, Vec<String>)> {
    let mut fields = row.into_iter();
    let key: Vec<String> = fields.by_ref().take(documents.id.len()).collect::<Option<_>>()?;
    Some((key, fields.map(Option::unwrap_or_default).collect()))
}

/// The policy does not take the statement, or the value is none of the column's type: there is no such row.
fn is_of_id(reason: &Diagnostic) -> bool {
    match reason.source {
        Source::Pgwarden => matches!(reason.sqlstate.class(), "42" | "0A"),
        Source::Postgresql => reason.sqlstate.class() == "22",
        Source::Connection => false,
    }
}

/// PostgreSQL's own words could be about values of rows.
fn unread(reason: Diagnostic) -> Diagnostic {
    if reason.source != Source::Postgresql || reason.sqlstate == SqlState::QUERY_CANCELED {
        return reason;
    }
    let message = "the document cannot be read now";
    let refusal = Diagnostic::refused(reason.sqlstate, message).rule("found.unread");
    Diagnostic { retryable: reason.retryable, ..refusal.hint("fetch it again in a moment, or search anew") }
}

/// `None`: something of it is hidden.
fn open<'d>(documents: &'d Documents, visible: &Visible<'_>) -> Option<Open<'d>> {
    let relation = visible.relation(&documents.relation)?;
    let column = |name: &str| visible.columns(relation).find(|column| column.name == name);
    let is_bare = |name: &str| column(name).is_some_and(|column| visible.mask(relation, column).is_none());
    let shown = documents.text.iter().chain([&documents.title]).all(|name| column(name).is_some());
    if !shown || !documents.id.iter().all(|name| is_bare(name)) {
        return None;
    }
    let all = searched(documents);
    let bare: Vec<&str> = all.iter().copied().filter(|name| is_bare(name)).collect();
    // A vector has the words of all of them.
    let whole = bare.len() == all.len();
    let has_vector = match &documents.matching {
        Matching::Fulltext { vector: Some(name), .. } => whole && is_bare(name),
        Matching::Fulltext { vector: None, .. } | Matching::Trigram => false,
    };
    Some(Open { documents, searched: bare, has_vector, weighs_title: is_bare(&documents.title) })
}

/// The title and the text, each column once.
fn searched(documents: &Documents) -> Vec<&str> {
    let texts = documents.text.iter().filter(|text| **text != documents.title);
    [&documents.title].into_iter().chain(texts).map(String::as_str).collect()
}

impl Served {
    /// With relations whose rows are documents.
    pub fn with_documents(self, documents: Vec<Documents>) -> Self {
        Self { documents: documents.into(), ..self }
    }

    /// What of the documents does not fit the database.
    pub fn document_faults(&self, catalog: &Catalog) -> Vec<DocumentFault> {
        self.documents.iter().filter_map(|documents| fault(documents, catalog)).collect()
    }
}

fn fault(documents: &Documents, catalog: &Catalog) -> Option<DocumentFault> {
    let missing = |what: String| DocumentFault::Missing { documents: documents.name.clone(), what };
    let Some(relation) = catalog.relation(&documents.relation) else {
        return Some(missing(format!("relation `{}`", documents.relation)));
    };
    let vector = match &documents.matching {
        Matching::Fulltext { vector, .. } => vector.as_ref(),
        Matching::Trigram => None,
    };
    let columns = documents.id.iter().chain([&documents.title]).chain(&documents.text).chain(vector);
    let has = |name: &&String| relation.columns.iter().any(|column| column.name == **name);
    if let Some(name) = columns.into_iter().find(|name| !has(name)) {
        return Some(missing(format!("column `{}.{}`", documents.relation, quote_ident(name))));
    }
    no_index(documents, relation)
}

/// The index that the search would use, where it is not there.
fn no_index(documents: &Documents, relation: &Relation) -> Option<DocumentFault> {
    let kinds = [RelationKind::Table, RelationKind::PartitionedTable, RelationKind::MaterializedView];
    if !kinds.contains(&relation.kind) {
        return None;
    }
    let parts: Vec<String> = match &documents.matching {
        Matching::Fulltext { vector: Some(column), .. } => vec![quote_ident(column)],
        Matching::Fulltext { language, vector: None } => {
            vector(language, &searched(documents)).into_iter().collect()
        }
        Matching::Trigram => searched(documents)
            .iter()
            .map(|column| format!("({}::text) gin_trgm_ops", quote_ident(column)))
            .collect(),
    };
    let of_likeness = documents.matching == Matching::Trigram;
    let is_there = |part: &String| {
        relation.indexes.iter().filter(|index| index.valid).any(|index| {
            let (_, made_of) = index.definition.split_once(" USING ").unwrap_or_default();
            let of_words = made_of.starts_with("gin ") || made_of.starts_with("gist ");
            let part = part.replace("gin_trgm_ops", "");
            of_words && made_of.contains("trgm_ops") == of_likeness && bare(made_of).contains(&bare(&part))
        })
    };
    if parts.iter().all(is_there) {
        return None;
    }
    let statement = format!("CREATE INDEX ON {} USING gin ({})", documents.relation, parts.join(", "));
    Some(DocumentFault::NoIndex { documents: documents.name.clone(), statement })
}

/// An expression without what PostgreSQL writes in another way than people do.
fn bare(expression: &str) -> String {
    let mut text = expression.to_lowercase();
    for cast in ["::text", "::regconfig", "::character varying", "pg_catalog."] {
        text = text.replace(cast, "");
    }
    text.retain(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '"' | '\''));
    text
}
