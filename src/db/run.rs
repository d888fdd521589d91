//! One run of a checked statement: a lease, two round trips, the lease's end.
//!
//! {BEGIN, settings, Parse, locks} - our verdict - {Bind and Execute, locks} - our verdict - Ok. ROLLBACK and reset
//! come off the caller's path. What was seen before takes one round trip ([`super::again`]). Dropping the future at any
//! point stops the statement in PostgreSQL.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{MaybeDone, maybe_done, try_join};
use tokio::time::{Instant, timeout};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, RowStream};

use super::envelope::{Abilities, Begun, Envelope};
use super::identity::Users;
use super::lease::Lease;
use super::link::Link;
use super::locks::{self, Locks, Session};
use super::params::TextParam;
use super::pool::Pool;
use super::repeatable::{self, Memory, Seen};
use super::replicas::{self, Needed};
use super::rows::{self, Bounds, Failed, Streamed};
use super::traced::traced;
use super::{DatabaseSettings, Progress, Ran, RowSink, RunLimits, Truncation, error, planner, pooler};
use crate::catalog::Catalog;
use crate::pg::{Diagnostic, Oid, SqlState};
use crate::sql::{Checked, Projected};
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
    pub catalog: &'a Arc<Catalog>,
    pub users: &'a Users,
    pub abilities: Abilities,
    /// Of a replica; `None`: the pool is the primary's.
    pub needed: Option<&'a Needed>,
}

/// One call: what to run and within which bounds.
pub(super) struct Call<'a> {
    pub checked: &'a Checked,
    pub memory: &'a Memory,
    pub params: &'a [Option<String>],
    pub limits: &'a RunLimits,
    pub ends: Instant,
    pub progress: &'a Progress,
}

