//! The notes in use: where they come from, what they are now, and why the file as it is now was not taken.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::{Notes, NotesError};
use crate::policy::Place;

/// What the file held, or why it held nothing.
type Held = Result<String, String>;

/// New notes take the place of the old ones whole; those that cannot be used leave the old ones where they are.
#[derive(Debug)]
pub struct NotesSource {
    /// With what it held when it was last read. `None` for notes that never change.
    file: Option<(PathBuf, Mutex<Held>)>,
    current: ArcSwap<Notes>,
    fault: ArcSwapOption<NotesError>,
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
        Self { file: None, current: ArcSwap::from_pointee(notes), fault: ArcSwapOption::empty() }
    }

    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, NotesError> {
        let held = held(path);
        let notes = read(path, &held)?;
        Ok(Self { file: Some((path.to_owned(), Mutex::new(held))), ..Self::fixed(notes) })
    }

    pub fn current(&self) -> Arc<Notes> {
        self.current.load_full()
    }

    /// Why the file as it is now was not taken.
    pub fn fault(&self) -> Option<Arc<NotesError>> {
        self.fault.load_full()
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

    /// Reads the file again; `true` where other notes are in use now. Blocks, for as long as a small file takes.
    pub(in crate::gateway) fn reload(&self) -> Result<bool, Arc<NotesError>> {
        let Some((path, last)) = &self.file else { return Ok(false) };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = held(path);
        match read(path, &last) {
            Ok(notes) => {
                self.fault.store(None);
                let changed = **self.current.load() != notes;
                if changed {
                    self.current.store(Arc::new(notes));
                }
                Ok(changed)
            }
            Err(fault) => {
                let fault = Arc::new(fault);
                self.fault.store(Some(Arc::clone(&fault)));
                Err(fault)
            }
        }
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
