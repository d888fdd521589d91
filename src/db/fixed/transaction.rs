//! Several fixed statements that happen together or not at all.

use tokio::time::timeout;

use super::{LIMIT, Record, Value, query, silent};
use crate::db::error;
use crate::db::lease::Lease;
use crate::pg::Diagnostic;

/// Dropped without [`Self::commit`], nothing of it has happened.
#[derive(Debug)]
pub struct Transaction(Held);

struct Held(Lease);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lease")
    }
}

impl Transaction {
    pub(super) async fn begin(lease: Lease) -> Result<Self, Diagnostic> {
        let mut this = Self(Held(lease));
        this.script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
        Ok(this)
    }

    pub async fn run(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Record>, Diagnostic> {
        query(&mut self.0.0, sql, values).await
    }

    /// Many statements, without values.
    pub async fn script(&mut self, script: &'static str) -> Result<(), Diagnostic> {
        let link = self.0.0.link().ok_or_else(error::lost)?;
        let ran = timeout(LIMIT, link.client().batch_execute(script)).await;
        ran.map_err(|_| silent())?.map_err(|e| error::diagnostic(&e))
    }

    pub async fn commit(mut self) -> Result<(), Diagnostic> {
        self.script("COMMIT").await?;
        self.0.0.end();
        Ok(())
    }
}
