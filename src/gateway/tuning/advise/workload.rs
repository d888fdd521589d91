//! The queries that indexes are sought for: the caller's own, or those that the server has counted.

use super::costs::Costs;
use crate::db::{Statement, StatementOrder};
use crate::gateway::tuning::plan::Plan;
use crate::gateway::tuning::session::Session;
use crate::pg::{Diagnostic, SqlState};
use crate::sql::Explained;

/// Statements of one call.
const MOST: usize = 50;
/// Of those that the server has counted, the first by their time.
const COUNTED: u32 = 100;
/// Bytes of one of them.
const LONGEST: usize = 16 * 1024;

pub(super) struct Query {
    /// From 1, as the caller gave them.
    pub number: usize,
    pub explained: Explained,
    /// How often it runs, as far as that is known.
    pub calls: f64,
    /// The server counted it: it is somebody's.
    pub counted: bool,
    pub plan: Option<Plan>,
}

impl Query {
    /// Without new indexes.
    pub fn cost(&self) -> f64 {
        self.plan.as_ref().map_or(0.0, |plan| plan.root.cost)
    }
}

pub(super) struct Workload {
    pub queries: Vec<Query>,
    /// Those that cannot be planned for this caller, by number, and why; of the server's no more than how many.
    pub refused: Vec<(usize, String)>,
    pub passed_by: usize,
}

/// Checks the statements. Those of the server are left out without a word where the caller could not ask them.
pub(super) async fn read(session: &Session<'_>, statements: &[String]) -> Result<Workload, Diagnostic> {
    if statements.len() > MOST {
        let message = format!("{} statements, up to {MOST} are possible", statements.len());
        return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("give those that take the most time"));
    }
    let mut workload = Workload { queries: Vec::new(), refused: Vec::new(), passed_by: 0 };
    if statements.is_empty() {
        let counted = counted(session).await?;
        for Statement { text, calls, .. } in counted {
            if text.len() > LONGEST {
                workload.passed_by += 1;
                continue;
            }
            match session.allows(&text) {
                Ok(explained) if workload.queries.len() < MOST => {
                    let number = workload.queries.len() + 1;
                    let calls = f64::from(i32::try_from(calls.max(1)).unwrap_or(i32::MAX));
                    workload.queries.push(Query { number, explained, calls, counted: true, plan: None });
                }
                Ok(_) | Err(_) => workload.passed_by += 1,
            }
        }
        return Ok(workload);
    }
    for (number, text) in (1..).zip(statements) {
        match session.check(text, false).await {
            Ok(explained) => {
                workload.queries.push(Query { number, explained, calls: 1.0, counted: false, plan: None });
            }
            Err(refusal) if statements.len() == 1 => return Err(refusal),
            Err(refusal) => workload.refused.push((number, refusal.message)),
        }
    }
    Ok(workload)
}

async fn counted(session: &Session<'_>) -> Result<Vec<Statement>, Diagnostic> {
    let Some(monitor) = session.served.database.monitor() else {
        let message = "the server's own workload needs a `monitor_login`, which this database has not";
        return Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message)
            .rule("tuning.workload")
            .hint("give `statements`: the queries that indexes are sought for"));
    };
    monitor.statements(StatementOrder::TotalTime, COUNTED).await
}

impl Workload {
    /// Plans each query as things are. One that PostgreSQL does not plan is left out.
    pub async fn plan(&mut self, costs: &mut Costs<'_>) -> Result<(), Diagnostic> {
        let mut kept = Vec::new();
        for mut query in std::mem::take(&mut self.queries) {
            match costs.plan_of(&query.explained).await {
                Ok(plan) => {
                    query.plan = Some(plan);
                    kept.push(query);
                }
                Err(failed) if failed.retryable || failed.sqlstate == SqlState::QUERY_CANCELED => {
                    return Err(failed);
                }
                Err(_) if query.counted => self.passed_by += 1,
                Err(failed) => self.refused.push((query.number, failed.message)),
            }
        }
        self.queries = kept;
        Ok(())
    }

    /// Of all queries, as often as they run.
    pub fn cost(&self) -> f64 {
        self.queries.iter().map(|query| query.cost() * query.calls).sum()
    }
}
