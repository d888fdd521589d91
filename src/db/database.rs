//! One PostgreSQL database behind pgwarden, as one identity sees it: its pools, its catalog snapshot, and running
//! statements on it.

mod answers;
pub(super) mod identities;
mod replicas;
mod told;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::told::unanswered;
pub(super) use self::told::{canceled_by_client, past_deadline};
use super::connect::Connector;
use super::fixed::{Record, Value};
use super::knowledge::{Inspection, Knowledge, Known};
use super::look::look;
use super::pool::{Pool, PoolState};
use super::repeatable::Memory;
use super::replicas::Replicas;
use super::run::{Call, Surroundings};
use super::watching::{Look, Looker, Seen};
use super::{
    ColumnStatistics, DatabaseSettings, Examination, Identity, LockWait, Monitor, Planning, Progress, Ran,
    Repeatable, RowSink, RunLimits, TableFacts, Watching, error, lock_wait, planning, statistics,
};
use crate::catalog::Catalog;
use crate::pg::{Diagnostic, Oid, SqlState};
use crate::sql::Checked;
use crate::telemetry::metrics::Histogram;

/// Connections for introspection and for looking at a caller's backend from outside.
const CONTROL_CONNECTIONS: usize = 2;
/// Stands for deadlines that no clock can hold.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// For a look at a backend from outside.
const LOOKING: Duration = Duration::from_secs(2);
/// For statistics of tables.
const READING: Duration = Duration::from_secs(10);
/// Connections that may turn out to be dead before one is found that lives.
const ATTEMPTS: usize = 3;
/// How long closing waits for resets and cancels.
const LAST_TASKS: Duration = Duration::from_secs(5);

/// Connects on first use; survives restarts of PostgreSQL.
#[derive(Debug)]
pub struct Database {
    settings: DatabaseSettings,
    pool: Pool,
    /// For introspection, under the identity.
    control: Pool,
    /// Under the configured login, for what asks about backends and not about rights.
    outside: Pool,
    connector: Arc<Connector>,
    monitor: Option<Arc<Monitor>>,
    pub(super) replicas: Option<Arc<Replicas>>,
    knowledge: Knowledge,
    looker: Looker,
    tasks: TaskTracker,
    /// An own login was seen to need its password.
    proved: OnceCell<()>,
    ended: CancellationToken,
}

impl Database {
    /// Does not connect.
    pub fn new(settings: DatabaseSettings) -> Arc<Self> {
        let connector = Arc::new(Connector::new(settings.connection.clone()));
        let tasks = TaskTracker::new();
        let pool = |size| Pool::new(&settings.name, Arc::clone(&connector), size, tasks.clone());
        let (pool, control) = (pool(settings.pool_size), pool(CONTROL_CONNECTIONS));
        let monitor = settings.monitor.as_ref().map(|connection| Monitor::new(&settings.name, connection));
        let replicas = Replicas::new(&settings, &tasks);
        Arc::new(Self {
            settings,
            pool,
            outside: control.clone(),
            control,
            connector,
            monitor: monitor.map(Arc::new),
            replicas,
            knowledge: Knowledge::default(),
            looker: Looker::default(),
            tasks,
            proved: OnceCell::new(),
            ended: CancellationToken::new(),
        })
    }

