//! Statements of our own, fixed when pgwarden was built, for whoever keeps something of its own in PostgreSQL.
//!
//! On no caller's path: what a caller says comes here as a [`Value`] at most.

mod listen;
mod transaction;
mod value;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::connect::Connector;
use super::lease::Lease;
use super::pool::Pool;
use super::{ConnectionSettings, error};
use crate::pg::{Diagnostic, SqlState};

pub use listen::{Heard, Listening};
pub use transaction::Transaction;
pub(super) use value::typed;
pub use value::{Record, Value};

/// For a connection, and then for the answer.
const LIMIT: Duration = Duration::from_secs(10);
/// How often a statement is tried that lost against another one (class 40): nothing of it has happened.
const TRIES: usize = 4;

/// A few connections for our own statements. Connects on first use; survives restarts of PostgreSQL.
#[derive(Clone)]
pub struct Fixed {
    pool: Pool,
    connector: Arc<Connector>,
    tasks: TaskTracker,
}

impl Fixed {
    /// Does not connect. `name` is for messages.
    pub fn new(name: &str, connection: ConnectionSettings, size: usize) -> Self {
        let connector = Arc::new(Connector::new(connection));
        let tasks = TaskTracker::new();
        let pool = Pool::new(name, Arc::clone(&connector), size, tasks.clone());
        Self { pool, connector, tasks }
    }

    /// One statement, which is its own transaction.
    pub async fn run(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        let mut tries = 1;
        loop {
            match self.once(sql, values).await {
                Err(lost) if lost.sqlstate.class() == "40" && tries < TRIES => tries += 1,
                ended => return ended,
            }
        }
    }

    /// As [`Self::run`], of a statement that only reads: tried again where its connection turns out to be gone.
    pub async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        match self.run(sql, values).await {
            Err(gone) if gone.retryable => {
                self.pool.sweep();
                self.run(sql, values).await
            }
            ended => ended,
        }
    }

    pub async fn begin(&self) -> Result<Transaction, Diagnostic> {
        Transaction::begin(self.pool.lease(LIMIT).await?).await
    }

    /// Hears what is notified after `listen` (a `LISTEN ..`); waits for the first connection.
    pub async fn listen(
        &self,
        listen: &'static str,
        hear: impl FnMut(Heard) + Send + 'static,
    ) -> Result<Listening, Diagnostic> {
        Listening::start(Arc::clone(&self.connector), listen, hear).await
    }

    pub async fn close(&self) {
        self.pool.close();
        self.tasks.close();
        let _ = timeout(LIMIT, self.tasks.wait()).await;
    }

    async fn once(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        let mut lease = self.pool.lease(LIMIT).await?;
        let records = query(&mut lease, sql, values).await;
        match &records {
            // An error that PostgreSQL reports has ended the transaction, and nothing else.
            Err(error) if !error.sqlstate.as_str().starts_with(['0', '5', 'X']) => lease.keep(),
            Err(_) => drop(lease),
            Ok(_) => lease.keep(),
        }
        records
    }
}

async fn query(
    lease: &mut Lease,
    sql: &'static str,
    values: &[Value<'_>],
) -> Result<Vec<Record>, Diagnostic> {
    let link = lease.link().ok_or_else(error::lost)?;
    let rows = timeout(LIMIT, link.client().query_typed(sql, &typed(values))).await;
    let rows = rows.map_err(|_| silent())?.map_err(|e| error::diagnostic(&e))?;
    Ok(rows.into_iter().map(Record::new).collect())
}

fn silent() -> Diagnostic {
    Diagnostic::connection(
        SqlState::CANNOT_CONNECT_NOW,
        format!("PostgreSQL did not answer within {} s", LIMIT.as_secs()),
    )
}

impl fmt::Debug for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fixed({:?})", self.pool)
    }
}
