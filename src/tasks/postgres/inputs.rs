//! What a running task asks its owner's client for.

use std::collections::BTreeMap;

use super::read::owner_values;
use super::statements::{ASK, INPUTS, RESPOND};
use super::{Kind, PostgresStore, is_one};
use crate::db::fixed::Value;
use crate::pg::{Diagnostic, SqlState};
use crate::store::altered;
use crate::store::fault;
use crate::tasks::{Holder, Inputs, Owner, TaskId};

/// Another response may come in between.
const TRIES: usize = 10;

impl PostgresStore {
    pub(super) async fn ask_owner(
        &self,
        holder: Holder,
        id: TaskId,
        pending: BTreeMap<String, String>,
    ) -> Result<bool, Diagnostic> {
        let sealed = self.sealed_inputs(id, &Inputs { pending, given: BTreeMap::new() })?;
        let (id, holder) = (id.to_bytes(), holder.0.to_bytes());
        Ok(is_one(&self.run(ASK, &[Value::Bytes(&id), Value::Bytes(&holder), Value::Bytes(&sealed)]).await?))
    }

    pub(super) async fn take_responses(
        &self,
        owner: &Owner,
        id: TaskId,
        responses: &BTreeMap<String, String>,
    ) -> Result<bool, Diagnostic> {
        let id_bytes = id.to_bytes();
        let [issuer, subject, client] = owner_values(owner);
        for _ in 0..TRIES {
            let found = self.read(INPUTS, &[Value::Bytes(&id_bytes), issuer, subject, client]).await?;
            let Some(record) = found.first() else { return Ok(false) };
            let Some(before) = record.maybe(0).map_err(fault)? else { return Ok(true) };
            let mut inputs = self.opened_inputs(id, &before)?;
            if !inputs.take(responses) {
                return Ok(true);
            }
            let after = self.sealed_inputs(id, &inputs)?;
            let values = [Value::Bytes(&id_bytes), Value::Bytes(&before), Value::Bytes(&after)];
            if is_one(&self.run(RESPOND, &values).await?) {
                return Ok(true);
            }
        }
        Err(fault(Diagnostic::connection(SqlState::INTERNAL_ERROR, "a task's inputs change again and again")))
    }

    pub(super) fn opened_inputs(&self, id: TaskId, sealed: &[u8]) -> Result<Inputs, Diagnostic> {
        serde_json::from_slice(&self.seal.open(id, Kind::Inputs, sealed)?).map_err(|_| altered())
    }

    fn sealed_inputs(&self, id: TaskId, inputs: &Inputs) -> Result<Vec<u8>, Diagnostic> {
        let text = serde_json::to_vec(inputs).map_err(|_| altered())?;
        self.seal.seal(id, Kind::Inputs, &text)
    }
}
