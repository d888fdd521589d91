//! The store of one process: nothing survives it.

mod chunks;
mod kept;
mod owned;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use futures_util::FutureExt;
use tokio::sync::broadcast;

use super::full::{self, Held};
use super::store::{Cancel, Change, Reply, Store};
use super::{End, Holder, Inputs, NewTask, Owner, Pace, State, Task, TaskId, TaskSettings, Work};
use crate::pg::Diagnostic;
use chunks::Chunks;
pub(super) use kept::ATTEMPTS;
use kept::{Entry, Kept, len};

/// Changes that a slow listener may fall behind.
const CHANGES: usize = 1024;

#[derive(Debug)]
pub struct MemoryStore {
    settings: TaskSettings,
    pace: Pace,
    kept: Mutex<Kept>,
    changes: broadcast::Sender<Change>,
}

impl MemoryStore {
    pub fn new(settings: TaskSettings) -> Self {
        Self::paced(settings, Pace::default())
    }

    pub fn paced(settings: TaskSettings, pace: Pace) -> Self {
        let (changes, _) = broadcast::channel(CHANGES);
        Self { settings, pace, kept: Mutex::default(), changes }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, id: TaskId, cancelled: bool) {
        // Nobody need listen.
        let _ = self.changes.send(Change { id, cancelled });
    }

    fn create_now(&self, new: NewTask) -> Result<Task, Diagnostic> {
        let mut kept = self.kept();
        let own = kept.owners.get(&new.owner);
        let own = own.map_or_else(Held::default, |own| Held { open: own.open, bytes: own.bytes });
        let all = Held { open: kept.open, bytes: kept.bytes };
        if let Some(refusal) = full::refusal(&self.settings, own, all, new.listed) {
            return Err(refusal);
        }
        let (task, bytes) = (new.clone().created(Utc::now()), new.bytes());
        kept.created += 1;
        kept.open += 1;
        kept.bytes += bytes;
        let number = kept.created;
        let owned = kept.owners.entry(new.owner).or_default();
        owned.open += 1;
        owned.bytes += bytes;
        if task.listed {
            owned.listed.insert(number, task.id);
        }
        match new.holder {
            Some(_) => owned.running += 1,
            None => owned.queue.push_back(task.id),
        }
        let entry = Entry {
            task: task.clone(),
            holder: new.holder,
            number,
            chunks: Chunks::default(),
            asked_bytes: bytes,
            bytes: 0,
            attempts: u32::from(new.holder.is_some()),
        };
        kept.tasks.insert(task.id, entry);
        drop(kept);
        self.changed(task.id, false);
        Ok(task)
    }

    /// Changes a task of `holder`'s.
    fn held(&self, holder: Holder, id: TaskId, change: impl FnOnce(&mut Kept) -> bool) -> bool {
        let mut kept = self.kept();
        let is_held = kept.tasks.get(&id).is_some_and(|entry| entry.holder == Some(holder));
        let changed = is_held && change(&mut kept);
        drop(kept);
        if changed {
            self.changed(id, false);
        }
        changed
    }

    fn claim_now(&self, holder: Holder, per_owner: usize) -> Option<Work> {
        let mut kept = self.kept();
        kept.claimed += 1;
        let turn = kept.claimed;
        let waiting = kept.owners.iter_mut();
        let able = waiting.filter(|(_, owned)| !owned.queue.is_empty() && owned.running < per_owner);
        let (_, next) = able.min_by_key(|(_, owned)| (owned.running, owned.claimed))?;
        let id = next.queue.pop_front()?;
        next.running += 1;
        next.claimed = turn;
        let entry = kept.tasks.get_mut(&id)?;
        entry.holder = Some(holder);
        entry.task.state = State::Running;
        entry.task.updated_at = Utc::now();
        let work = Work { task: entry.task.clone(), again: entry.attempts > 0 };
        entry.attempts += 1;
        drop(kept);
        self.changed(id, false);
        Some(work)
    }

    fn cancel_now(&self, owner: &Owner, id: TaskId, message: &str) -> Cancel {
        let mut kept = self.kept();
        let Some(entry) = kept.of(owner, id) else { return Cancel::Unknown };
        if entry.task.state.is_terminal() {
            return Cancel::TooLate(entry.task.clone());
        }
        kept.end(id, State::Cancelled, message);
        kept.forget_pages(id);
        let Some(task) = kept.of(owner, id).map(|entry| entry.task.clone()) else { return Cancel::Unknown };
        drop(kept);
        self.changed(id, true);
        Cancel::Done(task)
    }

