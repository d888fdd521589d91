//! Rows that foreign keys have changed besides: PostgreSQL reports those of the statement alone.
//!
//! Its statistics count each backend's changes as they happen (`track_counts`, on by default). Counts of transactions before
//! may still be among them, so two readings are compared.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use crate::catalog::Catalog;
use crate::pg::Oid;
use crate::sql::{CheckedWrite, WriteKind};

const CHANGED: &str = include_str!("changed.sql");

/// Updated and deleted rows by relation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts(HashMap<u32, (u64, u64)>);

/// The request leaves on the first poll.
pub(super) async fn of(client: &Client, relations: &[u32]) -> Result<Counts, Error> {
    let rows = client.query_typed(CHANGED, &[(&relations, Type::OID_ARRAY)]).await?;
    let mut counts = HashMap::with_capacity(rows.len());
    for row in rows {
        let number = |column| row.try_get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
        counts.insert(row.try_get(0)?, (number(1)?, number(2)?));
    }
    Ok(Counts(counts))
}

impl Counts {
    pub(super) fn since(&self, before: &Self) -> Self {
        let since = |relation: &u32, now: &(u64, u64)| {
            let (updated, deleted) = before.0.get(relation).copied().unwrap_or_default();
            (now.0.saturating_sub(updated), now.1.saturating_sub(deleted))
        };
        Self(self.0.iter().map(|(relation, now)| (*relation, since(relation, now))).collect())
    }

    /// Those that the statement, which changed `rows` of its target, has not changed itself. A row that moves to another
    /// partition is deleted there and inserted here: it counts once.
    pub(super) fn beyond(&self, write: &CheckedWrite, catalog: &Catalog, rows: u64) -> u64 {
        let own = catalog.stored(&[write.target_oid()]);
        let (mut elsewhere, mut own_updated, mut own_deleted) = (0_u64, 0_u64, 0_u64);
        for (relation, (updated, deleted)) in &self.0 {
            if own.binary_search(&Oid(*relation)).is_ok() {
                own_updated += updated;
                own_deleted += deleted;
            } else {
                elsewhere += updated + deleted;
            }
        }
        let of_keys_to_itself = match write.kind() {
            WriteKind::Delete => (own_updated + own_deleted).saturating_sub(rows),
            WriteKind::Update => own_updated.saturating_sub(rows),
            WriteKind::Insert | WriteKind::Merge => 0,
        };
        elsewhere + of_keys_to_itself
    }
}
