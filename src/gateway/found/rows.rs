//! Runs the statements over documents, as `query` would run the caller's own: the caller's policy checks them, their places
//! and limits bound them, and one decision and one run are told of each.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::auth::Caller;
use crate::db::{Flow, Ran, RowSink, RunLimits};
use crate::gateway::operations::Doing;
use crate::gateway::query::random_id;
use crate::gateway::served::Schema;
use crate::gateway::{Gateway, Served};
use crate::pg::Diagnostic;
use crate::sql::{self, CheckContext, Checked, ProjectedColumn};
use crate::telemetry::{Event, Outcome, Statement};

/// Columns as text, `None` for NULL.
pub(super) type Row = Vec<Option<String>>;

/// One caller's reading of one database.
pub(super) struct Reading<'g> {
    pub(super) gateway: &'g Gateway,
    pub(super) caller: &'g Caller,
    pub(super) served: &'g Served,
    pub(super) schema: &'g Schema<'g>,
    pub(super) cancel: &'g CancellationToken,
    /// In events: the tool.
    pub(super) kind: &'static str,
    /// Of each statement.
    pub(super) deadline: Duration,
}

#[derive(Default)]
struct Rows(Vec<Row>);

impl Reading<'_> {
    /// Fields longer than `field_chars` arrive with one character more.
    pub(super) async fn rows(
        &self,
        statement: &str,
        params: &[Option<String>],
        (rows, field_chars): (u64, usize),
    ) -> Result<Vec<Row>, Diagnostic> {
        let query_id = random_id()?;
        let policy = self.schema.pinned.policy();
        let _admitted = self.gateway.admitted(self.caller, self.served, policy)?;
        let checked = self.check(statement, &query_id)?;
        let (seen, started) = (&self.schema.seen, Instant::now());
        let _share = seen.shares.take(&self.caller.key(), self.deadline, self.cancel).await?;
        let limits = RunLimits {
            rows,
            field_chars,
            deadline: self.deadline.saturating_sub(started.elapsed()),
            planner: policy.planner_limits().copied(),
        };
        let mut taken = Rows::default();
        let stop = self.cancel.child_token();
        let running = Box::pin(seen.database.run(checked, params, &limits, &mut taken, &stop));
        let (caller, kind, statement) = (self.caller, self.kind, Some(Statement::Asked(statement)));
        let doing = Doing { caller, writes: false, kind, query_id: &query_id, statement };
        let ran = self.served.policies.guard(doing, &stop, running).await;
        self.report(&query_id, &ran, &taken, started.elapsed());
        ran.map(|_| taken.0)
    }

    fn check(&self, statement: &str, query_id: &str) -> Result<Checked, Diagnostic> {
        let (catalog, policy) = (&self.schema.catalog, self.schema.pinned.policy());
        let started = Instant::now();
        let checked = sql::check(statement, &CheckContext { catalog, policy, claims: &self.caller.claims });
        let (refusal, allowed) = (checked.as_ref().err(), checked.as_ref().ok());
        let relations: Vec<String> =
            allowed.iter().flat_map(|checked| checked.relations()).map(ToString::to_string).collect();
        self.gateway.telemetry.emit(&Event::Decision {
            query_id,
            who: self.caller.who(),
            database: self.served.name(),
            statement: match allowed {
                Some(checked) => Statement::Checked(checked.text()),
                None => Statement::Asked(statement),
            },
            kind: self.kind,
            policy: policy.version(),
            allowed: refusal.is_none(),
            rule: refusal.and_then(|refusal| refusal.rule.as_deref()),
            sqlstate: refusal.map(|refusal| refusal.sqlstate),
            relations: &relations,
            rules: allowed.map_or(&[], Checked::rules),
            took: started.elapsed(),
        });
        checked
    }

    fn report(&self, query_id: &str, ran: &Result<Ran, Diagnostic>, taken: &Rows, took: Duration) {
        let sqlstate = ran.as_ref().err().map(|error| error.sqlstate);
        self.gateway.telemetry.emit(&Event::Run {
            query_id,
            who: self.caller.who(),
            database: self.served.name(),
            kind: self.kind,
            outcome: Outcome::of(sqlstate),
            sqlstate,
            rows: ran.as_ref().map_or(0, |ran| ran.rows),
            bytes: taken.bytes(),
            truncated: ran.as_ref().is_ok_and(|ran| ran.truncated.is_some()),
            took,
        });
        self.gateway.report_stop(self.served.name(), query_id, ran.as_ref().err(), self.cancel);
    }
}

impl Rows {
    fn bytes(&self) -> u64 {
        let bytes: usize = self.0.iter().flatten().flatten().map(String::len).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl RowSink for Rows {
    fn begin(&mut self, _: &[ProjectedColumn]) {
        self.0.clear();
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        self.0.push(fields.iter().map(|field| field.map(str::to_owned)).collect());
        Flow::Continue
    }
}
