//! Lines in the PostgreSQL that replicas share: one chain of all of them, whose last record is locked while one appends.

use std::collections::VecDeque;

use serde_json::Value as Json;
use tokio::runtime::Handle;

use super::Key;
use super::chain::{self, Head};
use super::fault::Fault;
use super::place::Place;
use super::record::Draft;
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Value};
use crate::pg::Diagnostic;
use crate::store::migrate;

const HEAD: &str = include_str!("store/head.sql");
const ADD: &str = include_str!("store/add.sql");
const MOVE: &str = include_str!("store/move.sql");
const IS_THERE: &str = include_str!("store/is_there.sql");
/// One appends; the other is for a look after a lost connection.
const CONNECTIONS: usize = 2;

pub(super) struct Store {
    fixed: Fixed,
    key: Option<Key>,
    runtime: Handle,
    /// What was sent and not answered: it may be there.
    doubtful: Option<(Head, usize)>,
}

impl Store {
    pub(super) async fn open(
        connection: ConnectionSettings,
        key: Option<Key>,
        runtime: Handle,
    ) -> Result<Self, Fault> {
        let fixed = Fixed::new("the audit log's store", connection, CONNECTIONS);
        migrate::check(&fixed).await?;
        Ok(Self { fixed, key, runtime, doubtful: None })
    }

    async fn add(&mut self, records: &mut VecDeque<Draft>) -> Result<(), Diagnostic> {
        if let Some((head, count)) = self.doubtful.take() {
            let values = [Value::Int(number(head.seq)), Value::Text(&head.hash)];
            match self.fixed.read(IS_THERE, &values).await {
                Ok(found) if found.is_empty() => {}
                Ok(_) => drop(records.drain(..count.min(records.len()))),
                Err(error) => {
                    self.doubtful = Some((head, count));
                    return Err(error);
                }
            }
        }
        if records.is_empty() {
            return self.fixed.read("SELECT 1", &[]).await.map(drop);
        }
        let mut transaction = self.fixed.begin().await?;
        let found = transaction.run(HEAD, &[]).await?;
        let mut head = match found.first() {
            Some(record) => Head { seq: u64::try_from(record.int(0)?).unwrap_or(0), hash: record.text(1)? },
            None => Head::default(),
        };
        let mut lines = Vec::with_capacity(records.len());
        let first = head.seq.saturating_add(1);
        for record in records.iter() {
            let (line, next) = chain::line(&head, self.key.as_ref(), record.time, &record.members);
            lines.push(Json::from(line.trim_end()));
            head = next;
        }
        let (lines, seq) = (Json::from(lines).to_string(), number(head.seq));
        transaction.run(ADD, &[Value::Int(number(first)), Value::Text(&lines)]).await?;
        transaction.run(MOVE, &[Value::Int(seq), Value::Text(&head.hash)]).await?;
        self.doubtful = Some((head, records.len()));
        transaction.commit().await?;
        self.doubtful = None;
        records.clear();
        Ok(())
    }
}

impl Place for Store {
    fn append(&mut self, records: &mut VecDeque<Draft>, _: bool) -> Result<(), Fault> {
        let runtime = self.runtime.clone();
        runtime.block_on(self.add(records)).map_err(Fault::from)
    }
}

fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
