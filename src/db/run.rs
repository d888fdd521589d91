//! One run of a checked statement: a lease, two round trips, the lease's end.
//!
//! {BEGIN, settings, Parse, locks} - our verdict - {Bind and Execute, locks} - our verdict - Ok. ROLLBACK and reset
//! come off the caller's path. Dropping the future at any point stops the statement in PostgreSQL.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::{FutureExt, TryFutureExt as _};
use tokio::time::{Instant, timeout};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::types::Type;

use super::envelope::{Abilities, Begun, Envelope};
use super::identity::Users;
use super::lease::Lease;
use super::link::Link;
use super::locks::{self, Locks, Session};
use super::params::TextParam;
use super::pool::Pool;
use super::rows::{self, Bounds, Failed, Streamed};
use super::traced::traced;
use super::{DatabaseSettings, Progress, Ran, RowSink, RunLimits, Truncation, error, planner, pooler};
use crate::catalog::Catalog;
use crate::pg::{Diagnostic, Oid, SqlState};
use crate::sql::{Checked, Projected, ResultColumn};
use crate::telemetry::trace::{Context, DatabaseSpan};

/// Connections that may turn out to be dead before one is found that lives.
const ATTEMPTS: usize = 3;
/// A server that is just starting again is waited for this long.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);
/// After the sink said stop, the rest of the page may run out by itself for this long.
const RUN_OUT: Duration = Duration::from_millis(20);

/// What a run needs of the database.
pub(super) struct Surroundings<'a> {
    pub settings: &'a DatabaseSettings,
    pub pool: &'a Pool,
    /// Connections of the configured login, which no caller's statement runs on.
    pub control: &'a Pool,
    pub catalog: &'a Catalog,
    pub users: &'a Users,
    pub abilities: Abilities,
}

/// One call: what to run and within which bounds.
pub(super) struct Call<'a> {
    pub checked: &'a Checked,
    pub params: &'a [Option<String>],
    pub limits: &'a RunLimits,
    pub ends: Instant,
    pub progress: &'a Progress,
}

/// Rows that the lock check covers.
struct Covered {
    rows: Streamed,
    /// The statement ran to its end.
    ended: bool,
}

