//! The tool `query`: one statement from the caller's text to the encoded answer, or to a task where that takes longer
//! than the caller waits.

mod decide;
mod live;
mod paged;
mod reply;
mod run;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub(super) use live::Live;
pub(super) use reply::{Rest, reply};
pub(super) use run::{Finished, Run};

use super::tasks::Question;
use super::{Asked, Gateway, QueryOutput, QueryRequest};
use crate::auth::Caller;
use crate::db::Progress;
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::Owner;

/// How long a caller waits, and what they watch meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// `None`: as long as it takes.
    pub wait: Option<Duration>,
    pub progress: Arc<Progress>,
}

impl Gateway {
    /// As [`Self::ask`], however long it takes.
    pub async fn query(
        &self,
        caller: &Caller,
        request: QueryRequest,
        cancel: &CancellationToken,
    ) -> Result<QueryOutput, Diagnostic> {
        match self.ask(caller, request, Patience::default(), cancel).await? {
            Asked::Rows(output) => Ok(output),
            Asked::Task(_) | Asked::Result(_) => {
                Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, "nobody waits for the answer"))
            }
        }
    }

    /// Checks `request.sql`, runs it and encodes its rows. What is not done within `patience` goes on as a task. `cancel`
    /// ends it, until then; the same question, where it is such a task already, is waited for and not asked again.
    pub async fn ask(
        &self,
        caller: &Caller,
        request: QueryRequest,
        patience: Patience,
        cancel: &CancellationToken,
    ) -> Result<Asked, Diagnostic> {
        let question = Question { caller: caller.clone(), request };
        let owner = Owner::of(caller);
        if let Some(open) = self.desk.same(caller, question.fingerprint()?).await? {
            let wait = patience.wait.unwrap_or(Duration::MAX);
            if let Some(asked) = self.task_outcome(caller, open.id, wait, cancel).await? {
                return Ok(asked);
            }
        }
        let run = Arc::new(Run::new(self, question, patience.progress)?);
        let (first, mut first_page) = oneshot::channel();
        let mut going = Box::pin({
            let run = Arc::clone(&run);
            async move { run.go(first).await }
        });
        let mut until = patience.wait.and_then(|wait| Instant::now().checked_add(wait));
        let page = loop {
            let over = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                finished = &mut going => return self.done(&run, finished, &mut first_page).await,
                page = &mut first_page => break page.ok(),
                () = cancel.cancelled() => {
                    run.live.stop.cancel();
                    let finished = going.await;
                    return self.done(&run, finished, &mut first_page).await;
                }
                () = over => match run.giving.load(Relaxed) {
                    true => until = None,
                    false => break None,
                },
            }
        };
        if page.is_none()
            && run.stored.get().is_none()
            && self.desk.running_of(&owner) >= self.desk.settings().running_per_owner
        {
            // Others want connections too: it waits for its turn, and begins anew then.
            run.live.stop.cancel();
            let _ = going.await;
            return self.submit(caller, run.question.request.clone(), None).await.map(Asked::Task);
        }
        if page.is_none() {
            // The run stands still meanwhile, and makes no record of its own.
            if run.stored.get().is_none()
                && let Err(refusal) = self.desk.open_record(&run, true).await
            {
                run.live.stop.cancel();
                // Its end is that it was stopped.
                let _ = going.await;
                return Err(refusal);
            }
        }
        let this = self.clone();
        let ended = Arc::clone(&run);
        self.desk.runs().spawn(async move { this.desk.see_through(&ended, going).await });
        match (page, run.stored.get()) {
            (Some(page), _) => Ok(Asked::Rows(page)),
            (None, Some(id)) => {
                let task = self.desk.store().get(&owner, *id).await?;
                let task =
                    task.ok_or_else(|| Diagnostic::refused(SqlState::INTERNAL_ERROR, "a task is gone"))?;
                self.desk.view(task).await.map(Asked::Task)
            }
            (None, None) => Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, "a run has no record")),
        }
    }

    /// The run ended while its caller waited.
    async fn done(
        &self,
        run: &Run,
        finished: Result<Finished, Diagnostic>,
        first_page: &mut oneshot::Receiver<QueryOutput>,
    ) -> Result<Asked, Diagnostic> {
        match finished {
            Ok(Finished::Whole(output)) => Ok(Asked::Rows(output)),
            Ok(pages) => {
                self.desk.close_record(run, Ok(pages)).await;
                let page = first_page.try_recv();
                page.map(Asked::Rows).map_err(|_| run::no_page())
            }
            Err(refusal) => Err(refusal),
        }
    }
}
