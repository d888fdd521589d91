//! What the store in memory holds, and what changes in it at once.

use std::collections::HashMap;

use chrono::Utc;

use super::chunks::Chunks;
use super::owned::Owned;
use crate::tasks::{Holder, Inputs, Owner, Pages, State, Task, TaskId};

/// A task whose holders were lost so often is not begun again: it may be what they died of.
pub(in crate::tasks) const ATTEMPTS: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) tasks: HashMap<TaskId, Entry>,
    pub(super) owners: HashMap<Owner, Owned>,
    /// Tasks that were ever created: their order.
    pub(super) created: u64,
    /// Tasks that were ever claimed.
    pub(super) claimed: u64,
    pub(super) open: usize,
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) task: Task,
    pub(super) holder: Option<Holder>,
    pub(super) number: u64,
    pub(super) chunks: Chunks,
    /// Of its record, as long as there is one.
    pub(super) asked_bytes: u64,
    /// Of its answer and pages.
    pub(super) bytes: u64,
    /// How often somebody began to work on it.
    pub(super) attempts: u32,
}

impl Kept {
    pub(super) fn of(&self, owner: &Owner, id: TaskId) -> Option<&Entry> {
        self.tasks.get(&id).filter(|entry| entry.task.owner == *owner)
    }

    /// An open task ends, without an answer so far.
    pub(super) fn end(&mut self, id: TaskId, state: State, message: &str) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        let before = std::mem::replace(&mut entry.task.state, state);
        message.clone_into(&mut entry.task.message);
        entry.task.updated_at = Utc::now();
        entry.holder = None;
        self.open = self.open.saturating_sub(1);
        if let Some(owned) = self.owners.get_mut(&entry.task.owner) {
            owned.ended(id, before);
        }
    }

    /// Its holder is gone.
    pub(super) fn take_over(&mut self, id: TaskId, reason: &str) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        if entry.task.state.is_terminal() {
            entry.task.pages.end = Some(reason.to_owned());
            entry.holder = None;
        } else if entry.task.listed && entry.attempts < ATTEMPTS && entry.chunks.is_empty() {
            self.queue_again(id);
        } else {
            self.end(id, State::Completed, "completed");
            self.forget_pages(id);
            self.take(id, len(reason.len()));
            if let Some(entry) = self.tasks.get_mut(&id) {
                entry.task.answer = Some(reason.to_owned());
            }
        }
    }

    pub(super) fn forget_pages(&mut self, id: TaskId) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        entry.chunks = Chunks::default();
        entry.task.pages = Pages::default();
        let bytes = std::mem::take(&mut entry.bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(owned) = self.owners.get_mut(&entry.task.owner) {
            owned.bytes = owned.bytes.saturating_sub(bytes);
        }
    }

    fn queue_again(&mut self, id: TaskId) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        entry.task.state = State::Queued;
        entry.task.inputs = Inputs::default();
        entry.holder = None;
        if let Some(owned) = self.owners.get_mut(&entry.task.owner) {
            owned.running = owned.running.saturating_sub(1);
            owned.queue.push_front(id);
        }
    }

    /// Counts bytes of a task.
    pub(super) fn take(&mut self, id: TaskId, bytes: u64) {
        let Some(entry) = self.tasks.get_mut(&id) else { return };
        entry.bytes += bytes;
        self.bytes += bytes;
        if let Some(owned) = self.owners.get_mut(&entry.task.owner) {
            owned.bytes += bytes;
        }
    }

    pub(super) fn remove(&mut self, id: TaskId) {
        if self.tasks.get(&id).is_some_and(|entry| !entry.task.state.is_terminal()) {
            self.end(id, State::Cancelled, "forgotten");
        }
        let Some(entry) = self.tasks.remove(&id) else { return };
        let bytes = entry.bytes + entry.asked_bytes;
        self.bytes = self.bytes.saturating_sub(bytes);
        let Some(owned) = self.owners.get_mut(&entry.task.owner) else { return };
        owned.bytes = owned.bytes.saturating_sub(bytes);
        owned.listed.remove(&entry.number);
        if owned.is_empty() {
            self.owners.remove(&entry.task.owner);
        }
    }
}

pub(super) fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
