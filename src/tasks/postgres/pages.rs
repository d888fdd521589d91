//! The rows behind the first page.

use super::read::owner_values;
use super::statements::{APPEND, CHUNK, CHUNKS, CLOSE_PAGES};
use super::{Kind, PostgresStore, int, is_one};
use crate::db::fixed::Value;
use crate::pg::Diagnostic;
use crate::store::altered;
use crate::store::fault;
use crate::tasks::{Holder, Owner, TaskId};

impl PostgresStore {
    /// A chunk is sealed with its number: which one it gets is asked first, and again if another one came between.
    pub(super) async fn append_chunk(
        &self,
        holder: Holder,
        id: TaskId,
        chunk: Vec<u8>,
    ) -> Result<bool, Diagnostic> {
        let (id_bytes, holder) = (id.to_bytes(), holder.0.to_bytes());
        let settings = &self.settings;
        loop {
            let records = self.read(CHUNKS, &[Value::Bytes(&id_bytes), Value::Bytes(&holder)]).await?;
            let Some(record) = records.first() else { return Ok(false) };
            let number = u32::try_from(record.int(0).map_err(fault)?).map_err(|_| altered())?;
            let sealed = self.seal.seal(id, Kind::Chunk(number), &chunk)?;
            let values = [
                Value::Bytes(&id_bytes),
                Value::Bytes(&holder),
                int(number),
                Value::Bytes(&sealed),
                int(chunk.len()),
                int(settings.answer_bytes),
                int(settings.stored_bytes_per_owner),
                int(settings.stored_bytes),
            ];
            let stored = self.run(APPEND, &values).await?;
            if let Some(record) = stored.first() {
                return record.is(0).map_err(fault);
            }
        }
    }

    pub(super) async fn end_pages(&self, holder: Holder, id: TaskId, end: &str) -> Result<bool, Diagnostic> {
        let sealed = self.sealed(id, Kind::End, end)?;
        let (id_bytes, holder_bytes) = (id.to_bytes(), holder.0.to_bytes());
        let values = [Value::Bytes(&id_bytes), Value::Bytes(&holder_bytes), Value::Bytes(&sealed)];
        let closed = is_one(&self.run(CLOSE_PAGES, &values).await?);
        if closed {
            self.held().remove(&(holder, id));
        }
        Ok(closed)
    }

    pub(super) async fn chunk_of(
        &self,
        owner: &Owner,
        id: TaskId,
        number: u32,
    ) -> Result<Option<Vec<u8>>, Diagnostic> {
        let id_bytes = id.to_bytes();
        let [issuer, subject, client] = owner_values(owner);
        let values = [Value::Bytes(&id_bytes), issuer, subject, client, int(number)];
        let records = self.read(CHUNK, &values).await?;
        let Some(record) = records.first() else { return Ok(None) };
        let sealed = record.bytes(0).map_err(fault)?;
        self.seal.open(id, Kind::Chunk(number), &sealed).map(Some)
    }
}
