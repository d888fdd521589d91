//! The tool `query`: one statement from the caller's text to the encoded answer, or to a task where that takes longer
//! than the caller waits.

mod decide;
mod live;
mod paged;
mod repair;
mod reply;
mod run;
mod statements;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub(super) use decide::{NO_POLICY, names_something_unknown};
pub(super) use live::Live;
pub(super) use repair::repaired;
pub(super) use reply::{Cut, Rest, reply};
pub(super) use run::{Finished, Run, random_id};
pub(super) use statements::Statements;

use super::tasks::{Question, bug};
use super::{Asked, Gateway, QueryOutput, QueryRequest, TaskView};
use crate::auth::Caller;
use crate::db::Progress;
use crate::pg::Diagnostic;
use crate::tasks::{Owner, TaskId};

/// How long a caller waits, and what they watch meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    /// `None`: as long as it takes.
    pub wait: Option<Duration>,
    /// The same where there is no place for a task; at least `wait`.
    pub at_most: Option<Duration>,
    pub progress: Arc<Progress>,
}

/// What becomes of a run that its caller waits for no longer.
enum Place {
    /// It goes on, under this record.
    Goes(TaskId),
    /// It ends, and is asked again in its turn.
    Waits(TaskView),
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
            Asked::Task(_) | Asked::Result(_) => Err(bug("nobody waits for the answer")),
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
        let question = Question::new(caller, request);
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
            // Its trace goes with it where it outlives the call.
            async move { run.go(first).await }.in_current_span()
        });
        let begun = Instant::now();
        let at = |wait: Option<Duration>| wait.and_then(|wait| begun.checked_add(wait));
        let (mut until, mut at_most) = (at(patience.wait), at(patience.at_most));
        let place = loop {
            let over = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                finished = &mut going => return self.done(&run, finished, &mut first_page).await,
                Ok(page) = &mut first_page, if !first_page.is_terminated() => {
                    self.go_on(run, going);
                    return Ok(Asked::Rows(page));
                }
                () = cancel.cancelled() => {
                    run.live.stop.cancel();
                    let finished = going.await;
                    return self.done(&run, finished, &mut first_page).await;
                }
                () = over => {}
            }
            if run.giving.load(Relaxed) {
                until = None;
                continue;
            }
            // The run stands still meanwhile, and makes no record of its own.
            match (self.place(&run).await, at_most.take()) {
                // It may be answered yet.
                (Err(_), Some(later)) if later > Instant::now() => until = Some(later),
                (place, _) => break place,
            }
        };
        match place {
            Ok(Place::Goes(id)) => {
                // Before anything else can fail: a record whose run is dropped would never end.
                self.go_on(Arc::clone(&run), going);
                let task = self.desk.mine(&run.question.caller, id).await?;
                self.desk.view(task.ok_or_else(|| bug("a task is gone"))?).await.map(Asked::Task)
            }
            Ok(Place::Waits(task)) => {
                run.live.stop.cancel();
                let _ = going.await;
                Ok(Asked::Task(task))
            }
            Err(refusal) => {
                run.live.stop.cancel();
                // Its end is that it was stopped.
                let _ = going.await;
                Err(refusal)
            }
        }
    }

    /// The caller's patience is over: the run becomes a task.
    async fn place(&self, run: &Run) -> Result<Place, Diagnostic> {
        let caller = &run.question.caller;
        if let Some(_opening) = self.desk.opening(Owner::of(caller)) {
            return self.desk.open_record(run, true).await.map(Place::Goes);
        }
        // Others want connections too: it waits for its turn, and begins anew then.
        self.submit(caller, run.question.request.clone(), None).await.map(Place::Waits)
    }

    /// What is left of the run belongs to no call.
    pub(super) fn go_on<G>(&self, run: Arc<Run>, going: Pin<Box<G>>)
    where
        G: Future<Output = Result<Finished, Diagnostic>> + Send + 'static,
    {
        let this = self.clone();
        self.desk.runs().spawn(async move { this.desk.see_through(&run, going).await });
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
                page.map(Asked::Rows).map_err(|_| bug("the first page of the answer is gone"))
            }
            Err(refusal) => Err(refusal),
        }
    }
}
