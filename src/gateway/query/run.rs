//! One question, from the caller's text to the encoded rows. It does not know who waits for it.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::decide::NO_POLICY;
use super::live::Live;
use super::paged::{FirstPage, Paged};
use super::repair::repaired;
use super::reply::{self, Rest};
use crate::db::{Progress, Ran, RunLimits};
use crate::gateway::admission::Admitted;
use crate::gateway::operations::Doing;
use crate::gateway::saved::unspoken;
use crate::gateway::tasks::{PagesEnd, Question};
use crate::gateway::visible::Visible;
use crate::gateway::{CallLimits, Gateway, QueryOutput, QueryRequest, Served};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Policy;
use crate::tasks::TaskId;
use crate::telemetry::{Event, Outcome, Statement};

/// A database that has not become ready by then refuses the call.
const UNTIL_READY: Duration = Duration::from_secs(40);
/// A task that its owner's other statements leave no place looks again after this.
const NO_PLACE: Duration = Duration::from_millis(100);

/// What every step of one run needs.
pub(in crate::gateway) struct Run {
    pub gateway: Gateway,
    pub question: Question,
    /// In logs and errors.
    pub query_id: String,
    pub live: Arc<Live>,
    /// Its record in the store, once there is one.
    pub stored: OnceLock<TaskId>,
    /// The version of the policy that it runs under.
    pub policy: OnceLock<String>,
    /// Its first page is full: whoever waits for it has it in a moment.
    pub giving: AtomicBool,
}

/// A run that ended well.
pub(in crate::gateway) enum Finished {
    Whole(QueryOutput),
    /// The first page was given away before.
    Pages(PagesEnd),
}

impl Run {
    pub(in crate::gateway) fn new(
        gateway: &Gateway,
        question: Question,
        progress: Arc<Progress>,
    ) -> Result<Self, Diagnostic> {
        Ok(Self {
            gateway: gateway.clone(),
            question,
            query_id: random_id()?,
            live: Arc::new(Live::new(progress)),
            stored: OnceLock::new(),
            policy: OnceLock::new(),
            giving: AtomicBool::new(false),
        })
    }

    /// Runs to the end. Every refusal and error carries the run's query id.
    pub(in crate::gateway) async fn go(&self, first: FirstPage) -> Result<Finished, Diagnostic> {
        let database = self.question.request.database.as_deref();
        let answer = Box::pin(self.answer(first));
        let finished = match self.gateway.served(database) {
            Ok(served) => served.policies.guard(self.doing(), &self.live.stop, answer).await,
            Err(_) => answer.await,
        };
        finished.map_err(|refusal| self.named(refusal))
    }

