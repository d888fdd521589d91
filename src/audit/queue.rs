//! Between those who have something to record and the thread that does: bounded in number and in bytes.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use super::fault::Fault;
use super::record::Draft;

/// Tasks that wait.
const MOST: usize = 8 * 1024;
/// Of their records.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// Hears whether its record is there to stay.
pub(super) type Waiting = oneshot::Sender<Result<(), Fault>>;

#[derive(Debug)]
pub(super) enum Task {
    Record(Draft, Option<Waiting>),
    Reopen,
    /// Ends the thread.
    Stop(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(super) struct Queue {
    tasks: SyncSender<Task>,
    bytes: AtomicU64,
    state: Mutex<State>,
}

/// What is not well.
#[derive(Default, Debug)]
struct State {
    /// What the writer says.
    fault: Option<Fault>,
    /// Records that had no place: how many, and when the first of them.
    lost: Option<(u64, DateTime<Utc>)>,
}

impl Queue {
    pub(super) fn new() -> (Self, Receiver<Task>) {
        let (tasks, receiver) = sync_channel(MOST);
        (Self { tasks, bytes: AtomicU64::new(0), state: Mutex::default() }, receiver)
    }

    /// What is to be done besides. Never waits; gives it back where there is no place.
    pub(super) fn order(&self, task: Task) -> Result<(), Task> {
        self.tasks.try_send(task).map_err(|refused| match refused {
            TrySendError::Full(task) | TrySendError::Disconnected(task) => task,
        })
    }

    /// Never waits. `false`: there is no place, and the record is counted as lost.
    pub(super) fn put(&self, draft: Draft, waiting: Option<Waiting>) -> bool {
        let task = Task::Record(draft, waiting);
        let bytes = bytes(&task);
        let held = self.bytes.fetch_add(bytes, Relaxed);
        if held.saturating_add(bytes) <= MOST_BYTES && self.tasks.try_send(task).is_ok() {
            return true;
        }
        self.bytes.fetch_sub(bytes, Relaxed);
        let lost = &mut self.state().lost;
        let (count, since) = lost.unwrap_or_else(|| (0, Utc::now()));
        *lost = Some((count.saturating_add(1), since));
        false
    }

    /// The writer has it.
    pub(super) fn taken(&self, task: &Task) {
        self.bytes.fetch_sub(bytes(task), Relaxed);
    }

    /// Records that were lost since the last call.
    pub(super) fn lost(&self) -> Option<(u64, DateTime<Utc>)> {
        self.state().lost.take()
    }

    /// Also while records that were lost are not told of.
    pub(super) fn failing(&self) -> Option<Fault> {
        let state = self.state();
        state.fault.clone().or_else(|| state.lost.map(|_| Fault::full()))
    }

    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        self.state().fault = fault;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(task: &Task) -> u64 {
    match task {
        Task::Record(draft, _) => u64::try_from(draft.bytes()).unwrap_or(u64::MAX),
        Task::Reopen | Task::Stop(_) => 0,
    }
}
