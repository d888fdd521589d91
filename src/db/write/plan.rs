//! What PostgreSQL's planner expects of a statement that writes, in a transaction that can write nothing.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;

use super::begin::Access;
use super::locks::Bounds;
use super::{Effects, RowEvent, WriteLimits, Writing};
use crate::db::database::{canceled_by_client, check_parameters, ends, identities, past_deadline};
use crate::db::params::TextParam;
use crate::db::{Database, error, planner};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::CheckedWrite;
use crate::telemetry::trace::DatabaseSpan;

impl Database {
    /// The rows that the planner expects the statement to change, for these values. Nothing runs.
    pub async fn plan_write(
        self: &Arc<Self>,
        write: &CheckedWrite,
        params: &[Option<String>],
        limits: &WriteLimits,
        cancel: &CancellationToken,
    ) -> Result<u64, Diagnostic> {
        check_parameters(write.parameters(), params)?;
        let bound = write.bound().iter().map(|value| Some(value.clone()));
        let params = params.iter().cloned().chain(bound).collect();
        let (ends, effects) = (ends(limits.deadline), Effects::default());
        let run = async {
            let known = self.known().await?;
            let events: &[RowEvent] = &[];
            let (database, effects) = (self, &effects);
            let writing = Writing { database, known: &known, write, effects, events, params, limits, ends };
            writing.plan().await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(canceled_by_client()),
            () = self.ended().cancelled() => Err(identities::ended()),
            planned = timeout_at(ends, Box::pin(run)) => match planned {
                Ok(planned) => planned.map_err(|error| self.explain(error, limits.deadline)),
                Err(_) => Err(past_deadline(limits.deadline)),
            },
        }
    }
}

impl Writing<'_> {
    async fn plan(&self) -> Result<u64, Diagnostic> {
        let (span, _) = DatabaseSpan::begin(self.database.name(), "EXPLAIN", self.write.relations());
        let planned = self.planned().await;
        span.end(planned.as_ref().map(|_| 1).map_err(|error| error.sqlstate));
        planned
    }

    async fn planned(&self) -> Result<u64, Diagnostic> {
        let (mut lease, begun) = self.begin(Access::Plan).await?;
        let catalog = &self.known.catalog;
        begun.held.check(&self.known.users, &Bounds::parsed(self.write, catalog))?;
        let Some(link) = lease.link() else { return Err(error::lost()) };
        let types = begun.statement.params();
        let params = self.params.iter().zip(types);
        let params = params.map(|(param, ty)| (TextParam(param.as_deref()), ty.clone())).collect();
        let document = planner::document(link.client(), &self.write.explained(), params).await;
        let document = document.map_err(|e| self.failure().told(&e))?;
        drop(begun);
        lease.end();
        read(&document).ok_or_else(|| {
            Diagnostic::connection(SqlState::INTERNAL_ERROR, "PostgreSQL's plan came in an unknown form")
        })
    }
}

/// The step that writes expects as many rows as it returns; where it returns none, as it gets.
fn read(document: &str) -> Option<u64> {
    let document: Value = serde_json::from_str(document).ok()?;
    let top = document.get(0)?.get("Plan")?;
    let rows = |step: &Value| step.get("Plan Rows").and_then(Value::as_u64);
    let below = || rows(top.get("Plans")?.get(0)?);
    let own = rows(top)?;
    Some(if own > 0 { own } else { below().unwrap_or(own) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_plan_are_those_that_are_written() {
        let returning =
            r#"[{"Plan": {"Node Type": "ModifyTable", "Plan Rows": 7, "Plans": [{"Plan Rows": 9}]}}]"#;
        let silent = r#"[{"Plan": {"Plan Rows": 0, "Plans": [{"Plan Rows": 9}]}}]"#;
        assert_eq!(read(returning), Some(7));
        assert_eq!(read(silent), Some(9));
        for unknown in ["", "[]", r#"[{"Plan": {}}]"#] {
            assert_eq!(read(unknown), None, "{unknown}");
        }
    }
}
