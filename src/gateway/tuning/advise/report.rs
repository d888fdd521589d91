//! The advice as the caller reads it.

use serde_json::{Map, Value, json};

use super::existing::{Table, Tables, float};
use super::search::{Proposal, Search};
use super::workload::{Query, Workload};
use crate::gateway::tuning::session::Session;
use crate::gateway::visible::Visible;

/// Characters of a statement that the caller has not given.
const STATEMENT: usize = 200;
/// A table with more writes for each read is slowed down by an index more than it is helped, perhaps.
const WRITTEN: f64 = 10.0;

pub(super) fn report(
    search: &Search<'_>,
    workload: &Workload,
    tables: &Tables<'_>,
    method: &str,
    session: &Session<'_>,
) -> Value {
    let visible = session.visible();
    let mut fields = Map::new();
    let mut say = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    let after: f64 = workload.queries.iter().zip(&search.costs).map(|(query, cost)| query.calls * cost).sum();
    let indexes = search.proposals.iter().map(|proposal| index(proposal, tables, &visible));
    say("indexes", indexes.collect());
    say("cost_before", json!(rounded(workload.cost())));
    say("cost_after", json!(rounded(after)));
    say("method", json!(method));
    say("candidates", json!(search.tried));
    say("complete", json!(search.complete));
    if search.no_room {
        say("no_room", json!("other indexes would help and do not fit into max_size_megabytes"));
    }
    let redundant: Vec<Value> = tables.iter().flat_map(|table| redundant(table, &visible)).collect();
    if !redundant.is_empty() {
        say("redundant", json!(redundant));
    }
    if !workload.refused.is_empty() {
        let refused = workload.refused.iter().map(|(number, why)| json!({"statement": number, "why": why}));
        say("refused", refused.collect());
    }
    if workload.passed_by > 0 {
        say("passed_by", json!(workload.passed_by));
    }
    let texts = session.pinned.policy().has_query_texts();
    let statements = workload.queries.iter().zip(&search.costs);
    let statements: Vec<Value> = statements.map(|(query, cost)| statement(query, *cost, texts)).collect();
    let used = Value::Object(fields.clone()).to_string().chars().count() + STATEMENT;
    let mut left = session.limits.characters.saturating_sub(used);
    let mut shown = Vec::new();
    let mut truncated = false;
    for statement in statements {
        let length = statement.to_string().chars().count() + 1;
        truncated |= length > left;
        if !truncated {
            left -= length;
            shown.push(statement);
        }
    }
    fields.insert("statements".to_owned(), json!(shown));
    if truncated {
        fields.insert("truncated".to_owned(), json!(true));
    }
    Value::Object(fields)
}

fn index(proposal: &Proposal, tables: &Tables<'_>, visible: &Visible<'_>) -> Value {
    let definition = &proposal.index.definition;
    let mut fields = Map::new();
    let mut say = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    say("create", json!(definition.to_string()));
    say("megabytes", json!((float(proposal.bytes) / 104_857.6).round() / 10.0));
    say("saves", json!(rounded(proposal.saves)));
    say("statements", json!(proposal.serves));
    let Some(table) = tables.get(&definition.relation) else { return Value::Object(fields) };
    say("table_indexes", json!(table.indexes.len()));
    if table.reads > 0 {
        let writes = float(table.writes) / float(table.reads);
        say("writes_per_read", json!((writes * 100.0).round() / 100.0));
        if writes > WRITTEN {
            say(
                "note",
                json!(
                    "the table is written far more often than it is read: every write keeps the index, too"
                ),
            );
        }
    }
    let replaced = table.replaced(definition).into_iter().filter(|name| may_name(table, name, visible));
    let replaced: Vec<&str> = replaced.collect();
    if !replaced.is_empty() {
        say("replaces", json!(replaced));
    }
    Value::Object(fields)
}

fn redundant(table: &Table<'_>, visible: &Visible<'_>) -> Vec<Value> {
    let named = table.redundant().into_iter();
    let named = named.filter(|(one, other)| may_name(table, one, visible) && may_name(table, other, visible));
    named
        .map(|(name, other)| json!({"relation": table.relation.name.to_string(), "index": name, "covered_by": other}))
        .collect()
}

/// An index whose definition the caller may see.
fn may_name(table: &Table<'_>, name: &str, visible: &Visible<'_>) -> bool {
    let found = table.relation.indexes.iter().find(|index| index.name == name);
    found.is_some_and(|index| visible.may_show(table.relation, &index.definition))
}

/// `texts`: what others ask may be told.
fn statement(query: &Query, after: f64, texts: bool) -> Value {
    let mut fields = Map::new();
    let mut say = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    say("statement", json!(query.number));
    say("cost_before", json!(rounded(query.cost())));
    say("cost_after", json!(rounded(after)));
    if query.counted {
        let relations = query.explained.checked().relations().iter().map(ToString::to_string);
        say("calls", json!(query.calls));
        say("relations", json!(relations.collect::<Vec<_>>()));
        if texts {
            let text = query.explained.without_values();
            say("text", json!(text.chars().take(STATEMENT).collect::<String>()));
        }
    }
    Value::Object(fields)
}

fn rounded(cost: f64) -> f64 {
    (cost * 10.0).round() / 10.0
}