    /// The entry's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn settings(&self) -> &DatabaseSettings {
        &self.settings
    }

    /// Its pools: of callers' statements, and of questions of pgwarden's own.
    pub fn pools(&self) -> [(&'static str, PoolState, &Histogram); 2] {
        let of = |name, pool| (name, Pool::state(pool), Pool::waited(pool));
        [of("statements", &self.pool), of("control", &self.control)]
    }

    /// The second login; `None` where the configuration has none.
    pub fn monitor(&self) -> Option<&Monitor> {
        self.monitor.as_deref()
    }

    /// The catalog, once the start-up checks have passed; runs them when they have not. Refuses an over-privileged
    /// login with its findings. A failure is remembered for a moment (backoff), then tried again.
    pub async fn ready(self: &Arc<Self>) -> Result<Arc<Catalog>, Diagnostic> {
        Ok(Arc::clone(&self.known().await?.catalog))
    }

    /// The last snapshot, without waiting; `None` before the first [`Self::ready`].
    pub fn catalog(&self) -> Option<Arc<Catalog>> {
        self.knowledge.last().map(|known| Arc::clone(&known.catalog))
    }

    /// The catalog as it is now: asks PostgreSQL whether it changed and reads it again if so. For use after a name
    /// was not found. Callers at the same time share one question, and questions are paced.
    pub async fn refresh(&self) -> Result<Arc<Catalog>, Diagnostic> {
        let known = Box::pin(self.knowledge.refresh(&self.control, &self.settings)).await?;
        Ok(Arc::clone(&known.catalog))
    }

    /// Notices changes of the catalog, those included that calls come upon.
    pub fn watch(self: &Arc<Self>) -> Watching {
        self.looker.watch(self, self.knowledge.loads())
    }

    /// Reads the catalog again if anything may have changed since what was `seen`.
    pub(super) async fn catch_up(&self, seen: &mut Seen) -> Result<Look, Diagnostic> {
        let loads = self.knowledge.loads();
        let moment = self.knowledge.moment(&self.control).await?;
        let now = Seen::State(moment.state);
        if *seen == Seen::Lost && self.knowledge.last().is_some() {
            self.knowledge.reread(&self.control, &self.settings).await?;
        } else if *seen != now {
            self.knowledge.refresh(&self.control, &self.settings).await?;
        }
        // Taken before the catalog was read: what came in between is looked at once more.
        *seen = now;
        Ok(Look { tells: moment.tells, read: loads.has_changed().unwrap_or(false) })
    }

    /// How long it took to find that the catalog had not changed.
    pub(super) fn compared_in(&self) -> Duration {
        self.knowledge.compared_in()
    }

    pub(super) fn connector(&self) -> Arc<Connector> {
        Arc::clone(&self.connector)
    }

    /// The TimeZone that statements run in; `None` before the first [`Self::ready`].
    pub fn time_zone(&self) -> Option<String> {
        let known = self.knowledge.last()?;
        Some(self.settings.time_zone.clone().unwrap_or_else(|| known.examination.time_zone.clone()))
    }

    /// Runs a checked statement on the primary. The rows in `sink` may be used only after `Ok`.
    pub async fn run(
        self: &Arc<Self>,
        checked: Checked,
        params: &[Option<String>],
        limits: &RunLimits,
        sink: &mut dyn RowSink,
        cancel: &CancellationToken,
    ) -> Result<Ran, Diagnostic> {
        let statement = Repeatable::new(checked);
        self.run_at(None, &statement, params, limits, sink, &Progress::default(), cancel).await
    }

    /// As [`Self::run`], for somebody who looks on, and perhaps not for the first time; on a replica where one may answer.
    pub async fn run_watched(
        self: &Arc<Self>,
        statement: &Repeatable,
        params: &[Option<String>],
        limits: &RunLimits,
        sink: &mut dyn RowSink,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Ran, Diagnostic> {
        let replicas = self.replicas.as_ref();
        self.run_at(replicas, statement, params, limits, sink, progress, cancel).await
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "those of the two ways to run a statement, and which of them it is"
    )]
    async fn run_at(
        self: &Arc<Self>,
        replicas: Option<&Arc<Replicas>>,
        statement: &Repeatable,
        params: &[Option<String>],
        limits: &RunLimits,
        sink: &mut dyn RowSink,
        progress: &Progress,
        cancel: &CancellationToken,
    ) -> Result<Ran, Diagnostic> {
        let (checked, memory) = (statement.checked(), statement.memory());
        check_parameters(checked.parameters(), params)?;
        let bound = checked.bound().iter().map(|value| Some(value.clone()));
        let params: Vec<Option<String>> = params.iter().cloned().chain(bound).collect();
        let ends = ends(limits.deadline);
        let call = Call { checked, memory, params: &params, limits, ends, progress };
        // Whichever comes first, the others are dropped: dropping the run stops the statement in PostgreSQL. Boxed,
        // since the futures of all layers above hold this one.
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(canceled_by_client()),
            () = self.ended.cancelled() => Err(identities::ended()),
            ran = timeout_at(ends, Box::pin(self.run_known(replicas, &call, sink))) => match ran {
                Ok(Ok(ran)) => Ok(ran),
                Ok(Err(error)) => Err(self.explain(error, limits.deadline)),
                Err(_) if progress.backend().is_none() => Err(unanswered(limits.deadline)),
                Err(_) => Err(past_deadline(limits.deadline)),
            },
        }
    }

    /// One statement of our own by the configured login, READ ONLY, of at most 15 s.
    pub async fn look(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        Ok(look(&self.outside, &[(sql, values)]).await?.pop().unwrap_or_default())
    }

    /// A session in which queries are planned, for `deadline` at the most. Takes a connection of the pool.
    pub async fn planning(self: &Arc<Self>, deadline: Duration) -> Result<Planning, Diagnostic> {
        let ends = ends(deadline);
        let begun = timeout_at(
            ends,
            Box::pin(async {
                let known = self.known().await?;
                let mut attempt = 1;
                loop {
                    let lease = self.pool.lease(deadline).await?;
                    match Planning::begin(Arc::clone(self), Arc::clone(&known), lease, deadline, ends).await {
                        Err(gone) if gone.retryable && attempt < ATTEMPTS => {
                            attempt += 1;
                            self.pool.sweep();
                        }
                        begun => return begun,
                    }
                }
            }),
        );
        begun.await.map_err(|_| past_deadline(deadline))?
    }

    /// What the statistics say of tables.
    pub async fn table_facts(&self, tables: &[Oid]) -> Result<Vec<TableFacts>, Diagnostic> {
        let read = async {
            let mut lease = self.control.lease(LOOKING).await?;
            let link = lease.link().ok_or_else(error::lost)?;
            self.identity().enter(link.client()).await.map_err(|e| error::diagnostic(&e))?;
            let facts = planning::table_facts(link.client(), tables).await?;
            match self.identity().role() {
                Some(_) => lease.end(),
                None => lease.keep(),
            }
            Ok(facts)
        };
        timeout(READING, read).await.map_err(|_| error::lost())?
    }

    /// The lock that a run of this process waits for, by its backend.
    pub async fn lock_wait(&self, backend: i32) -> Result<Option<LockWait>, Diagnostic> {
        let mut lease = self.outside.lease(LOOKING).await?;
        let Some(link) = lease.link() else { return Err(error::lost()) };
        let wait = timeout(LOOKING, lock_wait::of_backend(link.client(), backend)).await;
        let wait = wait.map_err(|_| error::lost())?.map_err(|e| error::diagnostic(&e))?;
        lease.keep();
        Ok(wait)
    }

    /// What is known of the columns with these numbers. Who may be told, the caller knows: it is made of all rows.
    pub async fn statistics(
        &self,
        relation: Oid,
        columns: &[i32],
    ) -> Result<Vec<ColumnStatistics>, Diagnostic> {
        let mut lease = self.control.lease(LOOKING).await?;
        let Some(link) = lease.link() else { return Err(error::lost()) };
        let found = timeout(LOOKING, async {
            self.identity().enter(link.client()).await?;
            statistics::of_columns(link.client(), relation, columns).await
        });
        let found = found.await;
        let found = found.map_err(|_| error::lost())?.map_err(|e| error::diagnostic(&e))?;
        lease.end();
        Ok(found)
    }

    /// The types that PostgreSQL infers for the parameters of a checked statement, by OID and name in `pg_type`, within
    /// `patience`. Nothing runs.
    pub async fn parameter_types(
        self: &Arc<Self>,
        checked: &Checked,
        patience: Duration,
    ) -> Result<Vec<(Oid, String)>, Diagnostic> {
        let limits = RunLimits { rows: 1, field_chars: 1, deadline: patience, planner: None };
        let (ends, progress) = (Instant::now() + patience, Progress::default());
        let memory = Memory::default();
        let call = Call { checked, memory: &memory, params: &[], limits: &limits, ends, progress: &progress };
        let types = Box::pin(async {
            let known = self.known().await?;
            self.surroundings(&known).parameter_types(&call).await
        });
        let mut types = timeout_at(ends, types).await.map_err(|_| error::lost())??;
        // Behind the caller's stand claims and keys of hashes.
        types.truncate(checked.parameters());
        Ok(types)
    }

    async fn run_known(
        self: &Arc<Self>,
        replicas: Option<&Arc<Replicas>>,
        call: &Call<'_>,
        sink: &mut dyn RowSink,
    ) -> Result<Ran, Diagnostic> {
        let known = self.known().await?;
        if let Some(replicas) = replicas {
            replicas.watch(&self.outside, &self.tasks);
            if let Some(answer) = Box::pin(replicas.answer(&self.settings, &known, call, sink)).await {
                return answer;
            }
        }
        self.surroundings(&known).run(call, sink).await
    }

    fn surroundings<'a>(&'a self, known: &'a Known) -> Surroundings<'a> {
        Surroundings {
            settings: &self.settings,
            pool: &self.pool,
            control: &self.outside,
            catalog: &known.catalog,
            users: &known.users,
            abilities: known.abilities,
            needed: None,
        }
    }

    /// PostgreSQL's own timeout is our deadline too; what it does not find any more, or finds more of, tells that
    /// the snapshot is old.
    pub(super) fn explain(self: &Arc<Self>, error: Diagnostic, deadline: Duration) -> Diagnostic {
        if error.sqlstate == SqlState::QUERY_CANCELED && error.message.contains("statement timeout") {
            return past_deadline(deadline);
        }
        let surprising = error.rule.as_deref() == Some("server.locks")
            || matches!(error.sqlstate.as_str(), "42P01" | "42703" | "42883" | "42704" | "3F000" | "0A000");
        if surprising {
            self.look_again();
        }
        error
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(super) async fn known(self: &Arc<Self>) -> Result<Arc<Known>, Diagnostic> {
        if let Some(known) = self.knowledge.last() {
            if self.knowledge.is_due() {
                self.look_again();
            }
            return Ok(known);
        }
        if *self.identity() == Identity::Own {
            self.proved.get_or_try_init(|| Box::pin(self.connector.needs_password())).await?;
        }
        Box::pin(self.knowledge.first(&self.control, &self.settings)).await
    }

    /// Refreshes the catalog beside the callers, who go on with the last snapshot.
    fn look_again(self: &Arc<Self>) {
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            // A failure shows in the calls themselves.
            let _ = this.refresh().await;
        });
    }

    /// Connects anew and reports what is true of the login (`doctor`), whatever was accepted.
    pub async fn examine(&self) -> Result<Examination, Diagnostic> {
        Box::pin(self.knowledge.examine(&self.control, &self.settings)).await
    }

    /// Reads the catalog and the rights of `role`, or of the login, as they are now; for commands that serve nobody.
    pub async fn inspect(&self, role: Option<&str>, builtins: &[&str]) -> Result<Inspection, Diagnostic> {
        Box::pin(self.knowledge.inspect(&self.control, &self.settings, role, builtins)).await
    }

    /// Waits until connections being reset or cancelled are done, then closes all that are its own. What runs under a role or a
    /// caller's own login is ended first.
    pub async fn close(&self) {
        if self.identity().is_of_caller() {
            self.ended.cancel();
        }
        if self.identity().role().is_some() {
            return;
        }
        self.pool.close();
        self.control.close();
        if *self.identity() != Identity::Own
            && let Some(replicas) = &self.replicas
        {
            replicas.close();
        }
        if *self.identity() != Identity::Own
            && let Some(monitor) = &self.monitor
        {
            monitor.close().await;
        }
        self.tasks.close();
        let _ = timeout(LAST_TASKS, self.tasks.wait()).await;
    }
}

pub(super) fn ends(deadline: Duration) -> Instant {
    Instant::now().checked_add(deadline).unwrap_or_else(|| Instant::now() + LONGEST)
}

pub(super) fn check_parameters(expected: usize, given: &[Option<String>]) -> Result<(), Diagnostic> {
    let refused = |message: String| Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message);
    if expected != given.len() {
        return Err(refused(format!(
            "the statement has {expected} parameters (`$1`, ..) and {} were given",
            given.len()
        ))
        .hint("give one value for each, in order; null for NULL"));
    }
    if given.iter().flatten().any(|value| value.contains('\0')) {
        return Err(refused("a parameter holds a NUL character, which PostgreSQL's text cannot".to_owned()));
    }
    Ok(())
}
