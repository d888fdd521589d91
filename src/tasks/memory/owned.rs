//! What one owner has in the store.

use std::collections::{BTreeMap, VecDeque};

use super::State;
use crate::tasks::TaskId;

#[derive(Debug, Default)]
pub(super) struct Owned {
    pub(super) open: usize,
    pub(super) running: usize,
    /// The turn in which one of its tasks was claimed last.
    pub(super) claimed: u64,
    /// In the order of their turns.
    pub(super) queue: VecDeque<TaskId>,
    /// By the order in which they were created.
    pub(super) listed: BTreeMap<u64, TaskId>,
    pub(super) bytes: u64,
}

impl Owned {
    /// One of its open tasks has ended.
    pub(super) fn ended(&mut self, id: TaskId, before: State) {
        self.open = self.open.saturating_sub(1);
        match before {
            State::Queued => self.queue.retain(|queued| *queued != id),
            _ => self.running = self.running.saturating_sub(1),
        }
    }

    /// Its tasks before this one in its queue.
    pub(super) fn place(&self, id: TaskId) -> Option<usize> {
        self.queue.iter().position(|queued| *queued == id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open == 0 && self.listed.is_empty() && self.bytes == 0
    }
}
