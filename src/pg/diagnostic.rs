//! One shape for everything that goes wrong with a statement, in PostgreSQL's terms.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::SqlState;

/// Who says no.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// pgwarden refused: the statement never ran.
    Pgwarden,
    /// PostgreSQL reported an error.
    Postgresql,
    /// The way to PostgreSQL failed (network, pool, start-up).
    Connection,
}

/// A place in the caller's text: both from 1, the column in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Position {
    pub line: u64,
    pub column: u64,
}

/// What the caller reads when a statement is refused or fails. Never holds row values of hidden relations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    pub source: Source,
    pub sqlstate: SqlState,
    /// One line, lower case, no final period; the caller's words in backticks.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Something that the reader can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The policy rule or gate that decided, for refusals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The same call may succeed later, unchanged.
    pub retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_id: Option<String>,
}

impl Diagnostic {
    pub fn new(source: Source, sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self {
            source,
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            rule: None,
            position: None,
            retryable: false,
            query_id: None,
        }
    }

    /// A refusal by pgwarden.
    pub fn refused(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self::new(Source::Pgwarden, sqlstate, message)
    }

    /// The way to PostgreSQL failed; the call may be repeated.
    pub fn connection(sqlstate: SqlState, message: impl Into<String>) -> Self {
        Self { retryable: true, ..Self::new(Source::Connection, sqlstate, message) }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    pub fn at(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// psql's layout, with the offending line of `sql` and a caret where a position is known.
    pub fn render(&self, sql: &str) -> String {
        let mut out = format!("ERROR:  {}: {}", self.sqlstate, self.message);
        if let Some((line, position)) = self.position.and_then(|p| Some((line_of(sql, p)?, p))) {
            let _ = write!(out, "\nLINE {}: {line}\n", position.line);
            let lead = format!("LINE {}: ", position.line).len();
            let before = usize::try_from(position.column.saturating_sub(1)).unwrap_or(0).min(400);
            out.push_str(&" ".repeat(lead + before));
            out.push('^');
        }
        for (label, text) in [("DETAIL", &self.detail), ("RULE", &self.rule), ("HINT", &self.hint)] {
            if let Some(text) = text {
                let _ = write!(out, "\n{label}:  {text}");
            }
        }
        out
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(""))
    }
}

impl std::error::Error for Diagnostic {}

fn line_of(sql: &str, position: Position) -> Option<String> {
    let index = usize::try_from(position.line.checked_sub(1)?).ok()?;
    let line: String = sql.split('\n').nth(index)?.chars().take(400).collect();
    (!line.is_empty()).then(|| line.replace(|c: char| c.is_control(), " "))
}
