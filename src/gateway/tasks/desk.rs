//! The runs of this process that have a record in the store.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use tokio::sync::{Notify, broadcast};
use tokio_util::task::TaskTracker;

use super::recent::Recent;
use super::{Answered, PagesEnd, Question, bug, status, to_text, write};
use crate::auth::Caller;
use crate::gateway::TaskView;
use crate::gateway::query::{Finished, Live, Run};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::{Change, End, Holder, NewTask, Owner, State, Store, Task, TaskId, TaskSettings};

#[derive(Debug)]
pub(in crate::gateway) struct Desk {
    store: Arc<dyn Store>,
    settings: TaskSettings,
    /// This process.
    holder: Holder,
    here: Mutex<HashMap<TaskId, Here>>,
    /// Whose runs are about to have a record.
    pub(super) opening: Mutex<Vec<Owner>>,
    recent: Recent,
    runs: TaskTracker,
    woken: Notify,
}

/// One run of this process.
#[derive(Clone, Debug)]
pub(super) struct Here {
    pub(super) live: Arc<Live>,
    pub(super) owner: Owner,
    pub(super) database: Option<String>,
    /// Of a question.
    query_id: Option<String>,
}

impl Desk {
    pub(in crate::gateway) fn new(store: Arc<dyn Store>, settings: TaskSettings, holder: Holder) -> Self {
        Self {
            recent: Recent::new(store.changes()),
            store,
            settings,
            holder,
            here: Mutex::default(),
            opening: Mutex::default(),
            runs: TaskTracker::new(),
            woken: Notify::new(),
        }
    }

    pub(in crate::gateway) fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(in crate::gateway) fn settings(&self) -> &TaskSettings {
        &self.settings
    }

    pub(in crate::gateway) fn holder(&self) -> Holder {
        self.holder
    }

    pub(in crate::gateway) fn changes(&self) -> broadcast::Receiver<Change> {
        self.store.changes()
    }

    /// Runs that outlive their calls.
    pub(in crate::gateway) fn runs(&self) -> &TaskTracker {
        &self.runs
    }

    /// There is something to do in the queue.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Makes the record of a run that has begun. `listed`: its owner is told of it.
    pub(in crate::gateway) async fn open_record(
        &self,
        run: &Run,
        listed: bool,
    ) -> Result<TaskId, Diagnostic> {
        let new = NewTask {
            id: TaskId::random()?,
            owner: Owner::of(&run.question.caller),
            question: run.question.to_text()?,
            fingerprint: run.question.fingerprint()?,
            listed,
            ttl: self.settings.ttl,
            holder: Some(self.holder),
            message: status::running(&run.live),
        };
        let id = self.store.create(new).await?.id;
        self.register(id, run);
        Ok(id)
    }

    pub(super) fn register_work(&self, id: TaskId, live: &Arc<Live>, owner: Owner) {
        self.here().insert(id, Here { live: Arc::clone(live), owner, database: None, query_id: None });
    }

    pub(super) fn unregister(&self, id: TaskId) {
        self.here().remove(&id);
        self.recent.forget(id);
    }

    /// The run can be found and stopped by its record from here on.
    pub(super) fn register(&self, id: TaskId, run: &Run) {
        // A run has one record: nobody else sets it.
        let _ = run.stored.set(id);
        let here = Here {
            live: Arc::clone(&run.live),
            owner: Owner::of(&run.question.caller),
            database: run.question.request.database.clone(),
            query_id: Some(run.query_id.clone()),
        };
        self.here().insert(id, here);
    }

    /// Runs to the end, and writes what came of it into its record. A panic ends the task, not the process: nothing
    /// stays running for ever.
    pub(in crate::gateway) async fn see_through(
        &self,
        run: &Run,
        going: impl Future<Output = Result<Finished, Diagnostic>>,
    ) {
        let finished = AssertUnwindSafe(going).catch_unwind().await;
        let finished = finished.unwrap_or_else(|_| Err(bug("the run ended unexpectedly")));
        self.close_record(run, finished).await;
    }

    /// Writes what came of a run into its record.
    pub(in crate::gateway) async fn close_record(&self, run: &Run, finished: Result<Finished, Diagnostic>) {
        let Some(id) = run.stored.get() else { return };
        if let Err(error) = self.write_end(*id, finished, run.policy.get().map(String::as_str)).await {
            tracing::error!(error = error.message, "the end of a task could not be stored");
        }
        self.here().remove(id);
        self.recent.forget(*id);
        self.wake();
    }

