//! Whether PostgreSQL answers at this moment.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Database;
use crate::db::error;
use crate::pg::Diagnostic;

/// Who asks wants to know soon.
const PATIENCE: Duration = Duration::from_secs(2);

impl Database {
    /// Asks PostgreSQL for a sign of life, for two seconds at the most; how long it took.
    pub async fn answers(&self) -> Result<Duration, Diagnostic> {
        let asked = Instant::now();
        let answered = timeout(PATIENCE, async {
            match self.answers_once().await {
                // The connection ended while it idled.
                Err(gone) if gone.retryable => {
                    self.control.sweep();
                    self.answers_once().await
                }
                answered => answered,
            }
        });
        answered.await.map_err(|_| error::lost())?.map(|()| asked.elapsed())
    }

    async fn answers_once(&self) -> Result<(), Diagnostic> {
        let mut lease = self.control.lease(PATIENCE).await?;
        let link = lease.link().ok_or_else(error::lost)?;
        link.client().batch_execute("").await.map_err(|e| error::diagnostic(&e))?;
        lease.keep();
        Ok(())
    }
}
