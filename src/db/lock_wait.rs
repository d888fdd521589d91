//! What keeps a running statement waiting.

use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use crate::pg::Oid;

const LOCK_WAIT: &str = include_str!("lock_wait.sql");

/// A lock that a backend waits for.
#[derive(Clone, PartialEq, Debug)]
pub struct LockWait {
    /// `None` where it is not one of a relation.
    pub relation: Option<Oid>,
    pub waited: Duration,
    /// Process ids of the backends that hold it, or wait for it before this one.
    pub blockers: Vec<i32>,
}

/// `None` where the backend waits for none. `client` is a connection of ours to the same database.
pub(super) async fn of_backend(client: &Client, backend: i32) -> Result<Option<LockWait>, Error> {
    let rows = client.query_typed(LOCK_WAIT, &[(&backend, Type::INT4)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    // NULL for a moment after the wait began.
    let seconds: Option<f64> = row.try_get(1)?;
    Ok(Some(LockWait {
        relation: row.try_get::<_, Option<u32>>(0)?.map(Oid),
        waited: Duration::try_from_secs_f64(seconds.unwrap_or(0.0)).unwrap_or_default(),
        blockers: row.try_get(2)?,
    }))
}
