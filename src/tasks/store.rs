//! Where tasks are kept.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::{End, Holder, NewTask, Owner, State, Task, TaskId, Work};
use crate::pg::Diagnostic;

pub type Reply<'a, T> = BoxFuture<'a, Result<T, Diagnostic>>;

/// What became of a wish to cancel.
#[derive(Clone, PartialEq, Debug)]
pub enum Cancel {
    /// The task was open and is cancelled now.
    Done(Task),
    /// It had ended before.
    TooLate(Task),
    /// Of this owner there is no such task.
    Unknown,
}

/// Something happened to a task: its state, its message, its pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    pub id: TaskId,
    /// It is cancelled: whoever works on it stops.
    pub cancelled: bool,
}

/// INVARIANT: whatever names an [`Owner`] finds only that owner's tasks; a task of another one is as good as none. Only
/// the [`Holder`] of a task changes it, but for its owner's cancel; for anybody else the answer is `false`.
pub trait Store: Send + Sync + Debug {
    /// Refuses where the owner, or all together, have too many open ones.
    fn create(&self, new: NewTask) -> Reply<'_, Task>;

    fn get<'a>(&'a self, owner: &'a Owner, id: TaskId) -> Reply<'a, Option<Task>>;

    /// Listed tasks, the newest first; those created before `before`.
    fn list<'a>(&'a self, owner: &'a Owner, before: Option<TaskId>, most: usize) -> Reply<'a, Vec<Task>>;

    /// An open listed task with this fingerprint. Asked at the beginning of every call: it must cost nothing where the
    /// owner has none; one that another process has made within the last moments may be missed.
    fn same<'a>(&'a self, owner: &'a Owner, fingerprint: [u8; 32]) -> Reply<'a, Option<Task>>;

    /// Queued tasks that are before this one's turn.
    fn ahead<'a>(&'a self, task: &'a Task) -> Reply<'a, u64>;

    /// The queued task whose turn it is: of the owner with the fewest running ones, who has fewer than `per_owner`; the
    /// oldest of that owner's.
    fn claim(&self, holder: Holder, per_owner: usize) -> Reply<'_, Option<Work>>;

    /// Sets the message of a running task.
    fn note<'a>(&'a self, holder: Holder, id: TaskId, message: &'a str) -> Reply<'a, bool>;

    /// Asks the owner's client for something. A holder that takes the task over asks again.
    fn ask(&self, holder: Holder, id: TaskId, pending: BTreeMap<String, String>) -> Reply<'_, bool>;

    /// Gives responses to what a task asks for; what it does not ask for is passed by. `false` where the owner has no such
    /// task.
    fn respond<'a>(
        &'a self,
        owner: &'a Owner,
        id: TaskId,
        responses: &'a BTreeMap<String, String>,
    ) -> Reply<'a, bool>;

    /// Adds a chunk to an answer with open pages. `false` too where it would be more than may be stored.
    fn append(&self, holder: Holder, id: TaskId, chunk: Vec<u8>) -> Reply<'_, bool>;

    /// Says what stands behind the last chunk: there will be no other.
    fn close_pages<'a>(&'a self, holder: Holder, id: TaskId, end: &'a str) -> Reply<'a, bool>;

    fn chunk<'a>(&'a self, owner: &'a Owner, id: TaskId, number: u32) -> Reply<'a, Option<Vec<u8>>>;

    /// Ends a running task. `false`: it was cancelled meanwhile, or is another holder's.
    fn finish(&self, holder: Holder, id: TaskId, end: End) -> Reply<'_, bool>;

    /// Open listed tasks of all owners, the oldest first; for those who operate the server.
    fn open(&self, most: usize) -> Reply<'_, Vec<Task>>;

    /// Cancels an open task, and forgets its pages. `message` is for its owner: `cancelled`, and by whom.
    fn cancel<'a>(&'a self, owner: &'a Owner, id: TaskId, message: &'a str) -> Reply<'a, Cancel>;

    /// The holder ends: its running tasks go back to the queue, and open pages are closed with `reason`. A task that was
    /// begun too often, or of which rows were given away, is completed with `reason` as its answer.
    fn hand_over<'a>(&'a self, holder: Holder, reason: &'a str) -> Reply<'a, ()>;

    /// Says that the holder lives; does as [`Self::hand_over`] does for those that are dead; forgets what has expired.
    fn beat<'a>(&'a self, holder: Holder, reason: &'a str) -> Reply<'a, ()>;

    /// How many tasks there are in each state, all owners' together.
    fn states(&self) -> Reply<'_, Vec<(State, usize)>>;

    /// Forgets all that an owner has; for a revoked one.
    fn forget<'a>(&'a self, owner: &'a Owner) -> Reply<'a, ()>;

    /// How often [`Self::beat`] has to come.
    fn heartbeat(&self) -> Duration;

    /// What happens from now on, here and in other processes.
    fn changes(&self) -> broadcast::Receiver<Change>;
}
