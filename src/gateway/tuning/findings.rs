//! What is slow in a plan, and why, in words.

use super::plan::{Node, Plan};
use super::shown::Shown;
use super::tree::number;
use crate::catalog::Relation;
use crate::gateway::visible::Visible;
use crate::pg::shown_ident;
use crate::sql::TableUse;

/// A table with fewer rows is read as fast as an index.
const BIG: f64 = 5_000.0;
/// A condition that leaves this part of the rows, or less, is selective.
const SELECTIVE: f64 = 0.1;
/// A nested loop with more rows than that outside repeats its inner side often.
const MANY: f64 = 1_000.0;
/// Estimates that are off by this factor lead to other plans.
const OFF: f64 = 10.0;
/// A finding is about a part of the plan that costs this part of the whole.
const MATTERS: f64 = 0.02;
/// Findings of one plan.
const MOST: usize = 12;

pub(super) struct Reader<'r> {
    plan: &'r Plan,
    tables: &'r [TableUse],
    shown: &'r Shown<'r>,
    visible: &'r Visible<'r>,
    found: Vec<String>,
}

/// In the order of the plan, the statement's own first.
pub(super) fn findings(
    plan: &Plan,
    tables: &[TableUse],
    shown: &Shown<'_>,
    visible: &Visible<'_>,
) -> Vec<String> {
    let mut reader = Reader { plan, tables, shown, visible, found: Vec::new() };
    tables.iter().for_each(|table| reader.statement(table));
    plan.root.visit(1.0, &mut |node, times| reader.node(node, times));
    reader.found.truncate(MOST);
    reader.found
}