    async fn write_end(
        &self,
        id: TaskId,
        finished: Result<Finished, Diagnostic>,
        policy: Option<&str>,
    ) -> Result<(), Diagnostic> {
        let answer = match finished {
            Ok(Finished::Pages(end)) => {
                self.store.close_pages(self.holder, id, &to_text(&end)?).await?;
                return Ok(());
            }
            Ok(Finished::Whole(output)) => Ok(Answered::Rows(output)),
            Err(refusal) => Err(refusal),
        };
        let end = match &answer {
            Err(fault) if fault.sqlstate == SqlState::INTERNAL_ERROR => {
                End::Failed { reason: write(&answer, policy)? }
            }
            _ => End::Completed { answer: write(&answer, policy)?, pages: None },
        };
        // Where it was cancelled meanwhile, that holds.
        self.store.finish(self.holder, id, end).await?;
        Ok(())
    }

    /// The caller's task, as long as the caller is who asked: with other claims other rows would be theirs.
    pub(in crate::gateway) async fn mine(
        &self,
        caller: &Caller,
        id: TaskId,
    ) -> Result<Option<Task>, Diagnostic> {
        let task = self.store.get(&Owner::of(caller), id).await?;
        Ok(task.filter(|task| is_of(caller, task)))
    }

    /// The caller's open task with this question. What the store found by is held against what was sealed.
    pub(in crate::gateway) async fn same(
        &self,
        caller: &Caller,
        fingerprint: [u8; 32],
    ) -> Result<Option<Task>, Diagnostic> {
        let task = self.store.same(&Owner::of(caller), fingerprint).await?;
        Ok(task.filter(|task| task.fingerprint == fingerprint && is_of(caller, task)))
    }

    /// Stops the run in PostgreSQL, if it is one of this process.
    pub(in crate::gateway) fn stop(&self, id: TaskId) {
        if let Some(here) = self.here().get(&id) {
            here.live.stop.cancel();
        }
    }

    pub(super) fn stop_all_of(&self, owner: &Owner) {
        for (id, here) in self.here().iter().filter(|(_, here)| here.owner == *owner) {
            here.live.stop.cancel();
            self.recent.forget(*id);
        }
    }

    /// The questions of this process that have a record.
    pub(in crate::gateway) fn query_ids(&self) -> BTreeMap<TaskId, String> {
        let here = self.here();
        here.iter().filter_map(|(id, here)| Some((*id, here.query_id.clone()?))).collect()
    }

    /// It is asked about anew.
    pub(in crate::gateway) fn forget_recent(&self, id: TaskId) {
        self.recent.forget(id);
    }

    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    pub(super) fn here(&self) -> MutexGuard<'_, HashMap<TaskId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task with the newest that is known of it.
    pub(in crate::gateway) async fn view(&self, task: Task) -> Result<TaskView, Diagnostic> {
        let message = match task.state {
            State::Queued => status::queued(self.store.ahead(&task).await?),
            State::Running => {
                let here = self.here().get(&task.id).cloned();
                here.map_or(task.message, |here| status::running(&here.live))
            }
            State::Completed | State::Failed | State::Cancelled => task.message,
        };
        Ok(TaskView {
            id: task.id,
            state: task.state,
            message,
            created_at: task.created_at,
            updated_at: task.updated_at,
            ttl: task.ttl,
            poll_interval: self.settings.poll_interval,
            pending: task.inputs.pending,
        })
    }

    /// Words for open pages and running tasks whose process ends.
    pub(super) fn interrupted() -> Result<String, Diagnostic> {
        let fault = Diagnostic::connection(
            SqlState::CONNECTION_FAILURE,
            "the server that read the rows ended before they were all read",
        );
        to_text(&PagesEnd { cut: None, fault: Some(fault.hint("ask the question again")) })
            .map_err(|_| bug("what belongs to an answer could not be written"))
    }
}

/// Who asked stands in the sealed question too: a row that was given to another owner behind the store's back is nobody's.
/// Work of other tools has no question.
pub(in crate::gateway) fn is_of(caller: &Caller, task: &Task) -> bool {
    Question::from_text(&task.question).map_or(true, |question| question.is_of(caller))
}
