//! The `monitor_login`: a second login, a member of `pg_monitor`, for statements of our own alone.
//!
//! INVARIANT: nothing that a caller writes reaches these connections, but for values of fixed statements.

mod examine;
mod statements;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::ConnectionSettings;
use super::connect::Connector;
use super::fixed::{Record, Value};
use super::look::look;
use super::pool::Pool;
use crate::pg::Diagnostic;

pub use examine::{MonitorExamination, Verdict};
pub use statements::{Statement, StatementOrder};

/// The monitor waits for itself, never a caller's statement for it.
const CONNECTIONS: usize = 2;
const LAST_TASKS: Duration = Duration::from_secs(2);

/// Connects on first use; survives restarts of PostgreSQL.
pub struct Monitor {
    pool: Pool,
    tasks: TaskTracker,
}

impl Monitor {
    /// Does not connect. `name` is the entry's, for messages.
    pub fn new(name: &str, connection: &ConnectionSettings) -> Self {
        let connector = Arc::new(Connector::new(connection.clone().named("pgwarden monitor")));
        let tasks = TaskTracker::new();
        let pool = Pool::new(name, connector, CONNECTIONS, tasks.clone());
        Self { pool, tasks }
    }

    /// One statement, READ ONLY, of at most 15 s.
    pub async fn look(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        Ok(look(&self.pool, &[(sql, values)]).await?.pop().unwrap_or_default())
    }

    pub async fn close(&self) {
        self.pool.close();
        self.tasks.close();
        let _ = timeout(LAST_TASKS, self.tasks.wait()).await;
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Monitor({:?})", self.pool)
    }
}
