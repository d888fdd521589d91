//! The store of several processes: a schema in PostgreSQL, its contents sealed.
//!
//! INVARIANT: every change is one statement, and locks in one order: the task, its owner, the total. The counters that
//! quotas and turns are decided by change in the statement that changes the task, under those locks, so they hold for
//! all processes together.

mod busy;
mod change;
mod inputs;
mod life;
mod pages;
mod read;
mod statements;
mod store;
mod take_over;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::seal::{Kind, Seal};
use super::{Holder, Pace, TaskId, TaskSettings};
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Listening, Record, Value};
use crate::pg::Diagnostic;
use crate::store::MasterKey;
use crate::store::{fault, migrate};
use busy::Busy;

use super::Change;

/// Connections of one process.
const CONNECTIONS: usize = 8;
/// Changes that a slow listener may fall behind.
const CHANGES: usize = 1024;

#[derive(Debug)]
pub struct PostgresStore {
    settings: TaskSettings,
    pace: Pace,
    fixed: Fixed,
    seal: Seal,
    changes: broadcast::Sender<Change>,
    busy: Busy,
    /// What this process knows that it holds. What else the table says that it holds, it was never told of.
    held: Mutex<HashSet<(Holder, TaskId)>>,
    _listening: Listening,
}

impl PostgresStore {
    /// Refuses a database that [`crate::store::migrate`] has not made ready.
    pub async fn open(
        connection: ConnectionSettings,
        settings: TaskSettings,
        key: &MasterKey,
        pace: Pace,
    ) -> Result<Self, Diagnostic> {
        let fixed = Fixed::new("the store", connection, CONNECTIONS);
        migrate::check(&fixed).await?;
        let (changes, _) = broadcast::channel(CHANGES);
        let listening = change::listen(&fixed, changes.clone()).await?;
        let seal = Seal::new(key);
        let busy = Busy::new(changes.subscribe());
        Ok(Self { settings, pace, fixed, seal, changes, busy, held: Mutex::default(), _listening: listening })
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.fixed.close().await;
    }

    async fn run(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        self.fixed.run(sql, values).await.map_err(fault)
    }

    async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        self.fixed.read(sql, values).await.map_err(fault)
    }

    fn sealed(&self, id: TaskId, kind: Kind, text: &str) -> Result<Vec<u8>, Diagnostic> {
        self.seal.seal(id, kind, text.as_bytes())
    }

    fn held(&self) -> MutexGuard<'_, HashSet<(Holder, TaskId)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grace(&self) -> Value<'static> {
        Value::Int(millis(self.pace.grace))
    }
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn int(number: impl TryInto<i64>) -> Value<'static> {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}

fn is_one(records: &[Record]) -> bool {
    !records.is_empty()
}