    fn doing(&self) -> Doing<'_> {
        Doing {
            caller: &self.question.caller,
            writes: false,
            kind: "query",
            query_id: &self.query_id,
            statement: Some(Statement::Asked(&self.question.request.sql)),
        }
    }

    pub(super) fn named(&self, refusal: Diagnostic) -> Diagnostic {
        Diagnostic { query_id: Some(self.query_id.clone()), ..refusal }
    }

    async fn answer(&self, first: FirstPage) -> Result<Finished, Diagnostic> {
        let (request, caller) = (&self.question.request, &self.question.caller);
        let served = self.gateway.served(request.database.as_deref())?;
        let source = served.policies.of(caller);
        let source = source.inspect_err(|refusal| self.report_refusal(served, NO_POLICY, refusal))?;
        // From here to the end of the run, whatever is reloaded.
        let pinned = source.pin();
        let policy = pinned.policy();
        let within = self.gateway.limits.within(policy);
        let rows = rows(request.limit, &within)?;
        let admitted = self.admitted(served, policy).await;
        let _admitted =
            admitted.inspect_err(|refusal| self.report_refusal(served, policy.version(), refusal))?;
        let seen = served.seen_by(caller);
        let seen = &seen.inspect_err(|refusal| self.report_refusal(served, policy.version(), refusal))?;
        let ready = within.deadline.min(UNTIL_READY);
        let catalog = seen.catalog(ready, &self.live.stop).await?;
        let statement = self.decide(seen, &pinned, &within, Arc::clone(&catalog)).await?;
        let checked = statement.checked();

        // Nobody else sets them.
        let _ = self.policy.set(policy.version().to_owned());
        let _ = self.live.relations.set(checked.relations().to_vec());
        let who = self.question.caller.key();
        let _share = seen.shares.take(&who, self.left(&within), &self.live.stop).await?;
        let limits = RunLimits {
            rows,
            field_chars: within.field_characters,
            deadline: self.left(&within),
            planner: policy.planner_limits().copied(),
        };
        let whole = checked.whole_relation().and_then(|name| catalog.relation(name));
        let about = whole.and_then(|relation| relation.row_estimate);
        let notices = with_notes(request, checked.notices());
        let mut sink = Paged::new(self, &within, policy.version(), &notices, (rows, about), first);
        let started = Instant::now();
        let run = seen.database.run_watched(
            &statement,
            &request.params,
            &limits,
            &mut sink,
            &self.live.progress,
            &self.live.stop,
        );
        let ran = run.await.map_err(|error| repaired(error, &Visible::new(&catalog, policy)));
        self.report_run(served, &ran, sink.bytes(), started.elapsed());
        let ran = ran.map_err(|error| unspoken(error, request));
        match sink.end(ran).await? {
            Ok((ran, encoder, cut)) => {
                let notices = with_notes(request, &ran.notices);
                let tool = request.saved.as_ref().map(|saved| saved.tool.as_str());
                let counts = &self.gateway.telemetry;
                let rest = Rest { cut, notices: &notices, next: None, about, tool, counts };
                reply::reply(&rest, encoder, rows, &within).map(Finished::Whole)
            }
            Err(pages) => Ok(Finished::Pages(pages)),
        }
    }

    /// Takes one of the caller's places. A task waits for one; a call is refused.
    async fn admitted(&self, served: &Served, policy: &Policy) -> Result<Option<Admitted>, Diagnostic> {
        let Some(limits) = policy.caller_limits() else { return Ok(None) };
        loop {
            let (admission, who) = (&self.gateway.admission, self.question.caller.key());
            match admission.admit(served.name(), &who, limits, Instant::now()) {
                Err(refusal) if refusal.retryable && self.stored.get().is_some() => {
                    tokio::select! {
                        () = self.live.stop.cancelled() => return Err(refusal),
                        () = tokio::time::sleep(NO_PLACE) => {}
                    }
                }
                answer => return answer.map(Some),
            }
        }
    }

    /// Of the run's time.
    pub(super) fn left(&self, within: &CallLimits) -> Duration {
        within.deadline.saturating_sub(self.live.started.elapsed())
    }

    fn report_run(&self, served: &Served, ran: &Result<Ran, Diagnostic>, bytes: u64, took: Duration) {
        let sqlstate = ran.as_ref().err().map(|error| error.sqlstate);
        self.gateway.telemetry.emit(&Event::Run {
            query_id: &self.query_id,
            who: self.question.caller.who(),
            database: served.name(),
            kind: "query",
            outcome: Outcome::of(sqlstate),
            sqlstate,
            rows: ran.as_ref().map_or(0, |ran| ran.rows),
            bytes,
            truncated: ran.as_ref().is_ok_and(|ran| ran.truncated.is_some()),
            took,
        });
        self.gateway.report_stop(served.name(), &self.query_id, ran.as_ref().err(), &self.live.stop);
    }
}

/// How the rows of a saved query are to be read comes first.
fn with_notes(request: &QueryRequest, notices: &[Diagnostic]) -> Vec<Diagnostic> {
    let notes = request.saved.as_ref().and_then(|saved| saved.notes.as_ref());
    let notes = notes.map(|notes| Diagnostic::refused(SqlState::parse("01000"), notes));
    notes.into_iter().chain(notices.iter().cloned()).collect()
}

/// Rows of the answer, all its pages together.
fn rows(limit: Option<u64>, within: &CallLimits) -> Result<u64, Diagnostic> {
    match limit {
        Some(0) => {
            let refusal = Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, "`limit` is 0");
            Err(refusal.hint(format!("set `limit` to 1 or more, at most {}", within.rows)))
        }
        Some(limit) => Ok(limit.min(within.rows)),
        None => Ok(within.rows),
    }
}

/// Sixteen hexadecimal digits.
pub(in crate::gateway) fn random_id() -> Result<String, Diagnostic> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| {
        Diagnostic::refused(SqlState::INTERNAL_ERROR, "the operating system gave no random bytes")
    })?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}
