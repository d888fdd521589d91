//! The saved queries of one database in use, and where they come from. A file that changed makes others.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{SavedFault, SavedQueries};
use crate::policy::Place;

#[derive(Debug)]
pub struct SavedSource {
    /// `None` for queries that never change.
    file: Option<File>,
    queries: Arc<SavedQueries>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    is_built_in: fn(&str) -> bool,
    /// What the last attempt found in it, or why it found nothing.
    text: Mutex<Text>,
}

type Text = Result<String, String>;

impl SavedSource {
    /// Queries that stay as they are.
    pub fn fixed(queries: SavedQueries) -> Self {
        Self { file: None, queries: Arc::new(queries) }
    }

    /// Reads the file at `path`. `is_built_in` says which names belong to other tools.
    pub fn load(path: &Path, is_built_in: fn(&str) -> bool) -> Result<Self, SavedFault> {
        let text = read(path);
        let queries = parse(path, &text, is_built_in)?;
        let file = File { path: path.to_owned(), is_built_in, text: Mutex::new(text) };
        Ok(Self { file: Some(file), ..Self::fixed(queries) })
    }

    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    pub fn current(&self) -> Arc<SavedQueries> {
        Arc::clone(&self.queries)
    }

    /// The file is not what it was when it was last read. Blocks.
    pub(in crate::gateway) fn has_changed(&self) -> bool {
        self.file.as_ref().is_some_and(|file| {
            let now = read(&file.path);
            now != *file.text.lock().unwrap_or_else(PoisonError::into_inner)
        })
    }

    /// What is in the file. Blocks.
    pub(in crate::gateway) fn text_now(&self) -> Option<Text> {
        self.path().map(read)
    }

    /// What the file makes now; `None` where those are the queries in use. Blocks.
    pub(in crate::gateway) fn reread(&self) -> Result<Option<Self>, SavedFault> {
        let Some(file) = &self.file else { return Ok(None) };
        let text = read(&file.path);
        *file.text.lock().unwrap_or_else(PoisonError::into_inner) = text.clone();
        let queries = parse(&file.path, &text, file.is_built_in)?;
        if queries.version == self.queries.version {
            return Ok(None);
        }
        let again = File { path: file.path.clone(), is_built_in: file.is_built_in, text: Mutex::new(text) };
        Ok(Some(Self { file: Some(again), ..Self::fixed(queries) }))
    }
}

fn parse(path: &Path, text: &Text, is_built_in: fn(&str) -> bool) -> Result<SavedQueries, SavedFault> {
    let file = path.display().to_string();
    match text {
        Ok(text) => SavedQueries::parse(text, &file, is_built_in),
        Err(message) => {
            let place = Place { file: Arc::from(file), line: 1, column: 1 };
            Err(SavedFault { place, message: message.clone() })
        }
    }
}

fn read(path: &Path) -> Text {
    std::fs::read_to_string(path).map_err(|error| format!("the saved queries cannot be read: {error}"))
}
