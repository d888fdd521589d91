//! The saved queries of one database in use: their file, what it held last, and why it was not taken.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};

use super::faults::faults;
use super::{SavedFault, SavedQueries};
use crate::gateway::Served;
use crate::policy::Place;

#[derive(Debug)]
pub struct SavedSource {
    /// `None` for queries that never change.
    file: Option<File>,
    current: ArcSwap<SavedQueries>,
    /// Why the file, as it is now, was not taken.
    fault: ArcSwapOption<SavedFault>,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    is_built_in: fn(&str) -> bool,
    /// What the last attempt found in it, or why it found nothing.
    text: Mutex<Text>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
}

type Text = Result<String, String>;

/// What a look at the file came to.
pub(in crate::gateway) enum SavedReload {
    Unchanged,
    Taken {
        before: Arc<SavedQueries>,
        now: Arc<SavedQueries>,
    },
    /// Those from before stay. `known`: for the same reason as at the last look.
    Kept {
        fault: Arc<SavedFault>,
        known: bool,
    },
}

impl SavedSource {
    /// Queries that stay as they are.
    pub fn fixed(queries: SavedQueries) -> Self {
        Self { file: None, current: ArcSwap::from_pointee(queries), fault: ArcSwapOption::empty() }
    }

    /// Reads the file at `path`. `is_built_in` says which names belong to other tools.
    pub fn load(path: &Path, is_built_in: fn(&str) -> bool) -> Result<Self, SavedFault> {
        let text = read(path);
        let queries = parse(path, &text, is_built_in)?;
        let (path, reloading) = (path.to_owned(), tokio::sync::Mutex::new(()));
        let file = File { path, is_built_in, text: Mutex::new(text), reloading };
        Ok(Self { file: Some(file), ..Self::fixed(queries) })
    }

    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    pub fn current(&self) -> Arc<SavedQueries> {
        self.current.load_full()
    }

    /// Why the file as it is now was not taken.
    pub fn fault(&self) -> Option<Arc<SavedFault>> {
        self.fault.load_full()
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

    /// Reads the file again, and takes it whole or not at all.
    pub(in crate::gateway) async fn reload(&self, served: &Served) -> SavedReload {
        let Some(file) = &self.file else { return SavedReload::Unchanged };
        let _reloading = file.reloading.lock().await;
        let path = file.path.clone();
        let Ok(text) = tokio::task::spawn_blocking(move || read(&path)).await else {
            return SavedReload::Unchanged;
        };
        let read = parse(&file.path, &text, file.is_built_in);
        *file.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
        let before = self.current();
        let read = match read {
            Ok(queries) if queries.version != before.version => {
                faults(&queries, served).await.into_iter().next().map_or(Ok(queries), Err)
            }
            unchanged => unchanged,
        };
        match read {
            Ok(queries) => {
                self.fault.store(None);
                if queries.version == before.version {
                    return SavedReload::Unchanged;
                }
                let now = Arc::new(queries);
                self.current.store(Arc::clone(&now));
                SavedReload::Taken { before, now }
            }
            Err(fault) => {
                let known = self.fault().is_some_and(|known| *known == fault);
                let fault = Arc::new(fault);
                self.fault.store(Some(Arc::clone(&fault)));
                SavedReload::Kept { fault, known }
            }
        }
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
