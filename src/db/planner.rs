//! What PostgreSQL's planner expects of a statement, held against the policy's limits before the statement runs.

use std::pin::pin;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::error;
use super::params::TextParam;
use super::rows::Text;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::PlannerLimits;
use crate::sql::Projected;

/// The planner's figures.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Expected {
    /// Of the whole plan, up to the last row that is fetched.
    cost: f64,
    /// The most that any step of the plan hands on.
    rows: f64,
}

/// One round trip, in the transaction that the statement will run in.
pub(super) async fn within(
    client: &Client,
    projected: &Projected,
    params: impl Iterator<Item = (TextParam<'_>, Type)>,
    limits: &PlannerLimits,
) -> Result<(), Diagnostic> {
    let params: Vec<_> = params.collect();
    let plan = document(client, &projected.explained(), params).await.map_err(|e| error::diagnostic(&e))?;
    admit(&plan, limits)
}

/// Holds a plan, as EXPLAIN's JSON, against the limits.
pub(super) fn admit(plan: &str, limits: &PlannerLimits) -> Result<(), Diagnostic> {
    let expected = expected(plan).ok_or_else(|| {
        Diagnostic::connection(SqlState::INTERNAL_ERROR, "PostgreSQL's plan came in an unknown form")
    })?;
    if expected.cost <= limits.cost && expected.rows <= limits.rows {
        return Ok(());
    }
    let message = format!(
        "PostgreSQL's planner expects a cost of {:.0} and a step of {:.0} rows; the policy allows {:.0} and {:.0}",
        expected.cost, expected.rows, limits.cost, limits.rows
    );
    Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).rule("limits.planner").hint(
        "narrow it before it joins and sorts: a condition on an indexed column, a smaller range, fewer relations; \
         EXPLAIN shows which step is large",
    ))
}

/// The only column of the rows that `text` gives, put together. INVARIANT: `text` is of a `Checked`.
pub(super) async fn document(
    client: &Client,
    text: &str,
    params: Vec<(TextParam<'_>, Type)>,
) -> Result<String, Error> {
    let mut rows = pin!(client.query_typed_raw(text, params).await?);
    let mut plan = String::new();
    while let Some(row) = rows.next().await {
        plan.push_str(row?.try_get::<_, Text<'_>>(0)?.0);
    }
    Ok(plan)
}

fn expected(plan: &str) -> Option<Expected> {
    let plan: Value = serde_json::from_str(plan).ok()?;
    let top = plan.get(0)?.get("Plan")?;
    let cost = top.get("Total Cost")?.as_f64()?;
    let mut rows = 0.0_f64;
    let mut open = vec![top];
    while let Some(step) = open.pop() {
        rows = rows.max(step.get("Plan Rows")?.as_f64()?);
        open.extend(step.get("Plans").and_then(Value::as_array).into_iter().flatten());
    }
    Some(Expected { cost, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_step_counts_and_the_cost_of_the_whole() {
        let plan = r#"[{"Plan": {"Total Cost": 12.5, "Plan Rows": 1, "Plans": [
            {"Total Cost": 99, "Plan Rows": 7}, {"Plan Rows": 4, "Plans": [{"Plan Rows": 5000}]}]}}]"#;
        assert_eq!(expected(plan), Some(Expected { cost: 12.5, rows: 5000.0 }));
        for unknown in
            ["", "[]", r#"[{"Plan": {"Plan Rows": 1}}]"#, r#"[{"Plan": {"Total Cost": 1, "Plans": []}}]"#]
        {
            assert_eq!(expected(unknown), None, "{unknown}");
        }
    }
}
