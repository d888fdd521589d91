//! The tools `search` and `fetch`: one question over the schema, the notes, the saved queries and the documents that the DBA
//! names, and the text of one result.
//!
//! INVARIANT: both look as the caller of the moment, whatever was found before and by whom; hidden and missing answer alike.

mod answer;
mod documents;
mod id;
mod objects;
mod order;
mod rows;
mod sources;
mod statement;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tracing::warn;

pub use documents::{Documents, Matching};
pub use sources::DocumentFault;

use super::invisible::{shown, shown_json, shown_line};
use super::resource_uri::{Address, Form, Target};
use super::served::Schema;
use super::suspended::is_refusal;
use super::{Gateway, SchemaResource, Served};
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::ToolGroup;
use id::Kind;
use rows::Reading;

/// Characters of a question.
const QUESTION_CHARS: usize = 1_000;
/// Results of an answer.
const MOST: usize = 15;
/// Of a search over all sources of a database; one source has a part of it.
const SEARCH: Duration = Duration::from_secs(20);
const ONE_SOURCE: Duration = Duration::from_secs(5);

/// The answer of `search`.
#[derive(Serialize, Debug)]
pub struct FoundResults {
    pub results: Vec<FoundResult>,
}

/// One thing that was found.
#[derive(Serialize, PartialEq, Eq, Debug)]
pub struct FoundResult {
    pub id: String,
    pub title: String,
    pub url: String,
}

/// The answer of `fetch`.
#[derive(Serialize, PartialEq, Debug)]
pub struct FoundDocument {
    pub id: String,
    pub title: String,
    pub text: String,
    pub url: String,
    /// `database`, `kind`; of a row `source`; `truncated` where the text was cut.
    pub metadata: Map<String, Value>,
}

/// A result until its URL is known.
#[derive(Debug)]
struct Hit {
    id: String,
    title: String,
    /// The DBA's own page of it.
    own_url: Option<String>,
    /// What one has to ask for to mean it and nothing else.
    names: Vec<String>,
}

/// Title, text, and the DBA's own page.
struct Text {
    title: String,
    text: String,
    own_url: Option<String>,
    source: Option<String>,
}

impl Gateway {
    /// With the tools `search` and `fetch`.
    pub fn with_search_and_fetch(self, on: bool) -> Self {
        Self { search_and_fetch: on, ..self }.composed()
    }

    pub fn has_search_and_fetch(&self) -> bool {
        self.search_and_fetch
    }

    /// The resource at `uri` is a result. Rows may be in it: another caller sees others, and so does this one a moment later.
    pub fn is_result(uri: &str) -> bool {
        Address::parse(uri).is_some_and(|address| matches!(address.target, Target::Found(_)))
    }

