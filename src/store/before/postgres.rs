//! Images in the PostgreSQL store.

use std::time::Duration;

use super::{ImageId, Sealed};
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Record, Value};
use crate::pg::Diagnostic;
use crate::store::{altered, fault, migrate};

const ADD: &str = include_str!("add.sql");
const COMMITTED: &str = include_str!("committed.sql");
const REMOVE: &str = include_str!("remove.sql");
const LIST: &str = include_str!("list.sql");
const ROWS: &str = include_str!("rows.sql");
const SWEEP: &str = include_str!("sweep.sql");
/// Connections of one process.
const CONNECTIONS: usize = 2;

#[derive(Debug)]
pub(super) struct Postgres(Fixed);

impl Postgres {
    pub(super) async fn open(connection: ConnectionSettings) -> Result<Self, Diagnostic> {
        let fixed = Fixed::new("the store", connection, CONNECTIONS);
        migrate::check(&fixed).await?;
        Ok(Self(fixed))
    }

    pub(super) async fn add(
        &self,
        id: ImageId,
        about: &[u8],
        rows: &[u8],
        keep: Duration,
    ) -> Result<(), Diagnostic> {
        let (id, keep) = (id.to_bytes(), i64::try_from(keep.as_secs()).unwrap_or(i64::MAX));
        self.run(ADD, &[Value::Bytes(&id), Value::Bytes(about), Value::Bytes(rows), Value::Int(keep)]).await
    }

    pub(super) async fn committed(&self, id: ImageId) -> Result<(), Diagnostic> {
        self.run(COMMITTED, &[Value::Bytes(&id.to_bytes())]).await
    }

    pub(super) async fn remove(&self, id: ImageId) -> Result<(), Diagnostic> {
        self.run(REMOVE, &[Value::Bytes(&id.to_bytes())]).await
    }

    pub(super) async fn sweep(&self) -> Result<(), Diagnostic> {
        self.run(SWEEP, &[]).await
    }

    pub(super) async fn list(&self, most: usize) -> Result<Vec<Sealed>, Diagnostic> {
        let most = Value::Int(i64::try_from(most).unwrap_or(i64::MAX));
        let records = self.0.read(LIST, &[most]).await.map_err(fault)?;
        records.iter().map(sealed).collect()
    }

    pub(super) async fn rows(&self, id: ImageId) -> Result<Option<Vec<u8>>, Diagnostic> {
        let records = self.0.read(ROWS, &[Value::Bytes(&id.to_bytes())]).await.map_err(fault)?;
        records.first().map(|record| record.bytes(0).map_err(fault)).transpose()
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }

    async fn run(&self, sql: &'static str, values: &[Value<'_>]) -> Result<(), Diagnostic> {
        self.0.run(sql, values).await.map(drop).map_err(fault)
    }
}

fn sealed(record: &Record) -> Result<Sealed, Diagnostic> {
    let read = || {
        let id = <[u8; 16]>::try_from(record.bytes(0)?).map_err(|_| altered())?;
        Ok(Sealed {
            id: ImageId::from_bytes(id),
            committed: record.is(1)?,
            about: record.bytes(2)?,
            bytes: u64::try_from(record.int(3)?).unwrap_or(0),
            created: record.text(4)?,
            expires: record.text(5)?,
        })
    };
    read().map_err(fault)
}
