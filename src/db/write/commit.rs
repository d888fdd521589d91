//! The end of a transaction that has written.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::failure::{self, Failure, unknown_outcome};
use super::locks::Bounds;
use super::rows::Affected;
use crate::db::error;
use crate::db::lease::Lease;
use crate::db::replicas::Replicas;
use crate::pg::Diagnostic;

const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
/// The same where functions of the database's own have run in a session that is not ours: whatever they left behind is not
/// for the next, so the connection is closed within a transaction, and what can fail of COMMIT fails before it.
const COMMIT_AND_HOLD: &str = "SET CONSTRAINTS ALL IMMEDIATE; COMMIT AND CHAIN";
const ROLLBACK_AND_HOLD: &str = "ROLLBACK AND CHAIN";
/// The least that the answer to COMMIT is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// For the answer to ROLLBACK.
const UNDOING: Duration = Duration::from_secs(5);

/// A statement that has run, with every row as it should be. Dropped, nothing has happened.
pub struct Uncommitted {
    pub(super) lease: Lease,
    pub(super) tasks: TaskTracker,
    /// Where it is not read before it is there.
    pub(super) replicas: Option<Arc<Replicas>>,
    pub(super) failure: Failure,
    pub(super) affected: Affected,
    pub(super) notices: Vec<Diagnostic>,
    /// What it may have locked.
    pub(super) bounds: Bounds,
    /// For the answer to COMMIT: it may wait for a standby, and for deferred constraints, whose time is that of the statement.
    pub(super) patience: Duration,
    /// Nothing of it stays in the session that a reset does not find.
    pub(super) reset: bool,
}

impl Uncommitted {
    /// Rows that the statement changed.
    pub fn rows(&self) -> u64 {
        self.affected.rows
    }

    /// The rows as they were: JSON objects, one a line. Never for callers.
    pub fn old(&self) -> &[u8] {
        &self.affected.old
    }

    /// Rows of its RETURNING that the sink did not take.
    pub fn untaken(&self) -> u64 {
        self.affected.untaken
    }

    pub fn notices(&self) -> &[Diagnostic] {
        &self.notices
    }

    /// Commits. Once begun, it goes on though nobody waits for it.
    pub async fn commit(self) -> Result<(), Diagnostic> {
        let tasks = self.tasks.clone();
        let ended = tasks.spawn(self.committed()).await;
        ended.unwrap_or_else(|_| Err(unknown_outcome()))
    }

    async fn committed(mut self) -> Result<(), Diagnostic> {
        let patience = self.patience.max(PATIENCE);
        let link = self.lease.link().filter(|link| !link.is_closed()).ok_or_else(failure::lost)?;
        let held = link.is_pooled() && !self.reset;
        let commit = if held { COMMIT_AND_HOLD } else { COMMIT };
        match timeout(patience, link.client().batch_execute(commit)).await {
            Ok(Ok(())) => self.is_known_to(Replicas::has_written),
            Ok(Err(failed)) => {
                let told = self.failure.of_commit(&failed);
                if told.rule == unknown_outcome().rule {
                    self.is_known_to(Replicas::may_have_written);
                }
                return Err(told);
            }
            Err(_) => {
                self.is_known_to(Replicas::may_have_written);
                return Err(unknown_outcome());
            }
        }
        self.give_back();
        Ok(())
    }

    /// No replica is read before it has what was written.
    fn is_known_to(&self, how: impl FnOnce(&Replicas)) {
        if let Some(replicas) = self.replicas.as_deref() {
            how(replicas);
        }
    }

    /// Undoes it.
    pub async fn roll_back(mut self) -> Result<(), Diagnostic> {
        let link = self.lease.link().ok_or_else(error::lost)?;
        let held = link.is_pooled() && !self.reset;
        let roll_back = if held { ROLLBACK_AND_HOLD } else { ROLLBACK };
        let undone = timeout(UNDOING, link.client().batch_execute(roll_back)).await;
        undone.map_err(|_| error::lost())?.map_err(|e| error::diagnostic(&e))?;
        self.give_back();
        Ok(())
    }

    /// What functions of the database's own leave behind, no reset is known to find: then the connection is closed.
    fn give_back(self) {
        if self.reset {
            self.lease.end();
        }
    }
}

impl std::fmt::Debug for Uncommitted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uncommitted").field("rows", &self.affected.rows).finish_non_exhaustive()
    }
}
