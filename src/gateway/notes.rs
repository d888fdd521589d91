//! What the DBA says of a database, in a file beside the policy: what it is, what its relations and columns mean, and the
//! words of the business.
//!
//! Which of it a caller is told, `visible/noted.rs` decides.

mod document;
mod error;
mod load;
mod missing;
mod source;

use std::collections::BTreeMap;

pub use error::NotesError;
pub use source::NotesSource;

use crate::pg::QualifiedName;
use crate::policy::Place;

/// The notes of one database. Immutable; a reload makes new ones.
#[derive(PartialEq, Eq, Debug, Default)]
pub struct Notes {
    pub(super) about: Option<String>,
    pub(super) relations: BTreeMap<QualifiedName, Note>,
    pub(super) columns: BTreeMap<(QualifiedName, String), Note>,
    pub(super) terms: Vec<Term>,
}

/// What is said of a relation, a column or a term.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Note {
    pub(super) text: Option<String>,
    /// What people call it.
    pub(super) synonyms: Vec<String>,
    /// Of a column's values.
    pub(super) unit: Option<String>,
    /// That it answers.
    pub(super) questions: Vec<String>,
    /// Where its name stands.
    place: Place,
}

/// A word of the business, such as `active customer`.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) note: Note,
    /// What it is read from; each with where its name stands.
    pub(super) relations: Vec<(QualifiedName, Place)>,
}

#[cfg(test)]
mod tests;
