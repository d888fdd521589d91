//! The one place where a [`Checked`] is made.

use crate::catalog::Catalog;
use crate::pg::{Diagnostic, Oid, QualifiedName};
use crate::policy::Policy;

/// What a statement is checked against.
#[derive(Clone, Copy, Debug)]
pub struct CheckContext<'a> {
    pub catalog: &'a Catalog,
    pub policy: &'a Policy,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatementKind {
    /// SELECT, VALUES, WITH, TABLE.
    Query,
    /// EXPLAIN without ANALYZE, over a query.
    Explain,
}

/// A statement that passed every gate. INVARIANT: made only by [`check`]; its text was rendered from the checked
/// tree, read again and found equal. No Clone, Default or Deserialize.
#[derive(Debug)]
pub struct Checked {
    text: String,
    kind: StatementKind,
    relations: Vec<QualifiedName>,
    reach: Vec<Oid>,
    parameters: usize,
}

impl Checked {
    /// The canonical text, exactly one statement.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn kind(&self) -> StatementKind {
        self.kind
    }

    /// The relations that the statement names, in order of appearance, without repetition.
    pub fn relations(&self) -> &[QualifiedName] {
        &self.relations
    }

    /// Every relation that PostgreSQL may lock for it, sorted ([`Catalog::reach`]).
    pub fn reach(&self) -> &[Oid] {
        &self.reach
    }

    /// The highest `$n`.
    pub fn parameters(&self) -> usize {
        self.parameters
    }
}

/// Checks one statement as the caller wrote it.
pub fn check(_sql: &str, _cx: &CheckContext<'_>) -> Result<Checked, Diagnostic> {
    todo!("skeleton")
}
