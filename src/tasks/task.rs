//! A task as it is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Owner, TaskId};

/// One question of one owner.
#[derive(Clone, PartialEq, Debug)]
pub struct Task {
    pub id: TaskId,
    pub owner: Owner,
    /// What was asked, with all that asking it again needs.
    pub question: String,
    /// The same for the same question.
    pub fingerprint: [u8; 32],
    /// Its owner asked for a task, or was told of one; else it only holds the pages of an answer that was given.
    pub listed: bool,
    pub state: State,
    /// What it is doing, in words for its owner.
    pub message: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// From its creation until it may be forgotten.
    pub ttl: Duration,
    /// What came of it, once it has ended; also the first page of an answer that goes on.
    pub answer: Option<String>,
    pub pages: Pages,
    pub inputs: Inputs,
}

/// The order is the life's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    /// Waits for its turn.
    Queued,
    Running,
    /// There is an answer: rows, or why there are none.
    Completed,
    /// The server could not answer, by its own fault.
    Failed,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled];

    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What a running task has asked its owner's client for. Requests and responses are opaque here.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// Requests without a response, by key: the task waits for them.
    pub pending: BTreeMap<String, String>,
    /// Responses.
    pub given: BTreeMap<String, String>,
}

impl Inputs {
    /// Takes those responses that something waits for. `false`: none.
    pub(super) fn take(&mut self, responses: &BTreeMap<String, String>) -> bool {
        let mut taken = false;
        for (key, response) in responses {
            if self.pending.remove(key).is_some() {
                self.given.insert(key.clone(), response.clone());
                taken = true;
            }
        }
        taken
    }
}

/// The rows behind the first page, in chunks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pages {
    /// What reading them needs to know.
    pub header: String,
    /// Chunks that may be read.
    pub chunks: u32,
    /// What stands behind the last chunk, once it is known.
    pub end: Option<String>,
}

/// A task to be stored.
#[derive(Clone, Debug)]
pub struct NewTask {
    pub id: TaskId,
    pub owner: Owner,
    pub question: String,
    pub fingerprint: [u8; 32],
    pub listed: bool,
    pub ttl: Duration,
    /// `None`: queued, for whoever claims it.
    pub holder: Option<Holder>,
    pub message: String,
}

/// What a record takes besides its question, roughly: many small ones fill a store too.
const RECORD_BYTES: usize = 1024;

impl NewTask {
    /// Bytes that count as stored from the task's creation until it is forgotten.
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.question.len() + RECORD_BYTES).unwrap_or(u64::MAX)
    }

    /// The task as it is at its creation.
    pub(super) fn created(self, at: DateTime<Utc>) -> Task {
        Task {
            id: self.id,
            owner: self.owner,
            question: self.question,
            fingerprint: self.fingerprint,
            listed: self.listed,
            state: if self.holder.is_some() { State::Running } else { State::Queued },
            message: self.message,
            created_at: at,
            updated_at: at,
            ttl: self.ttl,
            answer: None,
            pages: Pages::default(),
            inputs: Inputs::default(),
        }
    }
}

/// Who works on a task: a process. Only the holder of a task ends it or adds pages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Holder(pub TaskId);

/// A task that a holder has claimed.
#[derive(Clone, Debug)]
pub struct Work {
    pub task: Task,
    /// It ran before, and its holder is gone.
    pub again: bool,
}

/// How a task ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    Completed {
        answer: String,
        /// With the header of pages that follow: the holder goes on with [`super::Store::append`].
        pages: Option<String>,
    },
    Failed {
        reason: String,
    },
}
