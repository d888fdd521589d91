//! A checked statement that writes: one transaction, from BEGIN to the outcome of COMMIT.
//!
//! {BEGIN, settings, Parse, locks, counts} - our verdict - {Bind and Execute, locks, counts} - our verdict - what its caller
//! does with the old rows - COMMIT. Until COMMIT is sent, a cancel, the deadline or a dropped future rolls back; from
//! there on it is waited for, whoever listens. Nothing is tried again once the statement was sent.

mod begin;
mod commit;
mod counts;
mod effects;
mod failure;
mod locks;
mod look;
mod plan;
mod rows;

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryFutureExt as _;
use futures_util::future::try_join3;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

pub use commit::Uncommitted;
pub use effects::{Cascade, Effects, RowEvent, Rule, Trigger};

use super::database::{canceled_by_client, check_parameters, ends, identities, past_deadline};
use super::knowledge::Known;
use super::lease::Lease;
use super::params::TextParam;
use super::traced::traced;
use super::{Database, RowSink, error};
use crate::pg::{Diagnostic, Oid, SqlState};
use crate::sql::{CheckedWrite, ResultColumn};
use crate::telemetry::trace::{Context, DatabaseSpan};
use begin::{Access, Begun};
use failure::Failure;
use locks::Bounds;
use rows::{Affected, Failed};

/// The bounds of one statement that writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteLimits {
    /// Rows that it may change, those that foreign keys pass its changes on to among them.
    pub rows: u64,
    /// Characters of one field of its RETURNING.
    pub field_chars: usize,
    /// Bytes of all old rows together, as JSON.
    pub old_bytes: usize,
    /// From its start to its last row, waiting for a connection included.
    pub deadline: Duration,
}

/// One statement and what it needs of the database.
struct Writing<'a> {
    database: &'a Arc<Database>,
    known: &'a Known,
    write: &'a CheckedWrite,
    effects: &'a Effects,
    events: &'a [RowEvent],
    params: Vec<Option<String>>,
    limits: &'a WriteLimits,
    ends: Instant,
}

impl Database {
    /// What PostgreSQL does besides when the relation is written to.
    pub async fn effects(&self, relation: Oid) -> Result<Effects, Diagnostic> {
        let oid = super::fixed::Value::Int(i64::from(relation.0));
        let records = self.look(effects::EFFECTS, &[oid]).await?;
        let text = records.first().ok_or_else(error::lost)?.text(0)?;
        serde_json::from_str(&text).map_err(|_| {
            let message = "PostgreSQL's system catalogs came in an unknown form";
            Diagnostic::connection(SqlState::INTERNAL_ERROR, message)
        })
    }

    /// Runs the statement up to, and without, COMMIT. `effects` are those of its target, `events` what it does to rows. The rows
    /// of its RETURNING in `sink` may be used only after COMMIT.
    pub async fn write(
        self: &Arc<Self>,
        write: &CheckedWrite,
        (effects, events): (&Effects, &[RowEvent]),
        params: &[Option<String>],
        limits: &WriteLimits,
        sink: &mut dyn RowSink,
        cancel: &CancellationToken,
    ) -> Result<Uncommitted, Diagnostic> {
        check_parameters(write.parameters(), params)?;
        let bound = write.bound().iter().map(|value| Some(value.clone()));
        let params = params.iter().cloned().chain(bound).collect();
        let ends = ends(limits.deadline);
        let run = async {
            let known = self.known().await?;
            let database = self;
            let writing = Writing { database, known: &known, write, effects, events, params, limits, ends };
            writing.run(sink).await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(canceled_by_client()),
            () = self.ended().cancelled() => Err(identities::ended()),
            ran = timeout_at(ends, Box::pin(run)) => match ran {
                Ok(ran) => ran.map_err(|error| self.explain(error, limits.deadline)),
                Err(_) => Err(past_deadline(limits.deadline)),
            },
        }
    }
}

