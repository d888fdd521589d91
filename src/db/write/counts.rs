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

/// Inserted, updated and deleted rows by relation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts(HashMap<u32, [u64; 3]>);

/// The request leaves on the first poll.
pub(super) async fn of(client: &Client, relations: &[u32]) -> Result<Counts, Error> {
    let rows = client.query_typed(CHANGED, &[(&relations, Type::OID_ARRAY)]).await?;
    let mut counts = HashMap::with_capacity(rows.len());
    for row in rows {
        let number = |column| row.try_get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
        counts.insert(row.try_get(0)?, [number(1)?, number(2)?, number(3)?]);
    }
    Ok(Counts(counts))
}

impl Counts {
    pub(super) fn since(&self, before: &Self) -> Self {
        let since = |relation: &u32, [inserted, updated, deleted]: &[u64; 3]| {
            let [a, b, c] = before.0.get(relation).copied().unwrap_or_default();
            [inserted.saturating_sub(a), updated.saturating_sub(b), deleted.saturating_sub(c)]
        };
        Self(self.0.iter().map(|(relation, now)| (*relation, since(relation, now))).collect())
    }

    /// Those that the statement, which changed `rows` of its target, has not changed itself. A row that moves to another
    /// partition is deleted there and inserted here: it counts once, but for MERGE, which may do either by itself.
    pub(super) fn beyond(&self, write: &CheckedWrite, catalog: &Catalog, rows: u64) -> u64 {
        let own = catalog.stored(&[write.target_oid()]);
        let (mut elsewhere, mut changed) = (0_u64, 0_u64);
        for (relation, [inserted, updated, deleted]) in &self.0 {
            if own.binary_search(&Oid(*relation)).is_err() {
                elsewhere += updated + deleted;
                continue;
            }
            changed += updated
                + match write.kind() {
                    WriteKind::Insert => *inserted,
                    WriteKind::Update | WriteKind::Delete => *deleted,
                    WriteKind::Merge => inserted + deleted,
                };
        }
        elsewhere + changed.saturating_sub(rows)
    }
}