    fn finish_now(&self, holder: Holder, id: TaskId, end: End) -> bool {
        self.held(holder, id, |kept| {
            if kept.tasks.get(&id).is_none_or(|entry| entry.task.state != State::Running) {
                return false;
            }
            let (state, answer, pages) = match end {
                End::Completed { answer, pages } => (State::Completed, answer, pages),
                End::Failed { reason } => (State::Failed, reason, None),
            };
            let goes_on = pages.is_some();
            let bytes = len(answer.len());
            kept.end(id, state, if state == State::Failed { "failed" } else { "completed" });
            kept.take(id, bytes);
            if let Some(entry) = kept.tasks.get_mut(&id) {
                entry.task.answer = Some(answer);
                entry.task.pages.header = pages.unwrap_or_default();
                entry.holder = goes_on.then_some(holder);
            }
            true
        })
    }

    fn append_now(&self, holder: Holder, id: TaskId, chunk: Vec<u8>) -> bool {
        let limits = &self.settings;
        self.held(holder, id, |kept| {
            let bytes = len(chunk.len());
            let Some(entry) = kept.tasks.get(&id) else { return false };
            let of_owner = kept.owners.get(&entry.task.owner).map_or(0, |owned| owned.bytes);
            let fits = entry.bytes + bytes <= limits.answer_bytes
                && of_owner + bytes <= limits.stored_bytes_per_owner
                && kept.bytes + bytes <= limits.stored_bytes;
            if !fits {
                return false;
            }
            let stored = kept.tasks.get_mut(&id).is_some_and(|entry| {
                let stored = entry.chunks.push(id, chunk);
                entry.task.pages.chunks += u32::from(stored);
                stored
            });
            if stored {
                kept.take(id, bytes);
            }
            stored
        })
    }

    fn close_now(&self, holder: Holder, id: TaskId, end: &str) -> bool {
        self.held(holder, id, |kept| {
            let ended = |entry: &&mut Entry| entry.task.state.is_terminal();
            let Some(entry) = kept.tasks.get_mut(&id).filter(ended) else { return false };
            entry.task.pages.end = Some(end.to_owned());
            entry.holder = None;
            true
        })
    }

    fn hand_over_now(&self, holder: Holder, reason: &str) {
        let mut kept = self.kept();
        let held = kept.tasks.values().filter(|entry| entry.holder == Some(holder));
        let ids: Vec<TaskId> = held.map(|entry| entry.task.id).collect();
        ids.iter().for_each(|id| kept.take_over(*id, reason));
        drop(kept);
        ids.into_iter().for_each(|id| self.changed(id, false));
    }

    fn forget_expired(&self) {
        let now = Utc::now();
        let mut kept = self.kept();
        let gone = |task: &Task| {
            let old = |since: chrono::DateTime<Utc>, time: Duration| {
                now.signed_duration_since(since).to_std().is_ok_and(|age| age >= time)
            };
            old(task.created_at, task.ttl) && old(task.updated_at, self.pace.grace)
        };
        let done = |entry: &Entry| entry.task.state.is_terminal() && entry.holder.is_none();
        let expired = kept.tasks.values().filter(|entry| done(entry) && gone(&entry.task));
        let expired: Vec<TaskId> = expired.map(|entry| entry.task.id).collect();
        expired.into_iter().for_each(|id| kept.remove(id));
    }

    fn forget_now(&self, owner: &Owner) {
        let mut kept = self.kept();
        let theirs = kept.tasks.values().filter(|entry| entry.task.owner == *owner);
        let ids: Vec<TaskId> = theirs.map(|entry| entry.task.id).collect();
        ids.iter().for_each(|id| kept.remove(*id));
        drop(kept);
        ids.into_iter().for_each(|id| self.changed(id, true));
    }
}

/// What is done is done at once.
fn done<'a, T: Send + 'a>(value: T) -> Reply<'a, T> {
    std::future::ready(Ok(value)).boxed()
}

