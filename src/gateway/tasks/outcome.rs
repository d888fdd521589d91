//! Waiting for what comes of a task.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Answer, Answered, Question, bug, policy_changed, read};
use crate::auth::Caller;
use crate::gateway::{Asked, Gateway};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::{State, Task, TaskId};

/// Stands for waits that no clock can hold.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

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
        self.may_call(caller)?;
        let until = Instant::now() + patience.min(LONGEST);
        let mut changes = self.task_changes();
        loop {
            let Some(task) = self.desk.mine(caller, id).await? else { return Ok(None) };
            if task.state.is_terminal() {
                return self.answer_of(caller, task)?.map(|answered| match answered {
                    Answered::Rows(output) => Some(Asked::Rows(output)),
                    Answered::Result(result) => Some(Asked::Result(result)),
                });
            }
            // Nothing comes of it before its owner has answered.
            let waits = !task.inputs.pending.is_empty();
            let over = waits || Instant::now() >= until || cancel.is_cancelled();
            if over {
                return self.desk.view(task).await.map(|view| Some(Asked::Task(view)));
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => {}
                // Whatever it was, the task is looked at.
                _ = timeout_at(until, changes.next_one(id)) => {}
            }
        }
    }

    fn answer_of(&self, caller: &Caller, task: Task) -> Result<Answer, Diagnostic> {
        match (task.state, task.answer) {
            (State::Completed | State::Failed, Some(answer)) => {
                let (answer, policy) = read(&answer)?;
                if let (Some(policy), true) = (policy, answer.is_ok()) {
                    // It may have been waited for.
                    self.now().still_decides(caller, &task.question, &policy)?;
                }
                Ok(answer)
            }
            (State::Cancelled, _) => {
                let message = format!("the task was {}", task.message);
                Ok(Err(Diagnostic::refused(SqlState::QUERY_CANCELED, message)))
            }
            _ => Err(bug("a task has ended without an answer")),
        }
    }

    /// What was read under one policy is not shown under another.
    fn still_decides(&self, caller: &Caller, question: &str, policy: &str) -> Result<(), Diagnostic> {
        let question = Question::from_text(question)?;
        let served = self.served(question.request.database.as_deref())?;
        match served.policies.of(caller)?.pin().policy().version() == policy {
            true => Ok(()),
            false => Err(policy_changed()),
        }
    }
}
