//! A task from its creation to its end.

use super::read::{owner_values, time};
use super::statements::{
    CANCEL, CLAIM, CLAIM_PATIENTLY, CREATE, FINISH, FORGET, NOTE, NOTED, OWNER, TIDY_OWNERS,
};
use super::{Kind, PostgresStore, int, is_one, millis};
use crate::db::fixed::Value;
use crate::pg::{Diagnostic, SqlState};
use crate::store::fault;
use crate::tasks::full::{self, Held};
use crate::tasks::{Cancel, End, Holder, NewTask, Owner, State, Task, TaskId, Work};

/// The row of an owner without tasks may be tidied away between two statements.
const OWNER_TRIES: usize = 5;

impl PostgresStore {
    pub(super) async fn create_task(&self, new: NewTask) -> Result<Task, Diagnostic> {
        let asked = [&new.fingerprint[..], new.question.as_bytes()].concat();
        let question = self.seal.seal(new.id, Kind::Question, &asked)?;
        let message = self.sealed(new.id, Kind::Message, &new.message)?;
        let fingerprint = self.seal.fingerprint(&new.fingerprint);
        let (id, holder) = (new.id.to_bytes(), new.holder.map(|Holder(id)| id.to_bytes()));
        let [issuer, subject, client] = owner_values(&new.owner);
        let values = [
            Value::Bytes(&id),
            issuer,
            subject,
            client,
            Value::Bytes(&fingerprint),
            Value::Bytes(&question),
            Value::Bytes(&message),
            Value::Bool(new.listed),
            Value::Maybe(holder.as_ref().map(|id| &id[..])),
            Value::Int(millis(new.ttl)),
            int(self.settings.open_per_owner),
            int(self.settings.open),
            int(self.settings.stored_bytes_per_owner),
            int(self.settings.stored_bytes),
            int(new.bytes()),
        ];
        for _ in 0..OWNER_TRIES {
            let records = self.run(CREATE, &values).await?;
            let Some(record) = records.first() else {
                self.run(OWNER, &[issuer, subject, client]).await?;
                continue;
            };
            if record.maybe_int(4).map_err(fault)?.is_some() {
                let created = time(record, 4)?;
                if let Some(holder) = new.holder {
                    self.held().insert((holder, new.id));
                }
                self.busy.add(new.owner.clone()).await;
                return Ok(new.created(created));
            }
            let held = |open, bytes| -> Result<Held, Diagnostic> {
                let number = |column| record.int(column).map_err(fault);
                let (open, bytes) = (number(open)?, number(bytes)?);
                Ok(Held {
                    open: usize::try_from(open).unwrap_or(0),
                    bytes: u64::try_from(bytes).unwrap_or(0),
                })
            };
            let (own, all) = (held(0, 2)?, held(1, 3)?);
            // INVARIANT: it names the bound that create.sql held it against.
            if let Some(refusal) = full::refusal(&self.settings, own, all, new.listed) {
                return Err(refusal);
            }
        }
        Err(fault(Diagnostic::connection(
            SqlState::INTERNAL_ERROR,
            "a task could not be made: what is stored changes again and again",
        )))
    }

    pub(super) async fn claim_task(
        &self,
        holder: Holder,
        per_owner: usize,
    ) -> Result<Option<Work>, Diagnostic> {
        let id = holder.0.to_bytes();
        let values = [Value::Bytes(&id), int(per_owner)];
        let mut records = self.run(CLAIM, &values).await?;
        if records.is_empty() {
            records = self.run(CLAIM_PATIENTLY, &values).await?;
        }
        let Some(record) = records.first() else { return Ok(None) };
        let (task, attempts) = self.task(record)?;
        self.held().insert((holder, task.id));
        Ok(Some(Work { task, again: attempts > 1 }))
    }

    pub(super) async fn note_task(
        &self,
        holder: Holder,
        id: TaskId,
        message: &str,
    ) -> Result<bool, Diagnostic> {
        let (id_bytes, holder) = (id.to_bytes(), holder.0.to_bytes());
        let records = self.read(NOTED, &[Value::Bytes(&id_bytes), Value::Bytes(&holder)]).await?;
        let Some(record) = records.first() else { return Ok(false) };
        let before = self.seal.open(id, Kind::Message, &record.bytes(0).map_err(fault)?)?;
        if before == message.as_bytes() {
            return Ok(false);
        }
        let sealed = self.sealed(id, Kind::Message, message)?;
        let values = [Value::Bytes(&id_bytes), Value::Bytes(&holder), Value::Bytes(&sealed)];
        Ok(is_one(&self.run(NOTE, &values).await?))
    }

    pub(super) async fn finish_task(&self, holder: Holder, id: TaskId, end: End) -> Result<bool, Diagnostic> {
        let (state, answer, pages) = match end {
            End::Completed { answer, pages } => ("completed", answer, pages),
            End::Failed { reason } => ("failed", reason, None),
        };
        let message = self.sealed(id, Kind::Message, state)?;
        let sealed = self.sealed(id, Kind::Answer, &answer)?;
        let header = pages.map(|header| self.sealed(id, Kind::Header, &header)).transpose()?;
        let (id_bytes, holder_bytes) = (id.to_bytes(), holder.0.to_bytes());
        let values = [
            Value::Bytes(&id_bytes),
            Value::Bytes(&holder_bytes),
            Value::Text(state),
            Value::Bytes(&message),
            Value::Bytes(&sealed),
            Value::Maybe(header.as_deref()),
            int(answer.len()),
            self.grace(),
        ];
        let finished = is_one(&self.run(FINISH, &values).await?);
        if header.is_none() {
            self.held().remove(&(holder, id));
        }
        Ok(finished)
    }

    pub(super) async fn cancel_task(
        &self,
        owner: &Owner,
        id: TaskId,
        message: &str,
    ) -> Result<Cancel, Diagnostic> {
        let message = self.sealed(id, Kind::Message, message)?;
        let id_bytes = id.to_bytes();
        let [issuer, subject, client] = owner_values(owner);
        let values = [Value::Bytes(&id_bytes), issuer, subject, client, Value::Bytes(&message), self.grace()];
        let records = self.run(CANCEL, &values).await?;
        let Some(record) = records.first() else { return Ok(Cancel::Unknown) };
        let (task, _) = self.task(record)?;
        // Only what changed was told.
        let told = record.maybe_text(16).map_err(fault)?.is_some();
        Ok(if told && task.state == State::Cancelled { Cancel::Done(task) } else { Cancel::TooLate(task) })
    }

    pub(super) async fn forget_owner(&self, owner: &Owner) -> Result<(), Diagnostic> {
        self.run(FORGET, &owner_values(owner)).await?;
        self.run(TIDY_OWNERS, &[]).await.map(drop)
    }
}
