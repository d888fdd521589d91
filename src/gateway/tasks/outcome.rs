//! Waiting for what comes of a task.

use std::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Answer, bug, read};
use crate::auth::Caller;
use crate::gateway::{Asked, Gateway};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::{Change, Owner, State, Task, TaskId};

/// Stands for waits that no clock can hold.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// A change can be missed (a listener that fell behind, a lost connection to the store): it is looked at again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Gateway {
    /// The rows or the refusal that a task came to; after `patience` still its state. `Ok(None)` where the caller has no
    /// such task. Ends early, with the task's state, when `cancel` fires: the task goes on.
    pub async fn task_outcome(
        &self,
        caller: &Caller,
        id: TaskId,
        patience: Duration,
        cancel: &CancellationToken,
    ) -> Result<Option<Asked>, Diagnostic> {
        let owner = Owner::of(caller);
        let until = Instant::now() + patience.min(LONGEST);
        let mut changes = self.desk.changes();
        loop {
            let Some(task) = self.desk.store().get(&owner, id).await? else { return Ok(None) };
            if task.state.is_terminal() {
                return answer_of(task)?.map(|output| Some(Asked::Rows(output)));
            }
            let over = Instant::now() >= until || cancel.is_cancelled();
            if over {
                return self.desk.view(task).await.map(|view| Some(Asked::Task(view)));
            }
            let look_again = until.min(Instant::now() + LOOK_AGAIN);
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                // Whatever it was, the task is looked at.
                _ = timeout_at(look_again, changed(&mut changes, id)) => {}
            }
        }
    }
}

/// Returns when something may have happened to the task.
pub(super) async fn changed(changes: &mut Receiver<Change>, id: TaskId) {
    loop {
        match changes.recv().await {
            Ok(change) if change.id != id => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

fn answer_of(task: Task) -> Result<Answer, Diagnostic> {
    match (task.state, task.answer) {
        (State::Completed | State::Failed, Some(answer)) => read(&answer),
        (State::Cancelled, _) => {
            Ok(Err(Diagnostic::refused(SqlState::QUERY_CANCELED, "the task was cancelled")))
        }
        _ => Err(bug("a task has ended without an answer")),
    }
}
