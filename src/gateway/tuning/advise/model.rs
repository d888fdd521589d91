//! A cost model for where hypopg is not installed: PostgreSQL's plan as things are, less what an index would save.
//!
//! Rough by design: one index a scan, columns independent of each other, PostgreSQL's default cost constants, nothing in the
//! cache. docs/TUNING.md has the formulas.

use super::existing::{Table, Tables};
use super::workload::Query;
use crate::gateway::tuning::hypothetical::Hypothetical;
use crate::gateway::tuning::plan::Node;
use crate::sql::{IndexDefinition, IndexMethod, TableUse};

const RANDOM_PAGE: f64 = 4.0;
const TUPLE: f64 = 0.01;
const INDEX_TUPLE: f64 = 0.005;
const PAGE_BYTES: f64 = 8192.0;
/// Part of the rows within a range of which nothing is known.
const RANGE: f64 = 0.1;
/// Values of a column of which nothing is known.
const DISTINCT: f64 = 200.0;
/// A page of a btree is full to this part, and a row of it has so many bytes besides its columns.
const FILL: f64 = 0.9;
const ROW_BYTES: f64 = 20.0;

impl Table<'_> {
    /// Different values of a column.
    pub fn distinct(&self, column: &str) -> f64 {
        let Some(facts) = self.columns.get(column) else { return DISTINCT.min(self.rows.max(1.0)) };
        let count = if facts.distinct < 0.0 { -facts.distinct * self.rows } else { facts.distinct };
        count.max(1.0)
    }
}

/// Bytes of the index.
pub(super) fn size(index: &IndexDefinition, tables: &Tables<'_>) -> u64 {
    let Some(table) = tables.get(&index.relation) else { return 0 };
    let pages = (pages(index, table)).ceil().max(1.0) * PAGE_BYTES;
    format!("{pages:.0}").parse().unwrap_or(u64::MAX)
}

fn pages(index: &IndexDefinition, table: &Table<'_>) -> f64 {
    let width = |column: &str| {
        let bytes = table.columns.get(column).map_or(16, |facts| facts.width);
        f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
    };
    let row: f64 = index.columns().map(width).sum::<f64>() + ROW_BYTES;
    table.rows * row / (PAGE_BYTES * FILL)
}

/// One call of the query with the indexes.
pub(super) fn cost(query: &Query, indexes: &[&Hypothetical], tables: &Tables<'_>) -> f64 {
    let Some(plan) = &query.plan else { return 0.0 };
    let model = Model { tables, uses: query.explained.tables(), indexes };
    (plan.root.cost - model.saved(&plan.root)).max(plan.root.cost * 1e-4)
}

/// Part of the rows that a condition on the column leaves, as far as its statistics tell.
fn selectivity(column: &str, table: &Table<'_>, used: &TableUse) -> Option<f64> {
    let is = |list: &[String]| list.iter().any(|known| known == column);
    match (is(&used.equal), is(&used.range)) {
        // Not 1, for a value that is rare among two.
        (true, _) => Some(1.0 / table.distinct(column).max(2.0)),
        (false, true) => Some(RANGE),
        (false, false) => None,
    }
}

/// The sort that a LIMIT cuts.
fn sort_below(node: &Node) -> Option<&Node> {
    match node.kind.as_str() {
        "Sort" => Some(node),
        "Gather Merge" | "Result" => node.children.first().and_then(sort_below),
        _ => None,
    }
}

struct Model<'m> {
    tables: &'m Tables<'m>,
    uses: &'m [TableUse],
    indexes: &'m [&'m Hypothetical],
}

