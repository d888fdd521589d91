//! Questions that outlive their call: the runs of this process, their records in the store, and what their owners may
//! do with them.

mod answer;
mod changes;
mod desk;
mod here;
mod opening;
mod outcome;
mod question;
mod recent;
mod status;
mod waits;
mod work;
mod worker;

pub(super) use answer::{
    Answer, Answered, PagesEnd, PagesHeader, from_text, policy_changed, read, to_text, write,
};
pub use changes::Changes;
pub(super) use desk::Desk;
pub(super) use question::Question;
pub(crate) use question::digest_of;
pub use work::Working;
pub(super) use worker::work;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Gateway, QueryRequest, TaskView};
use crate::auth::Caller;
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::{Cancel, NewTask, Owner, TaskId, TaskSettings};

/// What a task says that its owner has cancelled.
const CANCELLED: &str = "cancelled";

/// What became of a wish to cancel, for the task's owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cancelled {
    Done(TaskView),
    TooLate(TaskView),
}

impl Gateway {
    /// Stores a question to be asked as soon as it is its turn. A question that is open already is not asked twice.
    pub async fn submit(
        &self,
        caller: &Caller,
        request: QueryRequest,
        ttl: Option<Duration>,
    ) -> Result<TaskView, Diagnostic> {
        self.may_call(caller)?;
        let question = Question::new(caller, request);
        let owner = Owner::of(caller);
        let fingerprint = question.fingerprint()?;
        if let Some(open) = self.desk.same(caller, fingerprint).await? {
            return self.desk.view(open).await;
        }
        if self.needs_login(&question) {
            return self.begin_now(question).await;
        }
        let new = NewTask {
            id: TaskId::random()?,
            owner,
            question: question.to_text()?,
            fingerprint,
            listed: true,
            ttl: self.desk.settings().granted_ttl(ttl),
            holder: None,
            message: status::QUEUED.to_owned(),
        };
        let task = self.desk.store().create(new).await?;
        self.desk.wake();
        self.desk.view(task).await
    }

    pub fn task_settings(&self) -> &TaskSettings {
        self.desk.settings()
    }

    /// What happens to tasks from now on.
    pub fn task_changes(&self) -> Changes {
        Changes::new(self.desk.changes())
    }

    /// `None` where the caller has no such task.
    /// Who asks more often than asked to is told the same again, and costs the store nothing.
    pub async fn task(&self, caller: &Caller, id: TaskId) -> Result<Option<TaskView>, Diagnostic> {
        let recent = self.desk.recent();
        if let Some(view) = recent.view(caller, id, self.desk.settings().poll_interval) {
            return Ok(Some(view));
        }
        let Some(task) = self.desk.mine(caller, id).await? else { return Ok(None) };
        let view = self.desk.view(task).await?;
        recent.remember(caller, view.clone());
        Ok(Some(view))
    }

    /// The caller's tasks, the newest first: those behind `after`, at most `most`.
    pub async fn list_tasks(
        &self,
        caller: &Caller,
        after: Option<TaskId>,
        most: usize,
    ) -> Result<Vec<TaskView>, Diagnostic> {
        let tasks = self.desk.store().list(&Owner::of(caller), after, most).await?;
        let mut views = Vec::with_capacity(tasks.len());
        for task in tasks.into_iter().filter(|task| desk::is_of(caller, task)) {
            views.push(self.desk.view(task).await?);
        }
        Ok(views)
    }

    /// Responses of the owner's client to what a task asks for, as JSON by key. `None` where the caller has no such task.
    pub async fn respond(
        &self,
        caller: &Caller,
        id: TaskId,
        responses: &BTreeMap<String, String>,
    ) -> Result<Option<()>, Diagnostic> {
        if self.desk.mine(caller, id).await?.is_none() {
            return Ok(None);
        }
        let known = self.desk.store().respond(&Owner::of(caller), id, responses).await?;
        self.desk.recent().forget(id);
        Ok(known.then_some(()))
    }

    /// Ends and forgets all that a caller has: for one whose access is revoked.
    pub async fn forget(&self, caller: &Caller) -> Result<(), Diagnostic> {
        self.everything_served().iter().for_each(|served| served.close_logins(&caller.key()));
        self.forget_tasks(caller).await
    }

    /// The same of what the caller has by this client, where the person has others.
    pub async fn forget_tasks(&self, caller: &Caller) -> Result<(), Diagnostic> {
        let owner = Owner::of(caller);
        self.desk.store().forget(&owner).await?;
        self.desk.stop_all_of(&owner);
        Ok(())
    }

    /// Ends a person's own logins to that database, and what runs under them. `person` as in [`Caller::key`].
    pub fn close_login(&self, person: &str, database: &str) {
        let served = self.everything_served().into_iter().filter(|served| served.name() == database);
        served.for_each(|served| served.close_logins(person));
    }

    /// Ends the task in PostgreSQL too, here or on the replica that runs it.
    pub async fn cancel_task(&self, caller: &Caller, id: TaskId) -> Result<Option<Cancelled>, Diagnostic> {
        if self.desk.mine(caller, id).await?.is_none() {
            return Ok(None);
        }
        let cancel = self.desk.store().cancel(&Owner::of(caller), id, CANCELLED).await;
        self.desk.recent().forget(id);
        match cancel? {
            Cancel::Unknown => Ok(None),
            Cancel::TooLate(task) => {
                // The rows behind its first page may still be on their way.
                self.desk.stop(id);
                self.desk.view(task).await.map(Cancelled::TooLate).map(Some)
            }
            Cancel::Done(task) => {
                self.desk.stop(id);
                self.desk.view(task).await.map(Cancelled::Done).map(Some)
            }
        }
    }
}

/// What no caller has done.
pub(super) fn bug(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, message)
}