impl Surroundings<'_> {
    pub async fn run(&self, call: &Call<'_>, sink: &mut dyn RowSink) -> Result<Ran, Diagnostic> {
        let relations = call.checked.relations();
        let (span, context) = DatabaseSpan::begin(&self.settings.name, "SELECT", relations);
        let ran = self.ran(call, sink, context.as_ref()).await;
        span.end(ran.as_ref().map(|ran| ran.rows).map_err(|error| error.sqlstate));
        ran
    }

    async fn ran(
        &self,
        call: &Call<'_>,
        sink: &mut dyn RowSink,
        context: Option<&Context>,
    ) -> Result<Ran, Diagnostic> {
        let (mut lease, begun) = self.begin(call).await?;
        self.verdict(call, &begun.locks, &begun.session)?;
        let columns: Vec<ResultColumn> = begun
            .statement
            .columns()
            .iter()
            .map(|column| ResultColumn {
                name: column.name().to_owned(),
                type_oid: Oid(column.type_().oid()),
                type_modifier: column.type_modifier(),
            })
            .collect();
        let projected =
            call.checked.project(&columns, self.catalog, call.limits.rows, call.limits.field_chars);
        let Some(link) = lease.link() else { return Err(error::lost()) };
        if let Some(limits) = call.limits.planner.as_ref().filter(|_| call.checked.is_estimable()) {
            let params = bound(call.params, begun.statement.params());
            if let Err(refusal) = planner::within(link.client(), &projected, params, limits).await {
                drop(begun);
                if refusal.rule.is_some() {
                    lease.end();
                }
                return Err(refusal);
            }
        }
        sink.begin(projected.columns());
        let covered = self.execute(link, call, &begun, (&projected, context), sink).await?;
        let mut notices = call.checked.notices().to_vec();
        let of_server = link.take_notices();
        // They could hold values of rows that are kept back.
        if !call.checked.is_guarded() {
            notices.extend(of_server);
        }
        // Its Close goes out before the reset.
        drop(begun);
        // What a function of the database's own left behind in the session, no reset is known to find.
        if covered.ended && !call.checked.runs_user_code() {
            lease.end();
        }
        Ok(Ran { rows: covered.rows.rows, truncated: covered.rows.truncated, notices })
    }

    /// The types that PostgreSQL infers for all parameters, by OID and name in `pg_type`. Nothing runs.
    pub async fn parameter_types(&self, call: &Call<'_>) -> Result<Vec<(Oid, String)>, Diagnostic> {
        let (lease, begun) = self.begin(call).await?;
        self.verdict(call, &begun.locks, &begun.session)?;
        let types = begun.statement.params().iter();
        let types = types.map(|found| (Oid(found.oid()), found.name().to_owned())).collect();
        drop(begun);
        lease.end();
        Ok(types)
    }

    /// Leases a connection and parses on it. Nothing runs here, so a dead connection costs only another try.
    async fn begin(&self, call: &Call<'_>) -> Result<(Lease, Begun), Diagnostic> {
        let mut attempt = 1;
        loop {
            let remaining = call.ends.saturating_duration_since(Instant::now());
            let mut lease = self.lease(remaining).await?;
            let schemas = call.checked.operator_schemas();
            let mut envelope = Envelope::new(self.settings, self.abilities, schemas, remaining);
            envelope.set_all(call.checked.settings());
            let Some(link) = lease.link() else { return Err(error::lost()) };
            call.progress.has_connection();
            let text = pooler::anew(call.checked.text(), attempt);
            let begun = envelope.begin(link.client(), &text, call.progress);
            match begun.and_then(|begun| pooler::tidied(link, begun)).await {
                Ok(begun) => return Ok((lease, begun)),
                Err(gone)
                    if attempt < ATTEMPTS && (error::is_gone(&gone) || pooler::is_stale(link, &gone)) =>
                {
                    attempt += 1;
                    drop(lease);
                    self.pool.sweep();
                }
                Err(failed) => return Err(call.not_parsed(&failed)),
            }
        }
    }

    /// Waits for a server that comes back: it was there before, or there would be no catalog. Not for one that says nothing:
    /// the call would hold its place in the caller's share meanwhile.
    async fn lease(&self, remaining: Duration) -> Result<Lease, Diagnostic> {
        let started = Instant::now();
        loop {
            match self.pool.lease(remaining).await {
                Err(error)
                    if is_starting(&error) && started.elapsed() < PATIENCE && !self.pool.is_silent() =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Streams the rows, and holds the answer back until the locks that cover them all are read.
    async fn execute(
        &self,
        link: &Link,
        call: &Call<'_>,
        begun: &Begun,
        (projected, context): (&Projected, Option<&Context>),
        sink: &mut dyn RowSink,
    ) -> Result<Covered, Diagnostic> {
        let client = link.client();
        let stream = async {
            let params = bound(call.params, begun.statement.params());
            let text = traced(projected.text(), context);
            let rows = client.query_typed_raw(&text, params).await.map_err(Failed::Driver)?;
            let bounds = Bounds {
                rows: call.limits.rows,
                field_chars: call.limits.field_chars,
                columns: projected.columns(),
                progress: call.progress,
            };
            let cover = || self.cover_from_outside(call, begun.locks.backend).boxed();
            rows::feed(rows, &bounds, sink, cover).await
        };
        // Both requests leave at once, the rows' first: the locks are read when the last row is out.
        let (streamed, locks) = match select(pin!(stream), pin!(locks::own(client))).await {
            Either::Left((streamed, locks)) => {
                let streamed = streamed.map_err(|failed| call.failed(failed))?;
                let locks = match streamed.truncated {
                    Some(Truncation::Sink) => timeout(RUN_OUT, locks).await.ok(),
                    Some(Truncation::Rows) | None => Some(locks.await),
                };
                (streamed, locks)
            }
            Either::Right((locks, streamed)) => {
                (streamed.await.map_err(|failed| call.failed(failed))?, Some(locks))
            }
        };
        let Some(locks) = locks else {
            self.cover_from_outside(call, begun.locks.backend).await?;
            return Ok(Covered { rows: streamed, ended: false });
        };
        let (locks, session) = locks.map_err(|e| call.diagnostic(&e))?;
        session.check(self.users)?;
        call.check_after(&locks)?;
        Ok(Covered { rows: streamed, ended: true })
    }

    fn verdict(&self, call: &Call<'_>, locks: &Locks, session: &Session) -> Result<(), Diagnostic> {
        session.check(self.users)?;
        locks.check(call.checked.reach())
    }

    /// Rows are wanted while the statement runs on, or nobody wants its rest: then it will be cancelled, which gives
    /// its locks up. So they are read before, by another backend. Locks are kept to the transaction's end, so these
    /// cover every row so far. (Portals in chunks would do without, at the price of two round trips more for every
    /// statement.)
    async fn cover_from_outside(&self, call: &Call<'_>, backend: i32) -> Result<(), Diagnostic> {
        let remaining = call.ends.saturating_duration_since(Instant::now());
        let mut lease = self.control.lease(remaining).await?;
        let Some(link) = lease.link() else { return Err(error::lost()) };
        let locks = locks::of_backend(link.client(), backend).await.map_err(|e| error::diagnostic(&e))?;
        lease.keep();
        // Without a transaction it has failed meanwhile, and what it had touched cannot be known any more.
        call.check_after(&locks.ok_or_else(error::lost)?)
    }
}

impl Call<'_> {
    /// What the statement has touched when it ran.
    fn check_after(&self, locks: &Locks) -> Result<(), Diagnostic> {
        if self.checked.runs_user_code() { locks.check_reading() } else { locks.check(self.checked.reach()) }
    }

    fn failed(&self, failed: Failed) -> Diagnostic {
        match failed {
            Failed::Driver(error) => self.diagnostic(&error),
            Failed::Refused(refusal) => refusal,
        }
    }

    /// An error of the statement before it ran, with its place in the caller's text.
    fn not_parsed(&self, failed: &tokio_postgres::Error) -> Diagnostic {
        let position = failed.as_db_error().and_then(|error| match error.position() {
            Some(ErrorPosition::Original(character)) => self.checked.place_of(*character),
            Some(ErrorPosition::Internal { .. }) | None => None,
        });
        Diagnostic { position, ..error::diagnostic(failed) }
    }

    /// An error of the running statement. Where something is kept back it carries no data.
    fn diagnostic(&self, failed: &tokio_postgres::Error) -> Diagnostic {
        let diagnostic = error::diagnostic(failed);
        if self.checked.is_guarded() { error::without_data(diagnostic) } else { diagnostic }
    }
}

/// Refused or starting up, which is what a restart looks like from here.
fn is_starting(error: &Diagnostic) -> bool {
    error.retryable && matches!(error.sqlstate, SqlState::CONNECTION_FAILURE | SqlState::CANNOT_CONNECT_NOW)
}

fn bound<'a>(
    params: &'a [Option<String>],
    types: &'a [Type],
) -> impl Iterator<Item = (TextParam<'a>, Type)> + 'a {
    params.iter().zip(types).map(|(param, ty)| (TextParam(param.as_deref()), ty.clone()))
}
