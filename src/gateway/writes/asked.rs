//! The beginning of every call that is about a write: who asks, under which policy, and what the gates say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{PreparedFacts, WriteRequest};
use crate::approvals::ApprovalId;
use crate::auth::{Caller, Scope};
use crate::catalog::Catalog;
use crate::db::{Effects, RowEvent, WriteLimits};
use crate::gateway::admission::Admitted;
use crate::gateway::deadline;
use crate::gateway::operations::Doing;
use crate::gateway::query::{names_something_unknown, random_id};
use crate::gateway::share::Taken;
use crate::gateway::visible::Visible;
use crate::gateway::{CallLimits, Gateway, Pinned, Served};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Policy;
use crate::sql::{self, CheckContext, CheckedWrite, WriteKind, WriteOptions};
use crate::telemetry::{Event, Outcome, Statement};

/// Longer texts are checked on a thread of their own.
const INLINE_BYTES: usize = 4 * 1024;
/// Of all old rows of one statement together.
const OLD_BYTES: usize = 8 * 1024 * 1024;

/// One call. It outlives its caller's future, since COMMIT does.
pub(super) struct Asked {
    pub gateway: Gateway,
    pub caller: Caller,
    pub served: Served,
    pub policy: Arc<Policy>,
    pub catalog: Arc<Catalog>,
    pub within: CallLimits,
    pub query_id: String,
    pub params: Vec<Option<String>>,
    pub write: CheckedWrite,
    /// What happens besides.
    pub effects: Effects,
    started: Instant,
    _admitted: Option<Admitted>,
}

impl Asked {
    pub(super) fn doing(&self) -> Doing<'_> {
        Doing {
            caller: &self.caller,
            writes: true,
            kind: self.write.kind().word(),
            query_id: &self.query_id,
            statement: Some(Statement::Checked(self.write.statement())),
        }
    }

    /// Checks the request under the policy of now, then asks `allowed`; one decision event says what came of both. The old
    /// rows are asked for where the policy keeps them, and, where `old` says so, if there is a way to have them.
    pub async fn begin(
        gateway: &Gateway,
        caller: &Caller,
        request: &WriteRequest,
        old: impl Fn(&Policy) -> bool,
        allowed: &(dyn Fn(&PreparedFacts) -> Result<(), Diagnostic> + Sync),
        cancel: &CancellationToken,
    ) -> Result<Self, Diagnostic> {
        let (started, query_id) = (Instant::now(), random_id()?);
        let named = |refusal: Diagnostic| Diagnostic { query_id: Some(query_id.clone()), ..refusal };
        let served = gateway.served(request.database.as_deref())?;
        let pinned = served.policies.of(caller)?.pin();
        let policy = pinned.policy();
        let within = gateway.limits.within(policy);
        let begun = async {
            may_write(caller)?;
            served.policies.lets_write(caller)?;
            let admitted = gateway.admitted(caller, served, policy)?;
            let seen = served.seen_by(caller)?;
            let catalog = seen.catalog(within.deadline, cancel).await?;
            let kept = policy.writes().before.is_some();
            let mut options = WriteOptions { before: kept || old(policy) };
            let mut decision = check(&pinned, &catalog, caller, &request.sql, &options).await;
            let mut used = Arc::clone(&catalog);
            if decision.as_ref().err().is_some_and(names_something_unknown)
                && let Ok(fresh) = seen.fresh_catalog(within.deadline, cancel).await
                && !Arc::ptr_eq(&fresh, &catalog)
            {
                decision = check(&pinned, &fresh, caller, &request.sql, &options).await;
                used = fresh;
            }
            if !kept && decision.as_ref().err().is_some_and(gives_no_old_rows) {
                options.before = false;
                decision = check(&pinned, &used, caller, &request.sql, &options).await;
            }
            let write = decision?;
            let effects = seen.database.effects(write.target_oid());
            let effects = deadline::within(within.deadline, cancel, effects).await?;
            let asked = Self {
                gateway: gateway.clone(),
                caller: caller.clone(),
                served: seen,
                policy: Arc::clone(policy),
                catalog: used,
                within: within.clone(),
                query_id: query_id.clone(),
                params: request.params.clone(),
                write,
                effects,
                started,
                _admitted: admitted,
            };
            allowed(&asked.facts())?;
            Ok(asked)
        };
        let decision = Box::pin(begun).await;
        let about = (served.name(), policy.version(), query_id.as_str());
        report(gateway, caller, &request.sql, about, &decision, started.elapsed());
        decision.map_err(named)
    }

    pub fn facts(&self) -> PreparedFacts {
        PreparedFacts {
            statement: self.write.statement().to_owned(),
            params: self.params.clone(),
            database: self.served.name().to_owned(),
            run_as: self.catalog.contents().login.clone(),
            policy_version: self.policy.version().to_owned(),
            kind: self.write.kind(),
            relation: self.write.target().clone(),
            effects: self.effects.fingerprint(self.write.target_oid()),
            rows: self.policy.writes().rows,
            approval: self.policy.writes().approval,
        }
    }

    /// What it does to rows of its target.
    pub fn events(&self) -> &'static [RowEvent] {
        match self.write.kind() {
            WriteKind::Insert if self.write.updates_on_conflict() => &[RowEvent::Insert, RowEvent::Update],
            WriteKind::Insert => &[RowEvent::Insert],
            WriteKind::Update => &[RowEvent::Update],
            WriteKind::Delete => &[RowEvent::Delete],
            WriteKind::Merge => &RowEvent::ALL,
        }
    }

    pub fn limits(&self) -> WriteLimits {
        WriteLimits {
            rows: self.policy.writes().rows,
            field_chars: self.within.field_characters,
            old_bytes: OLD_BYTES,
            deadline: self.left(),
        }
    }

    pub fn visible(&self) -> Visible<'_> {
        Visible::new(&self.catalog, &self.policy)
    }

    /// One of the connections that the caller may hold.
    pub async fn share(&self, cancel: &CancellationToken) -> Result<Taken, Diagnostic> {
        let share = self.served.shares.take(&self.caller.key(), self.left(), cancel).await;
        share.map_err(|refusal| self.named(refusal))
    }

    pub fn left(&self) -> Duration {
        self.within.deadline.saturating_sub(self.started.elapsed())
    }

    pub fn named(&self, refusal: Diagnostic) -> Diagnostic {
        Diagnostic { query_id: Some(self.query_id.clone()), ..refusal }
    }

    /// Records that it is about to run. Refused where the record is not there to stay: then it must not run.
    pub async fn announce(&self, approval: Option<ApprovalId>) -> Result<(), Diagnostic> {
        let approval = approval.map(|approval| approval.to_string());
        let event = Event::Write {
            query_id: &self.query_id,
            who: self.caller.who(),
            database: self.served.name(),
            kind: self.write.kind().word(),
            policy: self.policy.version(),
            statement: Statement::Checked(self.write.statement()),
            relation: &self.write.target().to_string(),
            approval: approval.as_deref(),
        };
        self.gateway.telemetry.keep(&event).await
    }

    /// Records its end, and waits until that is there to stay.
    pub async fn record_run(
        &self,
        ended: Result<u64, &Diagnostic>,
        took: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), Diagnostic> {
        self.gateway.report_stop(self.served.name(), &self.query_id, ended.err(), cancel);
        self.gateway.telemetry.keep(&self.end(ended, took)).await
    }

    /// The events of the end of one that changed nothing.
    pub fn report_run(&self, ended: Result<u64, &Diagnostic>, took: Duration, cancel: &CancellationToken) {
        self.gateway.telemetry.emit(&self.end(ended, took));
        self.gateway.report_stop(self.served.name(), &self.query_id, ended.err(), cancel);
    }

    fn end(&self, ended: Result<u64, &Diagnostic>, took: Duration) -> Event<'_> {
        let sqlstate = ended.err().map(|error| error.sqlstate);
        Event::Run {
            query_id: &self.query_id,
            who: self.caller.who(),
            database: self.served.name(),
            kind: self.write.kind().word(),
            outcome: Outcome::of(sqlstate),
            sqlstate,
            rows: ended.unwrap_or(0),
            bytes: 0,
            truncated: false,
            took,
        }
    }
}

