//! Why records cannot be kept.

use std::path::Path;
use std::{fmt, io};

use crate::pg::{Diagnostic, SqlState};

/// For the log and the person at the terminal; callers hear only that there is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    message: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("`{}` cannot be {doing}: {error}", path.display()))
    }

    pub(super) fn full() -> Self {
        Self::new("records come faster than they can be written")
    }

    /// What the caller hears: nothing of files and hosts.
    pub(super) fn refusal(&self) -> Diagnostic {
        let refusal = Diagnostic::refused(
            SqlState::IO_ERROR,
            "the audit log cannot be written: nothing was run",
        )
        .rule("audit.failed")
        .hint(
            "try again in a minute; if it stays so, tell the person who runs this server: its log says why",
        );
        Diagnostic { retryable: true, ..refusal }
    }

    pub(super) fn at_start(&self) -> Diagnostic {
        let error = Diagnostic::refused(SqlState::IO_ERROR, format!("the audit log: {}", self.message));
        Diagnostic { hint: self.hint.clone(), ..error.rule("audit.failed") }
    }
}

impl Default for Fault {
    fn default() -> Self {
        Self::new("a record was not written in time")
    }
}

impl From<Diagnostic> for Fault {
    fn from(error: Diagnostic) -> Self {
        Self { message: error.message, hint: error.hint }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}