impl Store for MemoryStore {
    fn create(&self, new: NewTask) -> Reply<'_, Task> {
        std::future::ready(self.create_now(new)).boxed()
    }

    fn get<'a>(&'a self, owner: &'a Owner, id: TaskId) -> Reply<'a, Option<Task>> {
        done(self.kept().of(owner, id).map(|entry| entry.task.clone()))
    }

    fn list<'a>(&'a self, owner: &'a Owner, before: Option<TaskId>, most: usize) -> Reply<'a, Vec<Task>> {
        let kept = self.kept();
        let end = before.map_or(u64::MAX, |id| kept.of(owner, id).map_or(0, |entry| entry.number));
        let listed = kept.owners.get(owner).map(|owned| owned.listed.range(..end).rev().take(most));
        let ids = listed.into_iter().flatten().map(|(_, id)| id);
        let tasks = ids.filter_map(|id| kept.tasks.get(id)).map(|entry| entry.task.clone()).collect();
        drop(kept);
        done(tasks)
    }

    fn same<'a>(&'a self, owner: &'a Owner, fingerprint: [u8; 32]) -> Reply<'a, Option<Task>> {
        let kept = self.kept();
        let none_open = kept.owners.get(owner).is_none_or(|owned| owned.open == 0);
        let same = |task: &&Task| task.fingerprint == fingerprint && !task.state.is_terminal();
        let listed = kept.owners.get(owner).filter(|_| !none_open).map(|owned| owned.listed.values());
        let tasks = listed.into_iter().flatten().filter_map(|id| kept.tasks.get(id)).map(|entry| &entry.task);
        let found = tasks.clone().find(same).cloned();
        drop(kept);
        done(found)
    }

    fn ahead<'a>(&'a self, task: &'a Task) -> Reply<'a, u64> {
        let kept = self.kept();
        let own = kept.owners.get(&task.owner).and_then(|owned| owned.place(task.id));
        let Some(own) = own else { return done(0) };
        let others = kept.owners.iter().filter(|(owner, _)| **owner != task.owner);
        let before: usize = others.map(|(_, owned)| owned.queue.len().min(own + 1)).sum();
        done(len(own + before))
    }

    fn claim(&self, holder: Holder, per_owner: usize) -> Reply<'_, Option<Work>> {
        done(self.claim_now(holder, per_owner))
    }

    fn note<'a>(&'a self, holder: Holder, id: TaskId, message: &'a str) -> Reply<'a, bool> {
        done(self.held(holder, id, |kept| {
            let Some(entry) = kept.tasks.get_mut(&id) else { return false };
            let changes = entry.task.state == State::Running && entry.task.message != message;
            if changes {
                message.clone_into(&mut entry.task.message);
                entry.task.updated_at = Utc::now();
            }
            changes
        }))
    }

    fn ask(&self, holder: Holder, id: TaskId, pending: BTreeMap<String, String>) -> Reply<'_, bool> {
        done(self.held(holder, id, |kept| {
            let task = kept.tasks.get_mut(&id).map(|entry| &mut entry.task);
            task.filter(|task| task.state == State::Running)
                .map(|task| task.inputs = Inputs { pending, given: BTreeMap::new() })
                .is_some()
        }))
    }

    fn respond<'a>(
        &'a self,
        owner: &'a Owner,
        id: TaskId,
        responses: &'a BTreeMap<String, String>,
    ) -> Reply<'a, bool> {
        let mut kept = self.kept();
        let entry = kept.tasks.get_mut(&id).filter(|entry| entry.task.owner == *owner);
        let Some(entry) = entry else { return done(false) };
        let taken = entry.task.state == State::Running && entry.task.inputs.take(responses);
        drop(kept);
        if taken {
            self.changed(id, false);
        }
        done(true)
    }

    fn append(&self, holder: Holder, id: TaskId, chunk: Vec<u8>) -> Reply<'_, bool> {
        done(self.append_now(holder, id, chunk))
    }

    fn close_pages<'a>(&'a self, holder: Holder, id: TaskId, end: &'a str) -> Reply<'a, bool> {
        done(self.close_now(holder, id, end))
    }

    fn chunk<'a>(&'a self, owner: &'a Owner, id: TaskId, number: u32) -> Reply<'a, Option<Vec<u8>>> {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let chunk = self.kept().of(owner, id).map_or(Ok(None), |entry| entry.chunks.get(id, number));
        std::future::ready(chunk).boxed()
    }

    fn finish(&self, holder: Holder, id: TaskId, end: End) -> Reply<'_, bool> {
        done(self.finish_now(holder, id, end))
    }

    fn open(&self, most: usize) -> Reply<'_, Vec<Task>> {
        let kept = self.kept();
        let open = |entry: &&Entry| entry.task.listed && !entry.task.state.is_terminal();
        let mut found: Vec<&Entry> = kept.tasks.values().filter(open).collect();
        found.sort_by_key(|entry| entry.number);
        let tasks = found.into_iter().take(most).map(|entry| entry.task.clone()).collect();
        drop(kept);
        done(tasks)
    }

    fn cancel<'a>(&'a self, owner: &'a Owner, id: TaskId, message: &'a str) -> Reply<'a, Cancel> {
        done(self.cancel_now(owner, id, message))
    }

    fn hand_over<'a>(&'a self, holder: Holder, reason: &'a str) -> Reply<'a, ()> {
        self.hand_over_now(holder, reason);
        done(())
    }

    fn beat<'a>(&'a self, _holder: Holder, _reason: &'a str) -> Reply<'a, ()> {
        self.forget_expired();
        done(())
    }

    fn states(&self) -> Reply<'_, Vec<(State, usize)>> {
        let kept = self.kept();
        let of = |state| kept.tasks.values().filter(|entry| entry.task.state == state).count();
        done(State::ALL.into_iter().map(|state| (state, of(state))).collect())
    }

    fn forget<'a>(&'a self, owner: &'a Owner) -> Reply<'a, ()> {
        self.forget_now(owner);
        done(())
    }

    fn heartbeat(&self) -> Duration {
        self.pace.heartbeat
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}
