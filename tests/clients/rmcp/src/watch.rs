//! Sees in pg_stat_activity whether a query of its own runs.

use std::env::var;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use crate::{Checked, words};

const CANCEL_LIMIT: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Watch {
    admin: Client,
    mark: u32,
}

pub(crate) fn mark() -> u32 {
    rand::random_range(100_000_000..200_000_000)
}

impl Watch {
    pub(crate) async fn new() -> Checked<Self> {
        let url = var("ADMIN_DATABASE_URL").map_err(words)?;
        let (admin, connection) = tokio_postgres::connect(&url, NoTls).await.map_err(words)?;
        tokio::spawn(connection);
        Ok(Self { admin, mark: mark() })
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
        let took = self.until(false, "the query runs on").await?;
        let words = format!("{} ms", took.as_millis());
        if took < CANCEL_LIMIT { Ok(words) } else { Err(format!("gone after {words}")) }
    }
}
