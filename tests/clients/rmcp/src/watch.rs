//! Sees in pg_stat_activity whether a query of its own runs.

use std::env::var;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use crate::reads::rows;
use crate::{Checked, call, expect, words};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Watch {
    admin: Client,
    mark: u32,
}

pub(crate) fn mark() -> u32 {
    rand::random_range(100_000_000..200_000_000)
}

/// A connection of the tests' own.
pub(crate) async fn admin() -> Checked<Client> {
    let url = var("ADMIN_DATABASE_URL").map_err(words)?;
    let (admin, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(words)?;
    tokio::spawn(connection);
    Ok(admin)
}

/// A call that nobody waits for any longer ends, and the next one is answered.
pub(crate) async fn cancel(client: &crate::Client) -> Checked<String> {
    let watch = Watch::new().await?;
    {
        let sql = watch.endless();
        let calling = call(client, "query", serde_json::json!({"sql": sql}));
        tokio::select! {
            answer = calling => return Err(format!("answered: {answer:?}")),
            seen = watch.until(true, "the query never ran") => seen?,
        };
    }
    let took = watch.gone().await?;
    let after = call(client, "query", serde_json::json!({"sql": "SELECT 7 AS n"})).await.map_err(words)?;
    expect(rows(&after) == serde_json::json!([[7]]), after)?;
    Ok(took)
}

impl Watch {
    pub(crate) async fn new() -> Checked<Self> {
        Ok(Self { admin: admin().await?, mark: mark() })
    }

    pub(crate) fn endless(&self) -> String {
        format!("SELECT count(*) FROM generate_series(1, {}) a, generate_series(1, 100000) b", self.mark)
    }

    async fn running(&self) -> Checked<bool> {
        let seen = "SELECT count(*) FROM pg_stat_activity \
                    WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()";
        let found = self.admin.query_one(seen, &[&format!("%{}%", self.mark)]).await.map_err(words)?;
        Ok(found.get::<_, i64>(0) > 0)
    }

    pub(crate) async fn until(&self, wanted: bool, what: &str) -> Checked<Duration> {
        let started = Instant::now();
        while self.running().await? != wanted {
            if started.elapsed() > PATIENCE {
                return Err(what.to_owned());
            }
        }
        Ok(started.elapsed())
    }

    /// From now to the query's end.
    pub(crate) async fn gone(&self) -> Checked<String> {
        let limit = var("CANCEL_MS").map_err(words)?.parse().map_err(words)?;
        let took = self.until(false, "the query runs on").await?;
        let words = format!("{} ms", took.as_millis());
        if took < Duration::from_millis(limit) { Ok(words) } else { Err(format!("gone after {words}")) }
    }
}
