//! How many tasks there may be, and for how long.

use std::time::Duration;

/// `[tasks]`, of one process, but for the bounds on what is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskSettings {
    /// Tasks that run at once.
    pub running: usize,
    /// Of one owner.
    pub running_per_owner: usize,
    /// Tasks in the store that have not ended.
    pub open: usize,
    /// Of one owner.
    pub open_per_owner: usize,
    /// Bytes of questions, answers and pages in the store.
    pub stored_bytes: u64,
    /// Of one owner.
    pub stored_bytes_per_owner: u64,
    /// Bytes of the pages of one answer, as they are stored.
    pub answer_bytes: u64,
    /// Where a client asks for none.
    pub ttl: Duration,
    /// A client that asks for more gets this.
    pub longest_ttl: Duration,
    /// How often a client should ask.
    pub poll_interval: Duration,
    /// A call that declares the tasks extension becomes a task after this.
    pub task_after: Duration,
    /// A call of any other client is answered with a handle after this; below the time that clients wait.
    pub handle_after: Duration,
}

impl Default for TaskSettings {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            running: 16,
            running_per_owner: 4,
            open: 20_000,
            open_per_owner: 1_000,
            stored_bytes: 512 * MIB,
            stored_bytes_per_owner: 128 * MIB,
            answer_bytes: 64 * MIB,
            ttl: Duration::from_secs(60 * 60),
            longest_ttl: Duration::from_secs(24 * 60 * 60),
            poll_interval: Duration::from_secs(1),
            task_after: Duration::from_secs(2),
            handle_after: Duration::from_secs(45),
        }
    }
}

impl TaskSettings {
    /// What a client gets that asks for `wanted`.
    pub fn granted_ttl(&self, wanted: Option<Duration>) -> Duration {
        wanted.unwrap_or(self.ttl).min(self.longest_ttl)
    }
}
