//! The tables of a workload: their statistics, and the indexes that they have.

use std::collections::BTreeMap;

use super::workload::Workload;
use crate::catalog::Relation;
use crate::db::{ColumnFacts, IndexFacts, TableFacts};
use crate::gateway::tuning::hypothetical::leaves;
use crate::gateway::tuning::session::Session;
use crate::gateway::visible::Visible;
use crate::pg::{Diagnostic, Oid, QualifiedName};
use crate::sql::{IndexDefinition, IndexMethod};

/// One table, all its partitions together.
pub(super) struct Table<'c> {
    pub relation: &'c Relation,
    pub rows: f64,
    pub pages: f64,
    /// Rows written and scans made, since somebody counts.
    pub writes: u64,
    pub reads: u64,
    pub columns: BTreeMap<String, ColumnFacts>,
    pub indexes: Vec<IndexFacts>,
}

pub(super) struct Tables<'c>(BTreeMap<QualifiedName, Table<'c>>);

impl<'c> Tables<'c> {
    /// Of the tables that the queries name: all of them are shown to the caller as they are.
    pub async fn read(
        session: &Session<'_>,
        visible: &Visible<'c>,
        workload: &Workload,
    ) -> Result<Self, Diagnostic> {
        let used = workload.queries.iter().flat_map(|query| query.explained.tables());
        let used = used
            .filter_map(|table| visible.relation(&table.relation))
            .filter(|relation| relation.view.is_none() && visible.shows_estimates(relation));
        let parts: BTreeMap<Oid, (&Relation, Vec<Oid>)> = used
            .map(|relation| {
                let leaves = leaves(relation, visible).into_iter().map(|leaf| leaf.oid).collect();
                (relation.oid, (relation, leaves))
            })
            .collect();
        let oids: Vec<Oid> =
            parts.iter().flat_map(|(oid, (_, leaves))| leaves.iter().copied().chain([*oid])).collect();
        let facts = session.served.database.table_facts(&oids).await?;
        let facts: BTreeMap<Oid, TableFacts> = facts.into_iter().map(|facts| (facts.oid, facts)).collect();
        let tables = parts.into_iter().filter_map(|(oid, (relation, leaves))| {
            let own = facts.get(&oid)?;
            let of: Vec<&TableFacts> = leaves.iter().filter_map(|leaf| facts.get(leaf)).collect();
            let table = Table {
                relation,
                rows: of.iter().map(|facts| facts.rows.max(0.0)).sum(),
                pages: of.iter().map(|facts| facts.pages).map(float).sum(),
                writes: of.iter().filter_map(|facts| facts.writes).sum(),
                reads: of.iter().filter_map(|facts| facts.reads).sum(),
                columns: own.columns.clone(),
                indexes: own.indexes.clone(),
            };
            Some((relation.name.clone(), table))
        });
        Ok(Self(tables.collect()))
    }

    pub fn get(&self, name: &QualifiedName) -> Option<&Table<'c>> {
        self.0.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Table<'c>> {
        self.0.values()
    }
}

impl Table<'_> {
    /// An index that is there serves whatever this one would.
    pub fn has(&self, candidate: &IndexDefinition) -> bool {
        self.indexes.iter().any(|index| {
            let keys = index.columns.iter().take(index.keys);
            let begins = candidate.keys.len() <= index.keys
                && candidate
                    .keys
                    .iter()
                    .zip(keys)
                    .all(|(key, column)| column.as_deref() == Some(&key.column));
            let stored =
                candidate.include.iter().all(|wanted| index.columns.iter().flatten().any(|c| c == wanted));
            // Mixed directions are an order of their own.
            let one_way = candidate.keys.iter().all(|key| key.descending)
                || candidate.keys.iter().all(|key| !key.descending);
            index.plain && one_way && index.method == candidate.method.to_string() && begins && stored
        })
    }

    /// Indexes that another one makes unnecessary: their names, and that of the other.
    pub fn redundant(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (at, index) in self.indexes.iter().enumerate() {
            let other = self.indexes.iter().enumerate().find(|(other_at, other)| {
                let same = other.columns == index.columns && other.keys == index.keys;
                *other_at != at && covers(other, index) && (!same || other.unique || *other_at < at)
            });
            if let Some((_, other)) = other.filter(|_| !index.unique) {
                found.push((index.name.as_str(), other.name.as_str()));
            }
        }
        found
    }

    /// The indexes that this one would make unnecessary.
    pub fn replaced(&self, by: &IndexDefinition) -> Vec<&str> {
        let keys: Vec<Option<String>> = by.keys.iter().map(|key| Some(key.column.clone())).collect();
        let by = IndexFacts {
            name: String::new(),
            method: by.method.to_string(),
            unique: false,
            plain: by.method == IndexMethod::Btree,
            keys: keys.len(),
            columns: keys.into_iter().chain(by.include.iter().cloned().map(Some)).collect(),
            bytes: 0,
        };
        let replaced = self.indexes.iter().filter(|index| !index.unique && covers(&by, index));
        replaced.map(|index| index.name.as_str()).collect()
    }
}

/// Both over plain columns, and `index`'s are the first of `other`'s.
fn covers(other: &IndexFacts, index: &IndexFacts) -> bool {
    let keys = |facts: &IndexFacts| facts.columns.iter().take(facts.keys).cloned().collect::<Vec<_>>();
    let stored = index.columns.iter().all(|column| other.columns.contains(column));
    let ordered = [other, index].iter().all(|facts| facts.plain && facts.method == "btree");
    ordered && stored && keys(other).starts_with(&keys(index))
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}
