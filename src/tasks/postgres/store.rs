//! The store as others see it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::broadcast;

use super::read::owner_values;
use super::statements::{AHEAD, GET, LIST, OPEN, SAME};
use super::{PostgresStore, int};
use crate::db::fixed::Value;
use crate::store::fault;
use crate::tasks::store::{Cancel, Change, Reply, Store};
use crate::tasks::{End, Holder, NewTask, Owner, State, Task, TaskId, Work};

impl Store for PostgresStore {
    fn create(&self, new: NewTask) -> Reply<'_, Task> {
        self.create_task(new).boxed()
    }

    fn get<'a>(&'a self, owner: &'a Owner, id: TaskId) -> Reply<'a, Option<Task>> {
        async move {
            let id = id.to_bytes();
            let [issuer, subject, client] = owner_values(owner);
            self.first(&self.read(GET, &[Value::Bytes(&id), issuer, subject, client]).await?)
        }
        .boxed()
    }

    fn list<'a>(&'a self, owner: &'a Owner, before: Option<TaskId>, most: usize) -> Reply<'a, Vec<Task>> {
        async move {
            let before = before.map(TaskId::to_bytes);
            let before = Value::Maybe(before.as_ref().map(|id| &id[..]));
            let [issuer, subject, client] = owner_values(owner);
            self.tasks(&self.read(LIST, &[issuer, subject, client, before, int(most)]).await?)
        }
        .boxed()
    }

    fn same<'a>(&'a self, owner: &'a Owner, fingerprint: [u8; 32]) -> Reply<'a, Option<Task>> {
        async move {
            if !self.may_be_busy(owner).await? {
                return Ok(None);
            }
            let fingerprint = self.seal.fingerprint(&fingerprint);
            let [issuer, subject, client] = owner_values(owner);
            self.first(&self.read(SAME, &[issuer, subject, client, Value::Bytes(&fingerprint)]).await?)
        }
        .boxed()
    }

    fn ahead<'a>(&'a self, task: &'a Task) -> Reply<'a, u64> {
        async move {
            let id = task.id.to_bytes();
            let [issuer, subject, client] = owner_values(&task.owner);
            let records = self.read(AHEAD, &[Value::Bytes(&id), issuer, subject, client]).await?;
            let ahead = records.first().map_or(Ok(0), |record| record.int(0)).map_err(fault)?;
            Ok(u64::try_from(ahead).unwrap_or(0))
        }
        .boxed()
    }

    fn claim(&self, holder: Holder, per_owner: usize) -> Reply<'_, Option<Work>> {
        self.claim_task(holder, per_owner).boxed()
    }

    fn note<'a>(&'a self, holder: Holder, id: TaskId, message: &'a str) -> Reply<'a, bool> {
        self.note_task(holder, id, message).boxed()
    }

    fn ask(&self, holder: Holder, id: TaskId, pending: BTreeMap<String, String>) -> Reply<'_, bool> {
        self.ask_owner(holder, id, pending).boxed()
    }

    fn respond<'a>(
        &'a self,
        owner: &'a Owner,
        id: TaskId,
        responses: &'a BTreeMap<String, String>,
    ) -> Reply<'a, bool> {
        self.take_responses(owner, id, responses).boxed()
    }

    fn append(&self, holder: Holder, id: TaskId, chunk: Vec<u8>) -> Reply<'_, bool> {
        self.append_chunk(holder, id, chunk).boxed()
    }

    fn close_pages<'a>(&'a self, holder: Holder, id: TaskId, end: &'a str) -> Reply<'a, bool> {
        self.end_pages(holder, id, end).boxed()
    }

    fn chunk<'a>(&'a self, owner: &'a Owner, id: TaskId, number: u32) -> Reply<'a, Option<Vec<u8>>> {
        self.chunk_of(owner, id, number).boxed()
    }

    fn finish(&self, holder: Holder, id: TaskId, end: End) -> Reply<'_, bool> {
        self.finish_task(holder, id, end).boxed()
    }

    fn open(&self, most: usize) -> Reply<'_, Vec<Task>> {
        async move {
            let mut open = self.tasks(&self.read(OPEN, &[int(most)]).await?)?;
            open.reverse();
            Ok(open)
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, owner: &'a Owner, id: TaskId, message: &'a str) -> Reply<'a, Cancel> {
        self.cancel_task(owner, id, message).boxed()
    }

    fn hand_over<'a>(&'a self, holder: Holder, reason: &'a str) -> Reply<'a, ()> {
        self.hand_all_over(holder, reason).boxed()
    }

    fn beat<'a>(&'a self, holder: Holder, reason: &'a str) -> Reply<'a, ()> {
        self.beat_once(holder, reason).boxed()
    }

    fn states(&self) -> Reply<'_, Vec<(State, usize)>> {
        self.count_states().boxed()
    }

    fn forget<'a>(&'a self, owner: &'a Owner) -> Reply<'a, ()> {
        self.forget_owner(owner).boxed()
    }

    fn heartbeat(&self) -> Duration {
        self.pace.heartbeat
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}
