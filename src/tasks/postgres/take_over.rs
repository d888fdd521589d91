//! Holders that end, in order or not, and what has expired. The database's clock decides: those of processes differ.

use super::read::id_of;
use super::statements::{BEAT, DEAD, EXPIRE, HELD, LEAVE, TAKE_OVER, TIDY_HOLDERS, TIDY_OWNERS};
use super::{Kind, PostgresStore, int, millis};
use crate::db::fixed::Value;
use crate::pg::Diagnostic;
use crate::store::fault;
use crate::tasks::memory::ATTEMPTS;
use crate::tasks::{Holder, TaskId};

/// Of the advisory lock under which tasks expire.
const EXPIRY: i64 = 0x7067_7764_6578_7069;
/// As the statement deletes them.
const EXPIRED_AT_ONCE: i64 = 500;
/// The row of a dead holder without tasks stays for so many times the patience with it.
const REMEMBERED: i64 = 10;

impl PostgresStore {
    pub(super) async fn hand_all_over(&self, holder: Holder, reason: &str) -> Result<(), Diagnostic> {
        for id in self.held_by(holder, 0).await? {
            self.take_over(holder, id, 0, reason).await?;
        }
        self.held().retain(|(of, _)| *of != holder);
        self.run(LEAVE, &[Value::Bytes(&holder.0.to_bytes())]).await.map(drop)
    }

    pub(super) async fn beat_once(&self, holder: Holder, reason: &str) -> Result<(), Diagnostic> {
        self.run(BEAT, &[Value::Bytes(&holder.0.to_bytes())]).await?;
        let patience = millis(self.pace.patience());
        for record in self.run(DEAD, &[Value::Int(patience)]).await? {
            let dead = Holder(id_of(&record, 1)?);
            self.take_over(dead, id_of(&record, 0)?, patience, reason).await?;
        }
        self.find_lost(holder, patience, reason).await?;
        self.expire().await?;
        self.run(TIDY_HOLDERS, &[Value::Int(patience.saturating_mul(REMEMBERED))]).await.map(drop)
    }

    /// A claim whose answer got lost: the table says that it is ours, and nobody works on it.
    async fn find_lost(&self, holder: Holder, patience: i64, reason: &str) -> Result<(), Diagnostic> {
        let all = self.held_by(holder, 0).await?;
        self.held().retain(|(of, id)| *of != holder || all.contains(id));
        for id in self.held_by(holder, patience).await? {
            let is_known = self.held().contains(&(holder, id));
            if !is_known {
                self.take_over(holder, id, 0, reason).await?;
            }
        }
        Ok(())
    }

    async fn held_by(&self, holder: Holder, since: i64) -> Result<Vec<TaskId>, Diagnostic> {
        let records = self.run(HELD, &[Value::Bytes(&holder.0.to_bytes()), Value::Int(since)]).await?;
        records.iter().map(|record| id_of(record, 0)).collect()
    }

    async fn take_over(
        &self,
        holder: Holder,
        id: TaskId,
        patience: i64,
        reason: &str,
    ) -> Result<(), Diagnostic> {
        let end = self.sealed(id, Kind::End, reason)?;
        let message = self.sealed(id, Kind::Message, "completed")?;
        let answer = self.sealed(id, Kind::Answer, reason)?;
        let (id, holder) = (id.to_bytes(), holder.0.to_bytes());
        let values = [
            Value::Bytes(&id),
            Value::Bytes(&holder),
            Value::Int(patience),
            Value::Bytes(&end),
            Value::Bytes(&message),
            Value::Bytes(&answer),
            int(reason.len()),
            self.grace(),
            int(ATTEMPTS),
        ];
        self.run(TAKE_OVER, &values).await.map(drop)
    }

    async fn expire(&self) -> Result<(), Diagnostic> {
        let mut any = false;
        loop {
            let records = self.run(EXPIRE, &[Value::Int(EXPIRY)]).await?;
            let gone = records.first().map_or(Ok(0), |record| record.int(0)).map_err(fault)?;
            any |= gone > 0;
            if gone < EXPIRED_AT_ONCE {
                break;
            }
        }
        if any {
            self.run(TIDY_OWNERS, &[]).await?;
        }
        Ok(())
    }
}
