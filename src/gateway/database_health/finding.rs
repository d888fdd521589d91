//! What a check found, as far as the caller may see what it is about.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::Check;
use crate::gateway::visible::Visible;
use crate::pg::Oid;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Something fails, or soon will.
    Critical,
    Warning,
    /// Good to know.
    Notice,
}

/// A row of a check's answer.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    /// What it is about; none of it may be hidden. Nothing where it is about the server.
    #[serde(default)]
    parts: Vec<Part>,
    /// Of indexes: made of names of columns, which may be those of hidden ones.
    #[serde(default)]
    names: Vec<String>,
    /// It is about how many rows there are.
    #[serde(default)]
    rows: bool,
    /// The one who looked has no right to see whether anything is to be found.
    #[serde(default)]
    pub(super) unreadable: bool,
    pub(super) object: Option<String>,
    severity: Severity,
    evidence: Map<String, Value>,
    remedy: String,
}

/// A relation, and columns of it.
#[derive(Debug, Deserialize)]
struct Part {
    relation: Oid,
    columns: Vec<String>,
}

/// As the caller reads it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) severity: Severity,
    /// As SQL takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
    evidence: Map<String, Value>,
    remedy: String,
}

impl Row {
    /// INVARIANT: `None` where anything that it is about is hidden from the caller.
    pub(super) fn shown(&self, check: &Check, visible: &Visible<'_>) -> Option<Finding> {
        let mut hides_rows = false;
        for part in &self.parts {
            let relation = visible.by_oid(part.relation)?;
            hides_rows |= visible.hides_rows(relation);
            let sees = |column: &String| visible.has_column(relation, column);
            if !part.columns.iter().all(sees)
                || self.names.iter().any(|name| visible.tells_of_hidden_column(relation, name))
            {
                return None;
            }
        }
        // How many rows there are tells of those that the caller does not see.
        if hides_rows && self.rows {
            return None;
        }
        let mut evidence = self.evidence.clone();
        let withheld = |value: &Value| hides_rows && check.of_relations && value.is_number();
        evidence.retain(|_, value| !value.is_null() && !withheld(value));
        Some(Finding {
            check: check.word,
            severity: self.severity,
            object: self.object.clone(),
            evidence,
            remedy: self.remedy.clone(),
        })
    }
}
