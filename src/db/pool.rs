//! A bounded set of connections. A lease ends by a reset, off the caller's path; what cannot be shown to be clean is
//! closed and replaced.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::{
    Manager, Metrics, Object, Pool as Deadpool, PoolConfig, PoolError, QueueMode, RecycleError,
    RecycleResult, TimeoutType, Timeouts,
};
use tokio_util::task::TaskTracker;

use super::connect::Connector;
use super::lease::Lease;
use super::link::Link;
use crate::pg::{Diagnostic, Source, SqlState};
use crate::telemetry::metrics::Histogram;

/// Older connections are replaced: backends keep what they have cached of the catalog.
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

pub(super) struct Opener {
    connector: Arc<Connector>,
    max_age: Duration,
}

impl Manager for Opener {
    type Type = Link;
    type Error = Diagnostic;

    async fn create(&self) -> Result<Link, Diagnostic> {
        self.connector.open().await
    }

    /// The reset was done when the lease ended; here it is only asked whether the connection still stands.
    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<Diagnostic> {
        match link.is_closed() || link.age() > self.max_age {
            true => Err(RecycleError::message("closed, or too old")),
            false => Ok(()),
        }
    }
}

pub(super) type Slot = Object<Opener>;

#[derive(Clone)]
pub(super) struct Pool {
    inner: Deadpool<Opener>,
    connector: Arc<Connector>,
    tasks: TaskTracker,
    max_age: Duration,
    /// For messages.
    name: String,
    size: usize,
    /// How long leases were waited for.
    waited: Arc<Histogram>,
}

/// What a pool is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PoolState {
    /// Connections that there may be.
    pub size: usize,
    pub open: usize,
    /// Lent, or being reset.
    pub in_use: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

impl Pool {
    /// Does not connect. `tasks` runs the resets and cancels.
    pub fn new(name: &str, connector: Arc<Connector>, size: usize, tasks: TaskTracker) -> Self {
        Self::renewed(name, connector, size, MAX_AGE, tasks)
    }

    /// The same with connections that are replaced when they are older than `max_age`.
    #[expect(clippy::expect_used, reason = "building fails only where timeouts are set without a runtime")]
    pub fn renewed(
        name: &str,
        connector: Arc<Connector>,
        size: usize,
        max_age: Duration,
        tasks: TaskTracker,
    ) -> Self {
        let size = size.max(1);
        let config = PoolConfig { queue_mode: QueueMode::Lifo, ..PoolConfig::new(size) };
        let inner = Deadpool::builder(Opener { connector: Arc::clone(&connector), max_age })
            .config(config)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is set");
        let waited = Arc::new(Histogram::of_durations());
        Self { inner, connector, tasks, max_age, name: name.to_owned(), size, waited }
    }

    /// The same, whose waits are counted where those of `other` are.
    pub fn waiting_as(self, other: &Self) -> Self {
        Self { waited: Arc::clone(&other.waited), ..self }
    }

    pub fn state(&self) -> PoolState {
        let status = self.inner.status();
        let in_use = status.size.saturating_sub(status.available);
        PoolState { size: status.max_size, open: status.size, in_use, waiting: status.waiting }
    }

    pub fn waited(&self) -> &Histogram {
        &self.waited
    }

    /// A clean connection: an idle one, or the next that is returned within `wait`, or a new one that opens within it.
    pub async fn lease(&self, wait: Duration) -> Result<Lease, Diagnostic> {
        let timeouts = Timeouts { wait: Some(wait), create: Some(wait), recycle: None };
        let began = Instant::now();
        let got = self.inner.timeout_get(&timeouts).await;
        self.waited.took(began.elapsed());
        match got {
            Ok(slot) => Ok(Lease::new(slot, Arc::clone(&self.connector), self.max_age, self.tasks.clone())),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => Err(self.busy()),
            Err(PoolError::Closed) => Err(Diagnostic::new(
                Source::Connection,
                SqlState::CANNOT_CONNECT_NOW,
                format!("`{}` is shutting down", self.name),
            )),
            Err(_) => Err(Diagnostic::connection(
                SqlState::CONNECTION_FAILURE,
                format!("no connection to `{}` could be opened", self.name),
            )),
        }
    }

    /// No host answers, as far as is known.
    pub fn is_silent(&self) -> bool {
        self.connector.is_silent()
    }

    /// Forgets idle connections that have ended, as after a restart of PostgreSQL.
    pub fn sweep(&self) {
        self.inner.retain(|link, _| !link.is_closed());
    }

    pub fn close(&self) {
        self.inner.close();
    }

    fn busy(&self) -> Diagnostic {
        Diagnostic::connection(
            SqlState::TOO_MANY_CONNECTIONS,
            format!("all {} connections to `{}` are busy", self.size, self.name),
        )
        .hint("try again in a moment; if it happens often, raise `pool_size`")
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({}, {:?})", self.name, self.inner.status())
    }
}