impl Model<'_> {
    /// What the indexes save in a node and below; a saving at the node itself stands for all below.
    fn saved(&self, node: &Node) -> f64 {
        let below: f64 = match (node.kind.as_str(), node.children.as_slice()) {
            ("Nested Loop", [outer, inner, ..]) => {
                self.saved(outer) + self.saved(inner) * outer.rows.max(1.0)
            }
            (_, children) => children.iter().map(|child| self.saved(child)).sum(),
        };
        let own = match (node.kind.as_str(), node.children.as_slice()) {
            ("Seq Scan" | "Bitmap Heap Scan" | "Index Scan", _) => {
                node.cost - self.best(node, node.rows, |_| 0.0)
            }
            ("Hash Join" | "Merge Join", [outer, inner, ..]) if node.join.as_deref() == Some("Inner") => {
                let one = self.by_loop(node, outer, inner);
                one.max(self.by_loop(node, inner, outer))
            }
            ("Limit", [child]) => {
                sort_below(child).map_or(0.0, |sort| node.cost - self.in_order(sort, node.rows))
            }
            ("Sort", _) => node.cost - self.in_order(node, node.rows),
            _ => 0.0,
        };
        below.max(own).max(0.0)
    }

    /// The cheapest way to the rows of a scan, `rows` of which are wanted, with `extra` columns known.
    fn best(&self, node: &Node, rows: f64, known: impl Fn(&str) -> f64) -> f64 {
        let costs = self.over(node).flat_map(|(table, used)| {
            self.indexes_of(table)
                .map(|index| self.scan(index, (table, used), node, rows, &known))
                .collect::<Vec<_>>()
        });
        costs.flatten().fold(node.cost, f64::min)
    }

    /// One index scan; `None` where the index does not fit. `known` is above 0 for columns that another relation gives.
    fn scan(
        &self,
        index: &IndexDefinition,
        (table, used): (&Table<'_>, &TableUse),
        node: &Node,
        rows: f64,
        known: &impl Fn(&str) -> f64,
    ) -> Option<f64> {
        let (mut alone, mut looked_up, mut fits) = (1.0, 1.0, false);
        for key in &index.keys {
            let given = known(&key.column) > 0.0;
            match selectivity(&key.column, table, used) {
                _ if given => looked_up /= table.distinct(&key.column),
                Some(selectivity) => alone *= selectivity,
                None => break,
            }
            fits = true;
            // Behind a range the index is in no order.
            if !given && used.range.contains(&key.column) {
                break;
            }
        }
        // PostgreSQL's own estimate is of all conditions: each column has its part of it.
        let compared = used.equal.iter().chain(&used.range);
        let all: f64 = compared.filter_map(|column| selectivity(column, table, used)).product();
        let share = if all < 1.0 { f64::ln(alone) / f64::ln(all) } else { 0.0 };
        let part = (node.rows / table.rows.max(1.0)).clamp(f64::MIN_POSITIVE, 1.0).powf(share) * looked_up;
        let fetched = (table.rows * part).max(rows).max(1.0);
        let covering =
            !used.whole && used.named.iter().all(|name| index.columns().any(|column| column == name));
        let leaves = pages(index, table) * (fetched / table.rows.max(1.0));
        let heap = if covering { 0.0 } else { fetched.min(table.pages) * RANDOM_PAGE };
        let descent = (table.rows.max(2.0).log2() / 8.0).ceil() * 0.5 + RANDOM_PAGE;
        fits.then_some(descent + leaves + heap + fetched * (TUPLE + INDEX_TUPLE))
    }

    /// A join as a loop over `outer` that looks up each row of `inner`.
    fn by_loop(&self, join: &Node, outer: &Node, inner: &Node) -> f64 {
        let scanned = if inner.kind == "Hash" { inner.children.first().unwrap_or(inner) } else { inner };
        let outer = if outer.kind == "Hash" { outer.children.first().unwrap_or(outer) } else { outer };
        let joined = |column: &str| {
            let by = self.over(scanned).any(|(_, used)| used.joined.iter().any(|known| known == column));
            f64::from(u8::from(by))
        };
        let each = join.rows / outer.rows.max(1.0);
        let lookup = self.best(scanned, each, joined);
        if lookup >= scanned.cost {
            return 0.0;
        }
        join.cost - (outer.cost - self.saved(outer) + outer.rows * lookup)
    }

    /// Reading in order from an index what is sorted now, `rows` of it.
    fn in_order(&self, sort: &Node, rows: f64) -> f64 {
        let Some(scan) = sort.children.first() else { return f64::MAX };
        let in_order = self.over(scan).filter_map(|(table, used)| {
            let fits = |index: &&IndexDefinition| {
                let rest = index.keys.iter().skip_while(|key| used.equal.contains(&key.column));
                let rest: Vec<&str> = rest.map(|key| key.column.as_str()).collect();
                let order: Vec<&str> = used.order.iter().map(|(column, _)| column.as_str()).collect();
                !order.is_empty() && rest.starts_with(&order)
            };
            self.indexes_of(table).find(fits)?;
            let read = table.rows * (rows / scan.rows.max(1.0)).min(1.0);
            Some(RANDOM_PAGE + read * (TUPLE + INDEX_TUPLE) + read.min(table.pages) * RANDOM_PAGE)
        });
        in_order.fold(f64::MAX, f64::min)
    }

    /// The tables that a scan may be of, and what the query does with them.
    fn over<'s>(&'s self, node: &'s Node) -> impl Iterator<Item = (&'s Table<'s>, &'s TableUse)> {
        let named = self.uses.iter().filter(|used| node.relation.as_ref() == Some(&used.relation.name));
        named.filter_map(|used| Some((self.tables.get(&used.relation)?, used)))
    }

    fn indexes_of<'s>(&'s self, table: &'s Table<'s>) -> impl Iterator<Item = &'s IndexDefinition> {
        let of = self.indexes.iter().map(|index| &index.definition);
        of.filter(|index| index.relation == table.relation.name && index.method == IndexMethod::Btree)
    }
}
