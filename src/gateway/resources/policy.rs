//! The caller's policy in words: what they may do, and nothing of what they may not.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::page::{cell, inline};
use crate::gateway::CallLimits;
use crate::gateway::routines::routines;
use crate::gateway::visible::Visible;
use crate::policy::{Policy, ToolGroup};

/// Relations of one schema that are named; the others are counted.
const NAMED: usize = 200;

#[derive(Serialize)]
pub(super) struct PolicyWords<'c> {
    database: &'c str,
    /// Groups of tools.
    tools: Vec<&'static str>,
    /// Names in the policy that something readable has.
    readable: Vec<String>,
    /// By schema.
    relations: BTreeMap<&'c str, Names<'c>>,
    /// The policy shows some of their rows only.
    filtered: Vec<String>,
    masked: Vec<Masked<'c>>,
    /// Functions of the database that may be called.
    routines: usize,
    /// Installed ones, of which the reviewed functions may be called.
    extensions: Vec<&'c str>,
    limits: Limits,
}

/// Relations of one schema.
#[derive(Default, Serialize)]
struct Names<'c> {
    count: usize,
    /// At most [`NAMED`].
    names: Vec<&'c str>,
}

#[derive(Serialize)]
struct Masked<'c> {
    relation: String,
    column: &'c str,
    /// What stands in the place of its values.
    shows: String,
}

#[derive(Serialize)]
struct Limits {
    rows: u64,
    characters: usize,
    seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    joins: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planner_cost: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planner_rows: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_minute: Option<u32>,
}

impl<'c> PolicyWords<'c> {
    pub(super) fn new(
        database: &'c str,
        visible: &Visible<'c>,
        policy: &'c Policy,
        limits: &CallLimits,
    ) -> Self {
        let mut relations: BTreeMap<&str, Names<'_>> = BTreeMap::new();
        let (mut filtered, mut masked) = (Vec::new(), Vec::new());
        for relation in visible.folded() {
            let of_schema = relations.entry(&relation.name.schema).or_default();
            of_schema.count += 1;
            if of_schema.count <= NAMED {
                of_schema.names.push(&relation.name.name);
            }
            if !visible.filters(relation).is_empty() {
                filtered.push(relation.name.to_string());
            }
            let shown = |column| Some((column, visible.mask(relation, column)?));
            for (column, shows) in visible.columns(relation).filter_map(shown) {
                let (relation, shows) = (relation.name.to_string(), shows.to_owned());
                masked.push(Masked { relation, column: &column.name, shows });
            }
        }
        let mut extensions: Vec<&str> =
            policy.extensions_in(visible.catalog()).map(|extension| extension.name.as_str()).collect();
        extensions.sort_unstable();
        Self {
            database,
            tools: ToolGroup::ALL.into_iter().filter(|g| policy.has_tools(*g)).map(ToolGroup::word).collect(),
            readable: readable(visible, policy),
            relations,
            filtered,
            masked,
            routines: routines(visible).len(),
            extensions,
            limits: Limits {
                rows: limits.rows,
                characters: limits.characters,
                seconds: limits.deadline.as_secs(),
                joins: policy.limits().map(|limits| limits.joins),
                planner_cost: policy.planner_limits().map(|planner| planner.cost),
                planner_rows: policy.planner_limits().map(|planner| planner.rows),
                concurrent: policy.caller_limits().map(|caller| caller.concurrent),
                per_minute: policy.caller_limits().map(|caller| caller.per_minute),
            },
        }
    }

    pub(super) fn page(&self) -> String {
        let mut out = format!("# What you may do in {}\n\n", inline(self.database));
        let _ = writeln!(out, "Tools of the groups: {}.", listed(&self.tools));
        let count: usize = self.relations.values().map(|of_schema| of_schema.count).sum();
        let _ = write!(out, "\n## Read\n\n{count} tables and views may be read");
        if !self.readable.is_empty() {
            let names: Vec<String> = self.readable.iter().map(|name| inline(name)).collect();
            let _ = write!(out, ", of what the policy allows as {}", names.join(", "));
        }
        out.push_str(".\n\n");
        for (schema, Names { count, names }) in &self.relations {
            let shown: Vec<String> = names.iter().map(|name| inline(name)).collect();
            let more = count.saturating_sub(names.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(out, "- schema {}: {}{more}", inline(schema), shown.join(", "));
        }
        section("Only some rows of", self.filtered.iter().map(|name| inline(name)), &mut out);
        if !self.masked.is_empty() {
            out.push_str("\n## Masked\n\n| Relation | Column | Shows |\n| --- | --- | --- |\n");
            for Masked { relation, column, shows } in &self.masked {
                let _ = writeln!(out, "| {} | {} | {} |", cell(relation), cell(column), cell(shows));
            }
        }
        let _ = writeln!(
            out,
            "\n## Call\n\nPostgreSQL's own functions that have no side effects; functions of the database: {}; \
             extensions: {}.",
            self.routines,
            listed(&self.extensions)
        );
        self.limits(&mut out);
        out
    }

    fn limits(&self, out: &mut String) {
        let Limits { rows, characters, seconds, joins, planner_cost, planner_rows, concurrent, per_minute } =
            &self.limits;
        let _ = write!(
            out,
            "\n## Limits\n\n- {rows} rows of an answer\n- {characters} characters of an answer\n- {seconds} seconds\n"
        );
        let lines = [
            joins.map(|n| format!("{n} joined relations, functions and subqueries")),
            planner_cost.map(|n| format!("a cost of {n} by PostgreSQL's plan")),
            planner_rows.map(|n| format!("{n} rows by PostgreSQL's plan")),
            concurrent.map(|n| format!("{n} statements at the same time")),
            per_minute.map(|n| format!("{n} statements a minute")),
        ];
        for line in lines.into_iter().flatten() {
            let _ = writeln!(out, "- {line}");
        }
    }
}

/// Only those that something visible has: another could name what is not there for the caller.
fn readable(visible: &Visible<'_>, policy: &Policy) -> Vec<String> {
    let mut names = Vec::new();
    for pattern in policy.readable() {
        let has = |relation: &crate::catalog::Relation| {
            let column =
                |column: &crate::catalog::Column| pattern.matches_column(&relation.name, &column.name);
            pattern.matches(&relation.name)
                && (!pattern.is_of_columns() || visible.columns(relation).any(column))
        };
        let name = pattern.to_string();
        if visible.relations().any(has) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn section(title: &str, items: impl Iterator<Item = String>, out: &mut String) {
    for (at, item) in items.enumerate() {
        if at == 0 {
            let _ = write!(out, "\n## {title}\n\n");
        }
        let _ = writeln!(out, "- {item}");
    }
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
