//! What is wrong with a file of notes, and where.

use crate::policy::Place;

/// Notes that cannot be used; or a name in them that the database does not have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct NotesError {
    pub place: Place,
    pub message: String,
}

impl NotesError {
    pub(super) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into() }
    }
}
