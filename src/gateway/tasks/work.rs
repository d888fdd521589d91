//! Work of a tool that is no query, as a task: it lives in the same record, is cancelled in the same way, and may ask its
//! owner's client for something.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Answered, write};
use crate::auth::Caller;
use crate::db::Progress;
use crate::gateway::query::Live;
use crate::gateway::{Gateway, TaskView};
use crate::pg::{Diagnostic, SqlState};
use crate::tasks::{End, NewTask, Owner, TaskId};

/// A task that this process works on.
pub struct Working {
    gateway: Gateway,
    owner: Owner,
    id: TaskId,
    live: Arc<Live>,
}

impl Gateway {
    /// Makes the record of work that begins now. `about` says what it is.
    pub async fn begin_work(&self, caller: &Caller, about: &str) -> Result<(TaskView, Working), Diagnostic> {
        let (id, owner) = (TaskId::random()?, Owner::of(caller));
        // Nobody finds it by its question.
        let mut fingerprint = [0; 32];
        fingerprint.iter_mut().zip(id.to_bytes()).for_each(|(byte, of_id)| *byte = of_id);
        let new = NewTask {
            id,
            owner: owner.clone(),
            question: about.to_owned(),
            fingerprint,
            listed: true,
            ttl: self.desk.settings().ttl,
            holder: Some(self.desk.holder()),
            message: "working".to_owned(),
        };
        let task = self.desk.store().create(new).await?;
        let live = Arc::new(Live::new(Arc::<Progress>::default()));
        self.desk.register_work(id, &live, owner.clone());
        let view = self.desk.view(task).await?;
        Ok((view, Working { gateway: self.clone(), owner, id, live }))
    }
}

impl Working {
    /// Fires when the task is cancelled.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.live.stop
    }

    /// How far it is, for whoever asks.
    pub fn says(&self, words: String) {
        self.live.set_doing(words);
    }

    /// Asks the owner's client, and waits until everything is answered: requests and responses are JSON, by key.
    pub async fn ask(
        &self,
        pending: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Diagnostic> {
        let desk = &self.gateway.desk;
        let mut changes = self.gateway.task_changes();
        desk.store().ask(desk.holder(), self.id, pending).await?;
        desk.recent().forget(self.id);
        loop {
            let task = desk.store().get(&self.owner, self.id).await?;
            match task.filter(|task| !task.state.is_terminal()).map(|task| task.inputs) {
                None => return Err(Diagnostic::refused(SqlState::QUERY_CANCELED, "the task was cancelled")),
                Some(inputs) if inputs.pending.is_empty() => return Ok(inputs.given),
                Some(_) => changes.next_one(self.id).await,
            }
        }
    }

    /// The task's end: a tool's result as JSON, or why there is none.
    pub async fn end(self, result: Result<Value, Diagnostic>) -> Result<(), Diagnostic> {
        let failed = result.as_ref().is_err_and(|fault| fault.sqlstate == SqlState::INTERNAL_ERROR);
        let answer = write(&result.map(Answered::Result), None)?;
        let end = match failed {
            true => End::Failed { reason: answer },
            false => End::Completed { answer, pages: None },
        };
        let desk = &self.gateway.desk;
        let ended = desk.store().finish(desk.holder(), self.id, end).await;
        desk.unregister(self.id);
        ended.map(drop)
    }
}
