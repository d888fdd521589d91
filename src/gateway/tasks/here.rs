//! Tasks that no other process could run: those under a caller's own login, which is in memory here and nowhere else. They
//! never wait in the queue.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Question;
use crate::db::Progress;
use crate::gateway::query::Run;
use crate::gateway::{Gateway, TaskView};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::Owner;

impl Gateway {
    /// It would run under its caller's own login.
    pub(super) fn needs_login(&self, question: &Question) -> bool {
        let served = self.served(question.request.database.as_deref());
        served.is_ok_and(|served| served.needs_login(&question.caller))
    }

    /// Begins it as a task of this process, where its owner has a place.
    pub(super) async fn begin_now(&self, question: Question) -> Result<TaskView, Diagnostic> {
        let most = self.desk.settings().running_per_owner;
        let Some(_opening) = self.desk.opening(Owner::of(&question.caller)) else {
            return Err(too_many(most));
        };
        let run = Arc::new(Run::new(self, question, Arc::<Progress>::default())?);
        let id = self.desk.open_record(&run, true).await?;
        // Nobody waits for its first page.
        let (first, _) = oneshot::channel();
        let going = Box::pin({
            let run = Arc::clone(&run);
            async move { run.go(first).await }
        });
        self.go_on(Arc::clone(&run), going);
        let task = self.desk.mine(&run.question.caller, id).await?;
        self.desk.view(task.ok_or_else(|| super::bug("a task is gone"))?).await
    }
}

fn too_many(most: usize) -> Diagnostic {
    let message =
        format!("{most} of your queries are running as tasks, the most that one person may have at once");
    let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
    Diagnostic { retryable: true, ..refusal.rule("limits.tasks") }.hint(
        "under one's own login no task waits its turn: wait for one to end, or cancel one, then ask again",
    )
}
