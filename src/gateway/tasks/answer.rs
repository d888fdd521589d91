//! What came of a question, as a task keeps it: the first page or why there is none, and what is needed for the others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::question::digest_of;
use super::{Question, bug};
use crate::auth::Caller;
use crate::gateway::query::Cut;
use crate::gateway::{CallLimits, Format, QueryOutput};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ProjectedColumn;

/// A task's answer.
pub(in crate::gateway) type Answer = Result<Answered, Diagnostic>;

#[derive(Clone, Debug)]
pub(in crate::gateway) enum Answered {
    Rows(QueryOutput),
    /// Of another tool.
    Result(Value),
}

#[derive(Serialize, Deserialize)]
struct Written {
    output: Option<QueryOutput>,
    /// Of `output`, which leaves it out of its JSON.
    text: Option<String>,
    refusal: Option<Diagnostic>,
    result: Option<Value>,
    /// The policy that decided what is in `output`.
    policy: Option<String>,
}

pub(in crate::gateway) fn write(answer: &Answer, policy: Option<&str>) -> Result<String, Diagnostic> {
    let nothing =
        Written { output: None, text: None, refusal: None, result: None, policy: policy.map(str::to_owned) };
    let written = match answer {
        Ok(Answered::Rows(output)) => {
            Written { output: Some(output.clone()), text: output.text.clone(), ..nothing }
        }
        Ok(Answered::Result(result)) => Written { result: Some(result.clone()), ..nothing },
        Err(refusal) => Written { refusal: Some(refusal.clone()), ..nothing },
    };
    serde_json::to_string(&written).map_err(|_| bug("an answer could not be written"))
}

/// With the policy that it was made under.
pub(in crate::gateway) fn read(text: &str) -> Result<(Answer, Option<String>), Diagnostic> {
    let mut written: Written = serde_json::from_str(text).map_err(|_| unreadable())?;
    let policy = written.policy.take();
    answer_of(written).map(|answer| (answer, policy))
}

fn answer_of(written: Written) -> Result<Answer, Diagnostic> {
    match written {
        Written { output: Some(output), text, refusal: None, result: None, .. } => {
            Ok(Ok(Answered::Rows(QueryOutput { text, ..output })))
        }
        Written { output: None, refusal: None, result: Some(result), .. } => Ok(Ok(Answered::Result(result))),
        Written { output: None, refusal: Some(refusal), .. } => Ok(Err(refusal)),
        _ => Err(unreadable()),
    }
}

/// How the rows behind the first page are read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct PagesHeader {
    pub columns: Vec<ProjectedColumn>,
    pub format: Format,
    pub database: Option<String>,
    /// Which tool reads the pages; `None`: `query`.
    #[serde(default)]
    pub tool: Option<String>,
    /// Fields of more characters arrived cut.
    pub field_characters: usize,
    /// All that the run was limited to.
    pub rows: u64,
    /// The policy that decided what is in them.
    pub policy: String,
    /// The claims that did, and the caller's own login.
    pub claims: String,
}

impl PagesHeader {
    pub(in crate::gateway) fn new(
        question: &Question,
        policy: &str,
        columns: Vec<ProjectedColumn>,
        within: &CallLimits,
        rows: u64,
    ) -> Self {
        Self {
            columns,
            format: question.request.format,
            database: question.request.database.clone(),
            tool: question.request.saved.as_ref().map(|saved| saved.tool.clone()),
            field_characters: within.field_characters,
            rows,
            policy: policy.to_owned(),
            claims: digest_of(&question.caller, question.request.database.as_deref()),
        }
    }

    /// What was read under one policy is not shown under another.
    pub(in crate::gateway) fn still_holds(&self, caller: &Caller, policy: &str) -> Result<(), Diagnostic> {
        if self.policy == policy && self.claims == digest_of(caller, self.database.as_deref()) {
            return Ok(());
        }
        Err(policy_changed())
    }
}

pub(in crate::gateway) fn policy_changed() -> Diagnostic {
    let message = "the policy has changed since these rows were read";
    let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message);
    refusal.rule("tasks.policy_changed").hint("ask the question again")
}

/// What stands behind the last row.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(in crate::gateway) struct PagesEnd {
    pub cut: Option<Cut>,
    /// Why the rows did not come to their end. Named so that it can be read as an [`Answer`] too: a store ends with the
    /// same text a task that nobody works on any more.
    #[serde(rename = "refusal")]
    pub fault: Option<Diagnostic>,
}

pub(in crate::gateway) fn to_text(value: &impl Serialize) -> Result<String, Diagnostic> {
    serde_json::to_string(value).map_err(|_| bug("what belongs to an answer could not be written"))
}

pub(in crate::gateway) fn from_text<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, Diagnostic> {
    serde_json::from_str(text).map_err(|_| unreadable())
}

fn unreadable() -> Diagnostic {
    bug("a stored answer could not be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_pages_end_can_be_read_as_an_answer() {
        let fault = Diagnostic::refused(SqlState::CONNECTION_FAILURE, "gone").hint("ask again");
        let end = PagesEnd { cut: None, fault: Some(fault.clone()) };
        let text = to_text(&end).unwrap();
        assert_eq!(from_text::<PagesEnd>(&text).unwrap(), end);
        assert_eq!(read(&text).unwrap().0.unwrap_err(), fault);
    }
}
