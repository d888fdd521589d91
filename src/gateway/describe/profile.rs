//! What PostgreSQL's statistics say of columns: how many values, which are common, from where to where.
//!
//! INVARIANT: statistics are made of all rows and of values as they are. They are told only of a relation of which the
//! caller sees every row, and of columns without a mask.

use serde_json::{Value, json};

use crate::catalog::Relation;
use crate::db::{ColumnStatistics, Database};
use crate::gateway::visible::Visible;
use crate::pg::Diagnostic;

/// Adds `profile` to each column of `shape` that has statistics.
pub(super) async fn add(
    shape: &mut Value,
    visible: &Visible<'_>,
    relation: &Relation,
    database: &Database,
) -> Result<(), Diagnostic> {
    let open: Vec<(&str, i32)> =
        visible.open_columns(relation).map(|column| (column.name.as_str(), column.number)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i32> = open.iter().map(|(_, number)| *number).collect();
    let statistics = database.statistics(relation.oid, &numbers).await?;
    let columns = shape.get_mut("columns").and_then(Value::as_array_mut);
    for column in columns.into_iter().flatten().filter_map(Value::as_object_mut) {
        let name = column.get("name").and_then(Value::as_str);
        let number = open.iter().find(|(open, _)| Some(*open) == name).map(|(_, number)| *number);
        let found = statistics.iter().find(|found| Some(found.column) == number);
        if let Some(found) = found {
            column.insert("profile".to_owned(), profile(found, visible.row_estimate(relation)));
        }
    }
    Ok(())
}

fn profile(found: &ColumnStatistics, rows: Option<u64>) -> Value {
    let mut profile = json!({});
    let mut add = |key: &str, value: Value| {
        profile.as_object_mut().map(|profile| profile.insert(key.to_owned(), value));
    };
    if found.nulls > 0.0 {
        add("nulls", share(found.nulls));
    }
    match distinct(found.distinct, rows) {
        Some(distinct) => add("distinct", json!(distinct)),
        None => add("distinct_share", share(-found.distinct)),
    }
    if !found.common.is_empty() {
        let common = found.common.iter().map(|(value, frequency)| json!([value, share(*frequency)]));
        add("common", common.collect());
    }
    if let Some((from, to)) = &found.range {
        add("range", json!([from, to]));
    }
    profile
}

/// `pg_stats.n_distinct`: below 0 it is a share of the rows.
fn distinct(n_distinct: f64, rows: Option<u64>) -> Option<u64> {
    let rows = rows.and_then(|rows| u32::try_from(rows).ok()).map(f64::from);
    let count = if n_distinct < 0.0 { -n_distinct * rows? } else { n_distinct };
    format!("{count:.0}").parse().ok()
}

/// Two digits say enough.
fn share(share: f64) -> Value {
    json!((share * 100.0).round() / 100.0)
}