pub fn may_write(caller: &Caller) -> Result<(), Diagnostic> {
    if caller.scopes.has(Scope::Write) {
        return Ok(());
    }
    let message = "this caller's authorization does not cover writing: it lacks the scope `write`";
    Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .rule("auth.scope")
        .hint("authorize anew with the scope `write`"))
}

/// Of a MERGE before PostgreSQL 17.
fn gives_no_old_rows(refusal: &Diagnostic) -> bool {
    refusal.rule.as_deref() == Some("writes.before")
}

async fn check(
    pinned: &Pinned<'_>,
    catalog: &Arc<Catalog>,
    caller: &Caller,
    sql: &str,
    options: &WriteOptions,
) -> Result<CheckedWrite, Diagnostic> {
    pinned.protects(catalog)?;
    if sql.len() < INLINE_BYTES {
        let cx = CheckContext { catalog, policy: pinned.policy(), claims: &caller.claims };
        return sql::check_write(sql, &cx, options);
    }
    let (catalog, policy) = (Arc::clone(catalog), Arc::clone(pinned.policy()));
    let (claims, sql, options) = (caller.claims.clone(), sql.to_owned(), *options);
    let checking = tokio::task::spawn_blocking(move || {
        let cx = CheckContext { catalog: &catalog, policy: &policy, claims: &claims };
        sql::check_write(&sql, &cx, &options)
    });
    checking.await.unwrap_or_else(|_| {
        let message = "the check of the statement ended unexpectedly";
        Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, message))
    })
}

fn report(
    gateway: &Gateway,
    caller: &Caller,
    sql: &str,
    (database, policy, query_id): (&str, &str, &str),
    decision: &Result<Asked, Diagnostic>,
    took: Duration,
) {
    let write = decision.as_ref().ok().map(|asked| &asked.write);
    let relations: Vec<String> =
        write.into_iter().flat_map(CheckedWrite::relations).map(ToString::to_string).collect();
    let refusal = decision.as_ref().err();
    gateway.telemetry.emit(&Event::Decision {
        query_id,
        who: caller.who(),
        database,
        statement: match write {
            Some(write) => Statement::Checked(write.statement()),
            None => Statement::Asked(sql),
        },
        kind: write.map_or("write", |write| write.kind().word()),
        policy,
        allowed: refusal.is_none(),
        rule: refusal.and_then(|refusal| refusal.rule.as_deref()),
        sqlstate: refusal.map(|refusal| refusal.sqlstate),
        relations: &relations,
        rules: write.map_or(&[], CheckedWrite::rules),
        took,
    });
}
