//! One call that plans statements: the caller's place, their policy in one version, and the gates.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::auth::Caller;
use crate::catalog::{Catalog, Relation};
use crate::db::Planning;
use crate::gateway::admission::Admitted;
use crate::gateway::operations::Doing;
use crate::gateway::query::random_id;
use crate::gateway::share::Taken;
use crate::gateway::visible::Visible;
use crate::gateway::{CallLimits, Gateway, Pinned, Served};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::{self, CheckContext, Explained};
use crate::telemetry::{Event, Outcome, Statement};

/// Longer texts are checked on a thread of their own.
const INLINE_BYTES: usize = 4 * 1024;

pub(super) struct Session<'g> {
    gateway: &'g Gateway,
    caller: &'g Caller,
    /// As the caller sees it.
    pub served: Served,
    pub pinned: Pinned<'g>,
    pub catalog: Arc<Catalog>,
    pub limits: CallLimits,
    query_id: String,
    started: Instant,
    _admitted: Option<Admitted>,
}

/// A session for plans, with the caller's share of the pool.
pub(super) struct Planner {
    pub planning: Planning,
    _share: Taken,
}

impl<'g> Session<'g> {
    pub async fn begin(
        gateway: &'g Gateway,
        caller: &'g Caller,
        database: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<Self, Diagnostic> {
        let started = Instant::now();
        let served = gateway.served(database)?;
        let pinned = served.policies.of(caller)?.pin();
        let limits = gateway.limits.within(pinned.policy());
        let admitted = match pinned.policy().caller_limits() {
            Some(bounds) => Some(gateway.admission.admit(served.name(), &caller.key(), bounds, started)?),
            None => None,
        };
        let served = served.seen_by(caller)?;
        // As it is now: while somebody tunes, indexes come and go.
        let catalog = served.fresh_catalog(limits.deadline, cancel).await?;
        let query_id = random_id()?;
        Ok(Self { gateway, caller, served, pinned, catalog, limits, query_id, started, _admitted: admitted })
    }

    /// What is left of the call's time.
    pub fn left(&self) -> Duration {
        self.limits.deadline.saturating_sub(self.started.elapsed())
    }

    pub fn visible(&self) -> Visible<'_> {
        Visible::new(&self.catalog, self.pinned.policy())
    }

    /// Asks the gates about a statement whose plan is wanted, and says so.
    pub async fn check(&self, statement: &str, analyze: bool) -> Result<Explained, Diagnostic> {
        self.pinned.protects(&self.catalog)?;
        let asked = Instant::now();
        let (catalog, policy) = (Arc::clone(&self.catalog), Arc::clone(self.pinned.policy()));
        let claims = &self.caller.claims;
        let checked = if statement.len() < INLINE_BYTES {
            sql::explained(statement, analyze, &CheckContext { catalog: &catalog, policy: &policy, claims })
        } else {
            let (statement, claims) = (statement.to_owned(), claims.clone());
            let checking = tokio::task::spawn_blocking(move || {
                let cx = CheckContext { catalog: &catalog, policy: &policy, claims: &claims };
                sql::explained(&statement, analyze, &cx)
            });
            checking.await.unwrap_or_else(|_| {
                let message = "the check of the statement ended unexpectedly";
                Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, message))
            })
        };
        self.report_decision(statement, &checked, asked.elapsed());
        checked.map_err(|refusal| self.named(refusal))
    }

    /// The same for a statement of somebody else: whether the caller could ask for its plan. Nobody's decision is
    /// reported, for nobody asked.
    pub fn allows(&self, statement: &str) -> Result<Explained, Diagnostic> {
        self.pinned.protects(&self.catalog)?;
        let (catalog, policy, claims) = (&self.catalog, self.pinned.policy(), &self.caller.claims);
        sql::explained(statement, false, &CheckContext { catalog, policy, claims })
    }

    pub async fn planner(&self, cancel: &CancellationToken) -> Result<Planner, Diagnostic> {
        let share = self.served.shares.take(&self.caller.key(), self.left(), cancel).await?;
        let planning = Box::pin(self.served.database.planning(self.left())).await;
        Ok(Planner { planning: planning.map_err(|error| self.named(error))?, _share: share })
    }

    /// The relations that PostgreSQL may read for it.
    pub fn reached(&self, explained: &Explained) -> Vec<&Relation> {
        explained.checked().reach().iter().filter_map(|oid| self.catalog.relation_by_oid(*oid)).collect()
    }

    /// `work`, until the caller cancels it; and its event.
    pub async fn run<T>(
        &self,
        work: impl Future<Output = Result<T, Diagnostic>>,
        cancel: &CancellationToken,
    ) -> Result<T, Diagnostic> {
        let began = Instant::now();
        let (stop, work) = (cancel.child_token(), Box::pin(work));
        let running = Box::pin(async {
            tokio::select! {
                biased;
                () = stop.cancelled() => {
                    Err(Diagnostic::refused(SqlState::QUERY_CANCELED, "the caller cancelled the call"))
                }
                ran = work => ran,
            }
        });
        let doing = Doing {
            caller: self.caller,
            writes: false,
            kind: "explain",
            query_id: &self.query_id,
            // Plans are made of several.
            statement: None,
        };
        let ran = self.served.policies.guard(doing, &stop, running).await;
        let sqlstate = ran.as_ref().err().map(|error| error.sqlstate);
        self.gateway.telemetry.emit(&Event::Run {
            query_id: &self.query_id,
            who: self.caller.who(),
            database: self.served.name(),
            kind: "explain",
            outcome: Outcome::of(sqlstate),
            sqlstate,
            rows: 0,
            bytes: 0,
            truncated: false,
            took: began.elapsed(),
        });
        self.gateway.report_stop(self.served.name(), &self.query_id, ran.as_ref().err(), cancel);
        ran.map_err(|error| self.named(error))
    }

    fn named(&self, refusal: Diagnostic) -> Diagnostic {
        Diagnostic { query_id: Some(self.query_id.clone()), ..refusal }
    }

    fn report_decision(&self, statement: &str, decision: &Result<Explained, Diagnostic>, took: Duration) {
        let checked = decision.as_ref().ok().map(Explained::checked);
        let relations: Vec<String> =
            checked.into_iter().flat_map(|checked| checked.relations()).map(ToString::to_string).collect();
        let refusal = decision.as_ref().err();
        self.gateway.telemetry.emit(&Event::Decision {
            query_id: &self.query_id,
            who: self.caller.who(),
            database: self.served.name(),
            statement: match checked {
                Some(checked) => Statement::Checked(checked.text()),
                None => Statement::Asked(statement),
            },
            kind: "explain",
            policy: self.pinned.policy().version(),
            allowed: refusal.is_none(),
            rule: refusal.and_then(|refusal| refusal.rule.as_deref()),
            sqlstate: refusal.map(|refusal| refusal.sqlstate),
            relations: &relations,
            rules: checked.map_or(&[], |checked| checked.rules()),
            took,
        });
    }
}
