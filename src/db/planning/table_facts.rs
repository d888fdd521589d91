//! What PostgreSQL's statistics say of tables, for judging indexes.

use std::collections::BTreeMap;

use serde::Deserialize;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::db::error;
use crate::pg::{Diagnostic, Oid, SqlState};

const TABLE_FACTS: &str = include_str!("table_facts.sql");

/// Of one table, as of the last ANALYZE.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct TableFacts {
    pub oid: Oid,
    pub pages: u64,
    /// -1 where it was never analyzed.
    pub rows: f64,
    /// Rows inserted, updated and deleted since the statistics were reset; `None` where nobody counts.
    pub writes: Option<u64>,
    /// Scans since then.
    pub reads: Option<u64>,
    pub columns: BTreeMap<String, ColumnFacts>,
    pub indexes: Vec<IndexFacts>,
}

#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
pub struct ColumnFacts {
    /// Bytes, on average.
    pub width: u64,
    /// Different values; below 0 as a part of the rows.
    pub distinct: f64,
}

#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct IndexFacts {
    pub name: String,
    pub method: String,
    pub unique: bool,
    /// Valid, over columns only, of all rows.
    pub plain: bool,
    /// So many of `columns` are ordered; the others are stored along.
    pub keys: usize,
    /// `None` is an expression.
    pub columns: Vec<Option<String>>,
    pub bytes: u64,
}

/// `client` is a connection of ours.
pub(in crate::db) async fn read(client: &Client, tables: &[Oid]) -> Result<Vec<TableFacts>, Diagnostic> {
    let oids: Vec<u32> = tables.iter().map(|oid| oid.0).collect();
    let rows = client.query_typed(TABLE_FACTS, &[(&oids, Type::OID_ARRAY)]).await;
    let rows = rows.map_err(|e| error::diagnostic(&e))?;
    let facts = rows.iter().map(|row| {
        let text: String = row.try_get(0).map_err(|e| error::diagnostic(&e))?;
        serde_json::from_str(&text).map_err(|_| {
            Diagnostic::refused(SqlState::INTERNAL_ERROR, "the statistics of a table came in an unknown form")
        })
    });
    facts.collect()
}
