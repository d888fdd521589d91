//! Indexes that could serve a workload, from what its queries do with columns.

use std::collections::BTreeSet;

use super::existing::{Table, Tables};
use super::workload::Workload;
use crate::sql::{IndexDefinition, IndexKey, IndexMethod, TableUse};

/// Columns of one index.
const KEYS: usize = 4;
/// Columns that are stored along, and bytes of all of them.
const STORED: usize = 3;
const STORED_BYTES: u64 = 64;
/// Of one call.
const MOST: usize = 120;
/// Types that no btree orders, or that are too long to be indexed whole.
const NO_ORDER: [&str; 10] =
    ["json", "jsonb", "xml", "point", "box", "polygon", "path", "line", "circle", "tsvector"];

/// Without repetition, without those that exist. `all_methods`: also those that only hypopg can judge.
pub(super) fn of(workload: &Workload, tables: &Tables<'_>, all_methods: bool) -> Vec<IndexDefinition> {
    let mut found = Vec::new();
    for query in &workload.queries {
        for used in query.explained.tables() {
            let Some(table) = tables.get(&used.relation) else { continue };
            let mut shapes = Shapes { table, used, found: BTreeSet::new() };
            shapes.btree();
            if all_methods {
                shapes.within();
            }
            for candidate in shapes.found {
                if !table.has(&candidate) && !found.contains(&candidate) {
                    found.push(candidate);
                }
            }
        }
    }
    found.truncate(MOST);
    found
}

struct Shapes<'s> {
    table: &'s Table<'s>,
    used: &'s TableUse,
    found: BTreeSet<IndexDefinition>,
}

impl Shapes<'_> {
    fn btree(&mut self) {
        let equal = self.ordered(&self.used.equal);
        let joined = self.ordered(&self.used.joined);
        let range = self.ordered(&self.used.range);
        for column in equal.iter().chain(&joined).chain(&range) {
            self.add(std::slice::from_ref(column), &[]);
        }
        // Equality first: what stands behind it is in order within it.
        let known: Vec<String> = merged(&[&equal, &joined]);
        let mut starts = vec![Vec::new(), equal, joined.clone(), known, merged(&[&joined, &self.used.equal])];
        starts.dedup();
        for start in &starts {
            self.add(start, &[]);
            for column in &range {
                self.add(&merged(&[start, std::slice::from_ref(column)]), &[]);
            }
            self.add(&merged(&[start, &self.ordered(&self.used.group)]), &[]);
            self.add(start, &self.used.order);
        }
    }

    /// `keys`, and behind them an order; and the same with the rest of the columns stored along.
    fn add(&mut self, keys: &[String], order: &[(String, bool)]) {
        let mut index: Vec<IndexKey> = keys.iter().map(|column| IndexKey::ascending(column)).collect();
        // Read backwards, all of them the other way round are the same.
        let mixed = order.iter().any(|(_, descending)| *descending)
            && order.iter().any(|(_, descending)| !descending);
        for (column, descending) in order.iter().filter(|(column, _)| self.is_ordered(column)) {
            if !keys.contains(column) {
                let descending = *descending && mixed;
                index.push(IndexKey { column: column.clone(), descending, nulls_first: None });
            }
        }
        if index.is_empty() || index.len() > KEYS {
            return;
        }
        let plain = IndexDefinition {
            relation: self.used.relation.clone(),
            method: IndexMethod::Btree,
            keys: index,
            include: Vec::new(),
        };
        if let Some(include) = self.stored(&plain) {
            self.found.insert(IndexDefinition { include, ..plain.clone() });
        }
        self.found.insert(plain);
    }

    /// The other columns that the query reads of the table, where they are few and small: the table itself need not be
    /// read then.
    fn stored(&self, index: &IndexDefinition) -> Option<Vec<String>> {
        let rest = self.used.named.iter().filter(|name| index.keys.iter().all(|key| key.column != **name));
        let rest: Vec<String> = rest.cloned().collect();
        let width = |name: &String| self.table.columns.get(name).map_or(STORED_BYTES, |facts| facts.width);
        let bytes: u64 = rest.iter().map(width).sum();
        (!self.used.whole && (1..=STORED).contains(&rest.len()) && bytes <= STORED_BYTES).then_some(rest)
    }

    fn within(&mut self) {
        for column in &self.used.within {
            let method = match self.type_of(column) {
                Some(name) if matches!(name, "jsonb" | "tsvector") || name.ends_with("[]") => {
                    IndexMethod::Gin
                }
                Some(name) if name.ends_with("range") => IndexMethod::Gist,
                Some(_) | None => continue,
            };
            self.found.insert(IndexDefinition {
                relation: self.used.relation.clone(),
                method,
                keys: vec![IndexKey::ascending(column)],
                include: Vec::new(),
            });
        }
    }

    /// Those that a btree orders, the most different values first.
    fn ordered(&self, columns: &[String]) -> Vec<String> {
        let mut list: Vec<String> =
            columns.iter().filter(|column| self.is_ordered(column)).cloned().collect();
        list.sort_by(|one, other| self.table.distinct(other).total_cmp(&self.table.distinct(one)));
        list
    }

    fn is_ordered(&self, column: &str) -> bool {
        self.type_of(column).is_some_and(|name| !NO_ORDER.contains(&name))
    }

    fn type_of(&self, column: &str) -> Option<&str> {
        let mut columns = self.table.relation.columns.iter();
        columns.find(|known| known.name == column).map(|known| known.type_name.as_str())
    }
}

fn merged(lists: &[&[String]]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for column in lists.iter().flat_map(|list| list.iter()) {
        if !all.contains(column) {
            all.push(column.clone());
        }
    }
    all
}
