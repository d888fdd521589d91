//! What others see of a run while it goes on, and may do to it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::db::Progress;
use crate::pg::QualifiedName;

#[derive(Debug)]
pub(in crate::gateway) struct Live {
    pub started: Instant,
    /// Fires when it is cancelled, by whomever.
    pub stop: CancellationToken,
    pub progress: Arc<Progress>,
    /// The relations that the statement names: its caller knows of them.
    pub relations: OnceLock<Vec<QualifiedName>>,
    /// What keeps it waiting, in words.
    waits: Mutex<Option<String>>,
    /// How far work is that is no run.
    doing: Mutex<Option<String>>,
}

impl Live {
    pub(in crate::gateway) fn new(progress: Arc<Progress>) -> Self {
        Self {
            started: Instant::now(),
            stop: CancellationToken::new(),
            progress,
            relations: OnceLock::new(),
            waits: Mutex::default(),
            doing: Mutex::default(),
        }
    }

    pub(in crate::gateway) fn waits(&self) -> Option<String> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::gateway) fn doing(&self) -> Option<String> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(in crate::gateway) fn set_doing(&self, words: String) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    pub(in crate::gateway) fn set_waits(&self, words: Option<String>) {
        *self.waits.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }
}
