//! The notes in use, and where they come from. A file that changed makes others.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Notes, NotesError};
use crate::policy::Place;

/// What the file held, or why it held nothing.
type Held = Result<String, String>;

#[derive(Debug)]
pub struct NotesSource {
    /// With what it held when it was last read. `None` for notes that never change.
    file: Option<(PathBuf, Mutex<Held>)>,
    notes: Arc<Notes>,
}

impl Default for NotesSource {
    /// Nothing is said.
    fn default() -> Self {
        Self::fixed(Notes::default())
    }
}

impl NotesSource {
    /// Notes that stay as they are.
    pub fn fixed(notes: Notes) -> Self {
        Self { file: None, notes: Arc::new(notes) }
    }

    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, NotesError> {
        let held = held(path);
        let notes = read(path, &held)?;
        Ok(Self { file: Some((path.to_owned(), Mutex::new(held))), ..Self::fixed(notes) })
    }

    pub fn current(&self) -> Arc<Notes> {
        Arc::clone(&self.notes)
    }

    pub(in crate::gateway) fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|(path, _)| path.as_path())
    }

    /// The file is not what it was when it was last read. Blocks.
    pub(in crate::gateway) fn has_changed(&self) -> bool {
        self.file
            .as_ref()
            .is_some_and(|(path, last)| held(path) != *last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number for what the file holds now. Blocks.
    pub(in crate::gateway) fn text_now(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        self.file.as_ref().map(|(path, _)| held(path)).hash(&mut hash);
        hash.finish()
    }

    /// What the file makes now; `None` where those are the notes in use. Blocks.
    pub(in crate::gateway) fn reread(&self) -> Result<Option<Self>, NotesError> {
        let Some((path, last)) = &self.file else { return Ok(None) };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = held(path);
        let notes = read(path, &last)?;
        let again = (path.clone(), Mutex::new(last.clone()));
        Ok((notes != *self.notes).then(|| Self { file: Some(again), ..Self::fixed(notes) }))
    }
}

fn held(path: &Path) -> Held {
    std::fs::read_to_string(path).map_err(|error| format!("the notes cannot be read: {error}"))
}

fn read(path: &Path, held: &Held) -> Result<Notes, NotesError> {
    let file = path.display().to_string();
    match held {
        Ok(text) => Notes::parse(text, &file),
        Err(reason) => {
            Err(NotesError::new(&Place { file: Arc::from(file), line: 1, column: 1 }, reason.clone()))
        }
    }
}
