//! Statements that write: what one would do, and doing it. Whose word it needs before is for [`crate::policy::Writes`] to
//! say and for others to ask.

mod asked;
mod effects;
mod failure;
mod prepare;
mod run;
mod sample;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use asked::may_write;

use super::QueryOutput;
use crate::pg::QualifiedName;
use crate::policy::Approval;
use crate::sql::WriteKind;

/// The tools `preview` and `execute`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct WriteRequest {
    pub sql: String,
    /// For `$1`, `$2`, ..: text that PostgreSQL reads as the parameter's type; `None` is NULL.
    pub params: Vec<Option<String>>,
    /// A database's name in the configuration; `None` where there is only one.
    pub database: Option<String>,
}

/// What one check of a request found: what is approved, and what has to be the same when it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreparedFacts {
    /// What the caller wrote, every name qualified: [`crate::sql::CheckedWrite::statement`].
    pub statement: String,
    pub params: Vec<Option<String>>,
    /// The database's name in the configuration.
    pub database: String,
    /// The role that PostgreSQL sees.
    pub run_as: String,
    pub policy_version: String,
    pub kind: WriteKind,
    pub relation: QualifiedName,
    /// [`crate::db::Effects::fingerprint`].
    pub effects: [u8; 32],
    /// Rows that it may change.
    pub rows: u64,
    pub approval: Approval,
}

/// A statement that was checked and planned. Nothing was changed.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedWrite {
    pub facts: PreparedFacts,
    pub preview: WritePreview,
    /// Of an answer to this caller, at the most.
    pub characters: usize,
}

/// What a statement would do, as far as the caller may know. Lists are lines of text, names only those that the caller sees.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct WritePreview {
    /// Rows that it changes; `None` where that would tell of what is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// It ran and was rolled back, so that `rows` is a count; else the planner's estimate.
    pub ran: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// What foreign keys pass on to other tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cascades: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<WriteSample>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// A few of the rows, by columns that the caller may see, as a query of the caller's would show them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WriteSample {
    pub columns: Vec<String>,
    /// Arrays, one a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// A statement that ran and was committed.
#[derive(Clone, Debug)]
pub struct Written {
    pub kind: WriteKind,
    pub relation: QualifiedName,
    pub rows: u64,
    /// The rows of its RETURNING, where it has one.
    pub returned: Option<QueryOutput>,
    /// The image of the rows as they were, where the policy keeps one.
    pub before: Option<String>,
    pub notices: Vec<String>,
    pub query_id: String,
}