impl Writing<'_> {
    async fn run(&self, sink: &mut dyn RowSink) -> Result<Uncommitted, Diagnostic> {
        let operation = self.write.kind().word().to_ascii_uppercase();
        let (name, relations) = (self.database.name(), self.write.relations());
        let (span, context) = DatabaseSpan::begin(name, &operation, relations);
        let ran = self.ran(sink, context.as_ref()).await;
        span.end(ran.as_ref().map(Uncommitted::rows).map_err(|error| error.sqlstate));
        ran
    }

    async fn ran(
        &self,
        sink: &mut dyn RowSink,
        context: Option<&Context>,
    ) -> Result<Uncommitted, Diagnostic> {
        let (mut lease, begun) = self.begin(Access::Write).await?;
        // Where it fails the lease is dropped: the connection is closed, and PostgreSQL rolls back.
        let (affected, notices, bounds) = self.execute(&mut lease, &begun, context, sink).await?;
        drop(begun);
        let reset = !self.write.runs_user_code() && !self.effects.runs_owners_code(self.events);
        let tasks = self.database.tasks().clone();
        let (failure, patience) = (self.failure(), self.limits.deadline);
        let replicas = self.database.replicas.clone();
        Ok(Uncommitted { lease, tasks, replicas, failure, affected, notices, bounds, patience, reset })
    }

    async fn execute(
        &self,
        lease: &mut Lease,
        begun: &Begun,
        context: Option<&Context>,
        sink: &mut dyn RowSink,
    ) -> Result<(Affected, Vec<Diagnostic>, Bounds), Diagnostic> {
        let (catalog, failure) = (&self.known.catalog, self.failure());
        let users = &self.known.users;
        begun.held.check(users, &Bounds::parsed(self.write, catalog))?;
        locks::known(self.write, self.effects, catalog)?;
        let columns: Vec<ResultColumn> = begun.columns();
        let projected = self.write.project(&columns, catalog, self.limits.field_chars, self.limits.old_bytes);
        let Some(link) = lease.link() else { return Err(error::lost()) };
        let client = link.client();
        sink.begin(projected.columns());
        let stream = async {
            let types = begun.statement.params();
            let params = self.params.iter().zip(types);
            let params = params.map(|(param, ty)| (TextParam(param.as_deref()), ty.clone()));
            let text = traced(projected.text(), context);
            let rows = client.query_typed_raw(&text, params).await?;
            rows::affected(rows, &projected, self.write, self.limits, sink).await
        };
        let stored = self.stored();
        let held = locks::own(client).map_err(Failed::Driver);
        let counts = counts::of(client, &stored).map_err(Failed::Driver);
        // All requests leave at once, in this order: locks and counts are read when the last row is out. The first failure
        // ends it.
        let ran = try_join3(stream, held, counts).await;
        let (affected, held, counts) = ran.map_err(|failed| failed.told(&failure))?;
        let bounds = Bounds::ran(self.write, self.effects, self.events, catalog);
        held.check(users, &bounds)?;
        let passed_on = counts.since(&begun.counts).beyond(self.write, catalog, affected.rows);
        rows::within(affected.rows.saturating_add(passed_on), self.limits.rows)?;
        let notices = link.take_notices();
        // Words of triggers and functions: they could hold what is kept back.
        let guarded = self.write.is_guarded() || self.effects.runs_owners_code(self.events);
        Ok((affected, if guarded { Vec::new() } else { notices }, bounds))
    }

    /// Where rows may change, with partitions; without TOAST, whose chunks are no rows.
    fn stored(&self) -> Vec<u32> {
        let written = self.known.catalog.stored(&self.effects.written(self.events));
        let is_table = |oid: &Oid| self.known.catalog.relation_by_oid(*oid).is_some();
        written.into_iter().filter(is_table).map(|oid| oid.0).collect()
    }

    fn failure(&self) -> Failure {
        Failure { guarded: self.write.is_guarded() }
    }
}