    /// What `question` is about, the best first. `origin` is where people read results, if they can.
    pub async fn search(
        &self,
        caller: &Caller,
        question: &str,
        origin: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<FoundResults, Diagnostic> {
        self.may_call(caller)?;
        let question = plain(question)?;
        let looks = self.served.iter().map(|served| self.search_one(caller, served, &question, cancel));
        let (mut lists, mut refusal, mut characters) = (Vec::new(), None, self.limits.characters);
        for look in join_all(looks).await {
            match look {
                Ok((found, most)) => {
                    lists.extend(found);
                    characters = characters.min(most);
                }
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        match refusal {
            Some(refusal) if lists.is_empty() => Err(refusal),
            _ => Ok(answer::within(order::merged(lists, &question, MOST), origin, characters)),
        }
    }

    /// What `id` names; `None` for what is not there for the caller.
    pub async fn fetch(
        &self,
        caller: &Caller,
        id: &str,
        origin: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Option<FoundDocument>, Diagnostic> {
        self.may_call(caller)?;
        let Some(parsed) = id::parse(id).filter(|_| self.search_and_fetch) else { return Ok(None) };
        let Some(served) = self.served.iter().find(|served| served.name() == parsed.database) else {
            return Ok(None);
        };
        if let Err(refusal) = served.policies.of(caller) {
            return if is_refusal(&refusal) { Err(refusal) } else { Ok(None) };
        }
        if !self.has_group(caller, served, ToolGroup::Search) {
            return Ok(None);
        }
        let schema = served.schema(caller, &self.limits, cancel).await?;
        let text = match parsed.kind {
            Kind::Row => {
                let reading = self.reading(caller, served, &schema, (cancel, "fetch"));
                sources::fetch(&reading, &parsed).await?
            }
            Kind::Table | Kind::Function | Kind::Note | Kind::Query
                if self.has_group(caller, served, ToolGroup::Schema) =>
            {
                let text = objects::fetch(self, caller, (served, &schema), (id, &parsed)).await?;
                text.map(|(title, text)| Text { title, text, own_url: None, source: None })
            }
            Kind::Table | Kind::Function | Kind::Note | Kind::Query => None,
        };
        Ok(text.map(|text| answer::document((id, &parsed), text, origin, schema.limits.characters)))
    }

    /// The same as a resource of that database.
    pub(super) async fn read_found(
        &self,
        caller: &Caller,
        uri: &str,
        (database, id): (&str, &str),
        form: Form,
    ) -> Result<Option<SchemaResource>, Diagnostic> {
        if id::parse(id).is_none_or(|parsed| parsed.database != database) {
            return Ok(None);
        }
        let found = self.fetch(caller, id, None, &CancellationToken::new()).await?;
        Ok(found.map(|found| {
            let (mime_type, text) = match form {
                Form::Markdown => ("text/markdown", shown(&found.text).into_owned()),
                Form::Json => ("application/json", shown_json(&json!(found).to_string()).into_owned()),
            };
            let (uri, name) = (uri.to_owned(), shown_line(&found.title));
            SchemaResource { uri, name, description: String::new(), mime_type, priority: 0, text }
        }))
    }

    /// One list a source, and how long an answer may be.
    async fn search_one(
        &self,
        caller: &Caller,
        served: &Served,
        question: &str,
        cancel: &CancellationToken,
    ) -> Result<(Vec<Vec<Hit>>, usize), Diagnostic> {
        self.has_tools(caller, Some(served.name()), ToolGroup::Search)?;
        let begun = Instant::now();
        let schema = served.schema(caller, &self.limits, cancel).await?;
        let (mut lists, mut bounded) = (Vec::new(), None);
        // One after the other: a caller may have few statements at once.
        for documents in served.documents.iter() {
            let left = SEARCH.min(schema.limits.deadline).saturating_sub(begun.elapsed());
            let reading = self.reading(caller, served, &schema, (cancel, "search"));
            let reading = Reading { deadline: left.min(ONE_SOURCE), ..reading };
            match sources::search(&reading, documents, question, MOST).await {
                Ok(found) => lists.push(found),
                Err(reason) => {
                    warn!(
                        database = served.name(),
                        documents = documents.name,
                        sqlstate = reason.sqlstate.as_str(),
                        rule = reason.rule,
                        "documents `{}` were not searched",
                        documents.name
                    );
                    bounded = bounded.or(Some(reason).filter(is_bound));
                }
            }
        }
        if self.has_group(caller, served, ToolGroup::Schema) {
            lists.push(objects::search(self, caller, (served, &schema), question, MOST).await);
        }
        // Not having looked is another answer than having found nothing.
        match bounded {
            Some(reason) if lists.iter().all(Vec::is_empty) => return Err(reason),
            _ => {}
        }
        Ok((lists, schema.limits.characters))
    }

    fn reading<'g>(
        &'g self,
        caller: &'g Caller,
        served: &'g Served,
        schema: &'g Schema<'g>,
        (cancel, kind): (&'g CancellationToken, &'static str),
    ) -> Reading<'g> {
        Reading { gateway: self, caller, served, schema, cancel, kind, deadline: schema.limits.deadline }
    }

    fn has_group(&self, caller: &Caller, served: &Served, group: ToolGroup) -> bool {
        self.has_tools(caller, Some(served.name()), group).is_ok()
    }
}

/// The database that an id of a result names.
pub fn found_in(id: &str) -> Option<String> {
    id::parse(id).map(|parsed| parsed.database)
}

/// A question without what PostgreSQL's text cannot hold.
fn plain(question: &str) -> Result<String, Diagnostic> {
    let refused = |sqlstate, message: String, hint: &str| {
        Err(Diagnostic::refused(sqlstate, message).rule("found.question").hint(hint))
    };
    if question.chars().nth(QUESTION_CHARS).is_some() {
        let message = format!("`query` has more than {QUESTION_CHARS} characters");
        return refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message, "ask in fewer words");
    }
    let plain: String = question.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if plain.trim().is_empty() {
        let message = "`query` is empty".to_owned();
        return refused(SqlState::INVALID_PARAMETER_VALUE, message, "say in a few words what to find");
    }
    Ok(plain.trim().to_owned())
}

/// A bound on what the caller may ask at once or in a minute, not a fault of the source.
fn is_bound(reason: &Diagnostic) -> bool {
    reason.rule.as_deref().is_some_and(|rule| rule.starts_with("limits."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_lose_what_text_cannot_hold_and_are_bounded() {
        assert_eq!(plain(" a\u{0}b\n").unwrap(), "a b");
        assert_eq!(plain("\u{0}").unwrap_err().rule.as_deref(), Some("found.question"));
        assert_eq!(plain(&"x".repeat(10_000)).unwrap_err().sqlstate.as_str(), "54000");
    }
}