/// Rows that the lock check covers.
pub(super) struct Covered {
    rows: Streamed,
    /// The statement ran to its end.
    pub ended: bool,
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
        // A replica is asked first whether it is one.
        let on_primary = self.needed.is_none();
        if let Some(seen) = call.memory.of(self.catalog).filter(|_| on_primary && call.is_repeatable()) {
            match self.again(call, &seen, sink, context).await? {
                Some(ran) => return Ok(ran),
                None => {
                    call.memory.forget();
                    call.progress.begins_anew();
                }
            }
        }
        let (mut lease, begun) = self.begin(call).await?;
        self.verdict(call, &begun.locks, &begun.session)?;
        let columns = repeatable::columns(&begun.statement);
        let projected =
            call.checked.project(&columns, self.catalog, call.limits.rows, call.limits.field_chars);
        let Some(link) = lease.link() else { return Err(error::lost()) };
        link.learns(&begun.statement);
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
        let ran = call.ran(&covered, link);
        if covered.ended && call.is_repeatable() {
            call.memory.keep(Seen::new(self.catalog, &begun.statement, call.limits, Arc::new(projected)));
        }
        // Its Close goes out before the reset.
        drop(begun);
        // What a function of the database's own left behind in the session, no reset is known to find.
        if covered.ended && !call.checked.runs_user_code() {
            lease.end();
        }
        Ok(ran)
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
            let envelope = self.envelope(call, remaining);
            let Some(link) = lease.link() else { return Err(error::lost()) };
            call.progress.has_connection();
            let text = pooler::anew(call.checked.text(), attempt);
            let begun = envelope.begin(link.client(), &text, call.progress);
            let begun = async {
                match begun.await {
                    Ok(begun) => Ok(pooler::tidied(link, begun).await),
                    Err(failed) => Ok(Err(failed)),
                }
            };
            let ((), begun) = try_join(replicas::stands(self.needed, link.client()), begun).await?;
            match begun {
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

    pub(super) fn envelope(&self, call: &Call<'_>, remaining: Duration) -> Envelope {
        let schemas = call.checked.operator_schemas();
        let mut envelope = Envelope::new(self.settings, self.abilities, schemas, remaining);
        envelope.set_all(call.checked.settings());
        envelope
    }

    /// Waits for a server that comes back: it was there before, or there would be no catalog. Not for one that says nothing:
    /// the call would hold its place in the caller's share meanwhile.
    pub(super) async fn lease(&self, remaining: Duration) -> Result<Lease, Diagnostic> {
        if self.needed.is_some() {
            return self.pool.lease(remaining.min(replicas::PATIENCE)).await;
        }
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

    /// Runs what was parsed, in one round trip.
    async fn execute(
        &self,
        link: &Link,
        call: &Call<'_>,
        begun: &Begun,
        (projected, context): (&Projected, Option<&Context>),
        sink: &mut dyn RowSink,
    ) -> Result<Covered, Diagnostic> {
        let client = link.client();
        let params = bound(call.params, begun.statement.params());
        let text = traced(projected.text(), context);
        let mut rows = pin!(maybe_done(client.query_typed_raw(&text, params)));
        let mut locks = pin!(maybe_done(locks::own(client)));
        // Both requests leave at once, the rows' first: the locks are read when the last row is out.
        poll_fn(|cx| {
            let opened = rows.as_mut().poll(cx);
            let _ = locks.as_mut().poll(cx);
            opened
        })
        .await;
        let rows = rows.as_mut().take_output().ok_or_else(error::lost)?;
        let rows = rows.map_err(|failed| call.diagnostic(&failed))?;
        let given = AtomicBool::new(false);
        let streaming = self.stream(call, (projected, &given), (rows, locks), sink);
        streaming.await.map_err(|failed| call.failed(failed))
    }

    /// Streams the rows, and holds the answer back until the locks that cover them all are read. `given`: rows were given
    /// away before.
    pub(super) async fn stream(
        &self,
        call: &Call<'_>,
        (projected, given): (&Projected, &AtomicBool),
        (rows, mut locks): (
            RowStream,
            Pin<&mut MaybeDone<impl Future<Output = Result<(Locks, Session), Error>>>>,
        ),
        sink: &mut dyn RowSink,
    ) -> Result<Covered, Failed> {
        let bounds = Bounds {
            rows: call.limits.rows,
            field_chars: call.limits.field_chars,
            columns: projected.columns(),
            progress: call.progress,
        };
        let covered = || async {
            self.cover_from_outside(call).await?;
            given.store(true, Relaxed);
            Ok(())
        };
        let rows = rows::feed(rows, &bounds, sink, || covered().boxed()).await?;
        let reading = locks.as_mut();
        let in_time = match rows.truncated {
            Some(Truncation::Sink) => timeout(RUN_OUT, reading).await.is_ok(),
            Some(Truncation::Rows) | None => {
                reading.await;
                true
            }
        };
        let Some(read) = locks.take_output().filter(|_| in_time) else {
            self.cover_from_outside(call).await.map_err(Failed::Refused)?;
            return Ok(Covered { rows, ended: false });
        };
        let (locks, session) = read?;
        session.check(self.users).and_then(|()| call.check_after(&locks)).map_err(Failed::Refused)?;
        Ok(Covered { rows, ended: true })
    }

    fn verdict(&self, call: &Call<'_>, locks: &Locks, session: &Session) -> Result<(), Diagnostic> {
        session.check(self.users)?;
        locks.check(call.checked.reach())
    }

    /// Rows are wanted while the statement runs on, or nobody wants its rest: then it will be cancelled, which gives
    /// its locks up. So they are read before, by another backend. Locks are kept to the transaction's end, so these
    /// cover every row so far. (Portals in chunks would do without, at the price of two round trips more for every
    /// statement.)
    async fn cover_from_outside(&self, call: &Call<'_>) -> Result<(), Diagnostic> {
        let Some(backend) = call.progress.backend() else { return Err(error::lost()) };
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

    /// What a run leaves behind that was proved.
    pub(super) fn ran(&self, covered: &Covered, link: &Link) -> Ran {
        let mut notices = self.checked.notices().to_vec();
        let of_server = link.take_notices();
        // They could hold values of rows that are kept back.
        if !self.checked.is_guarded() {
            notices.extend(of_server);
        }
        Ran { rows: covered.rows.rows, truncated: covered.rows.truncated, notices }
    }

    pub(super) fn failed(&self, failed: Failed) -> Diagnostic {
        match failed {
            Failed::Driver(error) => self.diagnostic(&error),
            Failed::Refused(refusal) => refusal,
        }
    }

    /// An error of the statement before it ran, with its place in the caller's text.
    pub(super) fn not_parsed(&self, failed: &tokio_postgres::Error) -> Diagnostic {
        let position = failed.as_db_error().and_then(|error| match error.position() {
            Some(ErrorPosition::Original(character)) => self.checked.place_of(*character),
            Some(ErrorPosition::Internal { .. }) | None => None,
        });
        Diagnostic { position, ..error::diagnostic(failed) }
    }

    /// An error of the running statement. Where something is kept back it carries no data.
    pub(super) fn diagnostic(&self, failed: &tokio_postgres::Error) -> Diagnostic {
        let diagnostic = error::diagnostic(failed);
        if self.checked.is_guarded() { error::without_data(diagnostic) } else { diagnostic }
    }
}

/// Refused or starting up, which is what a restart looks like from here.
fn is_starting(error: &Diagnostic) -> bool {
    error.retryable && matches!(error.sqlstate, SqlState::CONNECTION_FAILURE | SqlState::CANNOT_CONNECT_NOW)
}

pub(super) fn bound<'a>(
    params: &'a [Option<String>],
    types: &'a [Type],
) -> impl Iterator<Item = (TextParam<'a>, Type)> + 'a {
    params.iter().zip(types).map(|(param, ty)| (TextParam(param.as_deref()), ty.clone()))
}
