//! Suspensions in the PostgreSQL store.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::{Suspended, Suspension};
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Listening, Record, Value};
use crate::pg::Diagnostic;
use crate::store::{altered, fault, migrate};

const LISTEN: &str = "LISTEN pgwarden_suspensions";
const LIST: &str = include_str!("list.sql");
const ADD: &str = include_str!("add.sql");
const REMOVE: &str = include_str!("remove.sql");
/// Connections of one process, besides the one that listens.
const CONNECTIONS: usize = 1;

#[derive(Debug)]
pub(super) struct Postgres {
    fixed: Fixed,
    told: Arc<Notify>,
    _listening: Listening,
}

impl Postgres {
    pub(super) async fn open(connection: ConnectionSettings) -> Result<Self, Diagnostic> {
        let fixed = Fixed::new("the store", connection, CONNECTIONS);
        migrate::check(&fixed).await?;
        let told = Arc::new(Notify::new());
        let hearing = Arc::clone(&told);
        let listening = fixed.listen(LISTEN, move |_| hearing.notify_one()).await.map_err(fault)?;
        Ok(Self { fixed, told, _listening: listening })
    }

    /// Something may be another.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    pub(super) async fn list(&self) -> Result<Vec<Suspension>, Diagnostic> {
        let records = self.fixed.read(LIST, &[]).await.map_err(fault)?;
        records.iter().map(one).collect()
    }

    pub(super) async fn add(
        &self,
        of: &Suspended,
        reason: &str,
        by: &str,
        time: Option<Duration>,
    ) -> Result<(), Diagnostic> {
        let time = time.map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        let target = text(of)?;
        let values = [Value::Text(&target), Value::Text(reason), Value::Text(by), Value::Int(time)];
        self.fixed.run(ADD, &values).await.map(drop).map_err(fault)
    }

    pub(super) async fn remove(&self, of: &Suspended) -> Result<bool, Diagnostic> {
        let removed = self.fixed.run(REMOVE, &[Value::Text(&text(of)?)]).await.map_err(fault)?;
        Ok(!removed.is_empty())
    }

    pub(super) async fn close(&self) {
        self.fixed.close().await;
    }
}

fn text(of: &Suspended) -> Result<String, Diagnostic> {
    serde_json::to_string(of).map_err(|_| altered())
}

fn one(record: &Record) -> Result<Suspension, Diagnostic> {
    let of = serde_json::from_str(&record.text(0).map_err(fault)?).map_err(|_| altered())?;
    let time = |at: i64| DateTime::<Utc>::from_timestamp_millis(at).ok_or_else(altered);
    Ok(Suspension {
        of,
        reason: record.text(1).map_err(fault)?,
        by: record.text(2).map_err(fault)?,
        since: time(record.int(3).map_err(fault)?)?,
        until: record.maybe_int(4).map_err(fault)?.map(time).transpose()?,
    })
}
