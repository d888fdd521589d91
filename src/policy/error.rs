//! What is wrong with a policy file, and where.

use std::fmt;
use std::sync::Arc;

/// A place in a policy file; line and column from 1, the column in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub file: Arc<str>,
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// `at` is a byte of `text`.
    pub(crate) fn of(file: &Arc<str>, text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Self { file: Arc::clone(file), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A policy that cannot be used: nothing of it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct PolicyError {
    pub place: Place,
    pub message: String,
}

impl PolicyError {
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into() }
    }
}