impl Reader<'_> {
    fn say(&mut self, finding: String) {
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    /// What keeps the statement from using an index, whatever its plan is.
    fn statement(&mut self, table: &TableUse) {
        let Some(relation) = self.visible.relation(&table.relation) else { return };
        for (column, within) in &table.wrapped {
            if leads_an_index(relation, column) && !is_in_an_expression(relation, column) {
                self.say(format!(
                    "the condition on {}.{} compares {within} of the column: its index cannot be used. Compare the column \
                     itself, or index the expression",
                    relation.name,
                    shown_ident(column)
                ));
            }
        }
        for column in &table.open_patterns {
            if big(relation) {
                self.say(format!(
                    "the pattern for {}.{} has no fixed beginning or ignores case: no btree index serves it. A trigram index \
                     does (extension pg_trgm, gin_trgm_ops)",
                    relation.name,
                    shown_ident(column)
                ));
            }
        }
        if relation.row_estimate.is_none() && relation.view.is_none() {
            self.say(format!("{} was never analyzed: its estimates are guesses. ANALYZE it", relation.name));
        }
    }

    fn node(&mut self, node: &Node, times: f64) {
        let matters = node.cost * times >= self.plan.root.cost * MATTERS;
        if matters {
            self.scan(node, times);
            self.sort(node);
            self.nested_loop(node);
            self.join(node);
        }
        self.misestimate(node);
        if node.hash_batches.is_some_and(|batches| batches > 1.0) {
            self.say(format!(
                "a hash of {} rows did not fit into work_mem: it was written to disk in {} batches",
                number(node.actual_rows.unwrap_or(node.rows)),
                number(node.hash_batches.unwrap_or(1.0))
            ));
        }
    }

    fn scan(&mut self, node: &Node, times: f64) {
        let Some(name) = &node.relation else { return };
        let relation = self.shown.relation(name);
        let shown = self.shown.relation_name(name);
        let filter = node.filter.as_deref().map(|filter| self.shown.text(filter).into_owned());
        if node.kind == "Seq Scan" {
            let rows = relation.and_then(|relation| relation.row_estimate).map(as_float).unwrap_or(0.0);
            if times >= MANY {
                self.say(format!(
                    "{shown} is read whole about {} times, once for each row of the other side: index what it is joined by",
                    number(times)
                ));
            } else if let Some(filter) = filter.filter(|_| rows >= BIG && node.rows <= rows * SELECTIVE) {
                self.say(format!(
                    "all of {shown}, about {} rows, is read to find {}: no index serves {filter}. `advise_indexes` proposes \
                     one",
                    number(rows),
                    number(node.rows)
                ));
            }
            return;
        }
        let (came, removed) = (node.actual_rows.unwrap_or(0.0), node.removed.unwrap_or(0.0));
        if let Some(filter) = filter.filter(|_| removed >= MANY && removed > came * OFF) {
            self.say(format!(
                "the index finds {} rows of {shown} and the filter throws {} of them away: an index that covers {filter} too \
                 reads less",
                number(came + removed),
                number(removed)
            ));
        }
    }

    fn sort(&mut self, node: &Node) {
        if !matches!(node.kind.as_str(), "Sort" | "Incremental Sort") {
            return;
        }
        let keys = self.shown.text(&node.sort_key.join(", ")).into_owned();
        if node.sort_space.as_deref() == Some("Disk") {
            let used = number(node.sort_used.unwrap_or(0.0) / 1024.0);
            self.say(format!(
                "the sort by {keys} did not fit into work_mem and wrote {used} MB to disk: an index in that order, fewer rows or \
                 columns, or more work_mem avoids it"
            ));
        } else if node.sort_space.is_none() && node.rows * (node.width + 24.0) / 1024.0 > self.plan.work_mem()
        {
            self.say(format!(
                "the sort of about {} rows by {keys} will not fit into work_mem ({} kB) and spills to disk: an index in that \
                 order, fewer rows or columns, or more work_mem avoids it",
                number(node.rows),
                number(self.plan.work_mem())
            ));
        }
    }

    fn nested_loop(&mut self, node: &Node) {
        let [outer, inner, ..] = node.children.as_slice() else { return };
        if node.kind != "Nested Loop" {
            return;
        }
        let outer_rows = outer.actual_rows.unwrap_or(outer.rows);
        let repeated = inner.cost * outer_rows > self.plan.root.cost * 0.5;
        if outer_rows >= MANY && repeated && inner.kind != "Seq Scan" {
            self.say(format!(
                "a nested loop repeats its inner side ({}) for each of {} rows: a condition that leaves fewer of them first, or an \
                 index for the join, makes it cheaper",
                inner.kind.to_lowercase(),
                number(outer_rows)
            ));
        }
    }

    /// A big table read whole for the few rows of it that join.
    fn join(&mut self, node: &Node) {
        let [one, other, ..] = node.children.as_slice() else { return };
        if !matches!(node.kind.as_str(), "Hash Join" | "Merge Join") {
            return;
        }
        for (scan, other) in [(one, other), (other, one)] {
            let scan = if scan.kind == "Hash" { scan.children.first().unwrap_or(scan) } else { scan };
            let relation = scan.relation.as_deref().and_then(|name| self.shown.relation(name));
            let Some(relation) = relation.filter(|_| scan.kind == "Seq Scan") else { continue };
            let rows = relation.row_estimate.map_or(0.0, as_float);
            if rows < BIG || other.rows * 100.0 > rows || node.rows > rows * SELECTIVE {
                continue;
            }
            let used = self.tables.iter().filter(|table| table.relation == relation.name);
            let joined =
                used.flat_map(|table| &table.joined).find(|column| !leads_an_index(relation, column));
            if let Some(column) = joined {
                self.say(format!(
                    "all of {}, about {} rows, is read to join {} rows: no index has {} first",
                    relation.name,
                    number(rows),
                    number(other.rows),
                    shown_ident(column)
                ));
            }
        }
    }

    fn misestimate(&mut self, node: &Node) {
        let (Some(came), Some(loops)) = (node.actual_rows, node.loops.filter(|loops| *loops > 0.0)) else {
            return;
        };
        let (least, most) = (came.min(node.rows).max(1.0), came.max(node.rows));
        if most / least < OFF || most * loops < MANY {
            return;
        }
        let relation = node.relation.as_deref().and_then(|name| self.shown.relation(name));
        let place = relation.map_or_else(|| node.kind.to_lowercase(), |relation| relation.name.to_string());
        self.say(format!(
            "{place}: {} rows were expected and {} came. ANALYZE its table, or extended statistics (CREATE STATISTICS) over \
             columns that depend on each other, may help",
            number(node.rows),
            number(came)
        ));
    }
}

fn big(relation: &Relation) -> bool {
    relation.row_estimate.is_some_and(|rows| as_float(rows) >= BIG)
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn as_float(count: u64) -> f64 {
    count as f64
}

/// An index over an expression of the column may be just the one that the condition needs.
fn is_in_an_expression(relation: &Relation, column: &str) -> bool {
    let within = |definition: &str| {
        let keys = definition.split_once(" USING ").and_then(|(_, rest)| rest.split_once('('));
        keys.is_some_and(|(_, keys)| keys.contains('(') && keys.contains(&shown_ident(column)))
    };
    relation.indexes.iter().any(|index| index.valid && within(&index.definition))
}

/// By the definition as PostgreSQL prints it: `.. USING btree (column, ..)`.
fn leads_an_index(relation: &Relation, column: &str) -> bool {
    let leads = |definition: &str| {
        let keys = definition.split_once(" USING ").and_then(|(_, rest)| rest.split_once('('));
        keys.is_some_and(|(_, keys)| {
            let first = keys.split([',', ')', ' ']).next().unwrap_or_default();
            first == shown_ident(column)
        })
    };
    relation.indexes.iter().any(|index| index.valid && leads(&index.definition))
}
