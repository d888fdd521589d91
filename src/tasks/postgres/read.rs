//! A row as a task, opened.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::statements::STATES;
use super::{Kind, PostgresStore};
use crate::db::fixed::{Record, Value};
use crate::pg::Diagnostic;
use crate::store::altered;
use crate::store::fault;
use crate::tasks::{Owner, Pages, State, Task, TaskId};

/// What stands before a question where it is sealed.
pub(super) const FINGERPRINT_BYTES: usize = 32;

impl PostgresStore {
    /// Of the columns of `columns.sql`: the task, and how often it was begun.
    pub(super) fn task(&self, record: &Record) -> Result<(Task, i64), Diagnostic> {
        let id = id_of(record, 0)?;
        let open = |kind, sealed: Vec<u8>| self.seal.open(id, kind, &sealed);
        let maybe = |kind, column| {
            record.maybe(column).map_err(fault)?.map(|sealed| text(open(kind, sealed)?)).transpose()
        };
        let asked = open(Kind::Question, record.bytes(6).map_err(fault)?)?;
        let (fingerprint, question) = asked.split_first_chunk::<FINGERPRINT_BYTES>().ok_or_else(altered)?;
        let inputs = record.maybe(17).map_err(fault)?.map(|sealed| self.opened_inputs(id, &sealed));
        let task = Task {
            id,
            owner: Owner {
                issuer: record.text(1).map_err(fault)?,
                subject: record.text(2).map_err(fault)?,
                client: record.text(3).map_err(fault)?,
            },
            question: text(question.to_vec())?,
            fingerprint: *fingerprint,
            listed: record.is(4).map_err(fault)?,
            state: state(&record.text(5).map_err(fault)?)?,
            message: maybe(Kind::Message, 7)?.unwrap_or_default(),
            created_at: time(record, 13)?,
            updated_at: time(record, 14)?,
            ttl: Duration::from_millis(number(record, 12)?),
            answer: maybe(Kind::Answer, 8)?,
            pages: Pages {
                header: maybe(Kind::Header, 9)?.unwrap_or_default(),
                chunks: u32::try_from(number(record, 11)?).map_err(|_| altered())?,
                end: maybe(Kind::End, 10)?,
            },
            inputs: inputs.transpose()?.unwrap_or_default(),
        };
        Ok((task, record.int(15).map_err(fault)?))
    }

    pub(super) fn tasks(&self, records: &[Record]) -> Result<Vec<Task>, Diagnostic> {
        records.iter().map(|record| self.task(record).map(|(task, _)| task)).collect()
    }

    pub(super) fn first(&self, records: &[Record]) -> Result<Option<Task>, Diagnostic> {
        records.first().map(|record| self.task(record).map(|(task, _)| task)).transpose()
    }
}

impl PostgresStore {
    pub(super) async fn count_states(&self) -> Result<Vec<(State, usize)>, Diagnostic> {
        let counted = self.read(STATES, &[]).await?;
        let one = |record: &Record| {
            let count = usize::try_from(number(record, 1)?).map_err(|_| altered())?;
            Ok((state(&record.text(0).map_err(fault)?)?, count))
        };
        let counted: Vec<(State, usize)> = counted.iter().map(one).collect::<Result<_, Diagnostic>>()?;
        let of = |state| counted.iter().find(|(found, _)| *found == state).map_or(0, |(_, count)| *count);
        Ok(State::ALL.map(|state| (state, of(state))).to_vec())
    }
}

/// As the three columns.
pub(super) fn owner_values(owner: &Owner) -> [Value<'_>; 3] {
    [Value::Text(&owner.issuer), Value::Text(&owner.subject), Value::Text(&owner.client)]
}

pub(super) fn id_of(record: &Record, column: usize) -> Result<TaskId, Diagnostic> {
    let bytes = record.bytes(column).map_err(fault)?;
    <[u8; 16]>::try_from(bytes.as_slice()).map(TaskId::from_bytes).map_err(|_| altered())
}

pub(super) fn text(bytes: Vec<u8>) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|_| altered())
}

/// Microseconds since 1970, as PostgreSQL counts.
pub(super) fn time(record: &Record, column: usize) -> Result<DateTime<Utc>, Diagnostic> {
    DateTime::from_timestamp_micros(record.int(column).map_err(fault)?).ok_or_else(altered)
}

fn number(record: &Record, column: usize) -> Result<u64, Diagnostic> {
    u64::try_from(record.int(column).map_err(fault)?).map_err(|_| altered())
}

fn state(word: &str) -> Result<State, Diagnostic> {
    State::ALL.into_iter().find(|state| state.word() == word).ok_or_else(altered)
}
