//! The tool `query`: one statement from the caller's text to the encoded answer.

mod reply;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::output::Encoder;
use super::{CallLimits, Gateway, Pinned, QueryOutput, QueryRequest, Served};
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::db::{Ran, RunLimits};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::{self, CheckContext, Checked};
use crate::telemetry::{Event, Outcome};

/// Longer texts are checked on a thread of their own, so that they do not hold up other calls.
const INLINE_BYTES: usize = 4 * 1024;

/// What the decision event says where no policy is the caller's.
const NO_POLICY: &str = "none";

/// What every step of one call needs.
struct Call<'c> {
    id: String,
    caller: &'c Caller,
    started: Instant,
    cancel: &'c CancellationToken,
}

impl Gateway {
    /// Checks `request.sql`, runs it and encodes its rows. Every refusal and error carries the call's query id.
    pub async fn query(
        &self,
        caller: &Caller,
        request: QueryRequest,
        cancel: &CancellationToken,
    ) -> Result<QueryOutput, Diagnostic> {
        let call = Call { id: random_id()?, caller, started: Instant::now(), cancel };
        // Boxed, as each use case is for its caller: the futures below are deep.
        let answer = Box::pin(self.answer(&call, request)).await;
        answer.map_err(|refusal| Diagnostic { query_id: Some(call.id), ..refusal })
    }

    async fn answer(&self, call: &Call<'_>, request: QueryRequest) -> Result<QueryOutput, Diagnostic> {
        let served = self.served(request.database.as_deref())?;
        let source = served.policies.of(call.caller);
        let source = source.inspect_err(|refusal| self.report_refusal(call, served, NO_POLICY, refusal))?;
        // From here to the end of the call, whatever is reloaded.
        let pinned = source.pin();
        let policy = pinned.policy();
        let within = self.limits.within(policy);
        let rows = rows(request.limit, &within)?;
        let admitted = policy
            .caller_limits()
            .map(|limits| self.admission.admit(served.name(), &call.caller.subject, limits, call.started));
        let _admitted = admitted
            .transpose()
            .inspect_err(|refusal| self.report_refusal(call, served, policy.version(), refusal))?;
        let catalog = served.catalog(within.deadline, call.cancel).await?;
        let checked = self.decide(call, served, &pinned, &within, catalog, &request.sql).await?;

        let limits = RunLimits {
            rows,
            field_chars: within.field_characters,
            deadline: call.left(&within),
            planner: policy.planner_limits().copied(),
        };
        let mut encoder = Encoder::new(request.format, within.characters, within.field_characters);
        let started = Instant::now();
        let ran = served.database.run(checked, &request.params, &limits, &mut encoder, call.cancel).await;
        self.report_run(call, served, &ran, encoder.bytes(), started.elapsed());
        reply::reply(ran?, encoder, rows, &within)
    }

    /// Asks the gates, and once more with a fresh catalog where a name was not found: it may be new.
    async fn decide(
        &self,
        call: &Call<'_>,
        served: &Served,
        pinned: &Pinned<'_>,
        within: &CallLimits,
        catalog: Arc<Catalog>,
        sql: &str,
    ) -> Result<Checked, Diagnostic> {
        let started = Instant::now();
        let mut decision = check(call, pinned, &catalog, sql).await;
        if decision.as_ref().err().is_some_and(names_something_unknown)
            && let Ok(fresh) = served.fresh_catalog(call.left(within), call.cancel).await
            && !Arc::ptr_eq(&fresh, &catalog)
        {
            decision = check(call, pinned, &fresh, sql).await;
        }
        self.report_decision(call, served, pinned.policy().version(), &decision, started.elapsed());
        decision
    }

    /// A refusal before there was a statement to look at.
    fn report_refusal(&self, call: &Call<'_>, served: &Served, policy: &str, refusal: &Diagnostic) {
        self.report_decision(call, served, policy, &Err(refusal.clone()), Duration::ZERO);
    }

    fn report_decision(
        &self,
        call: &Call<'_>,
        served: &Served,
        policy: &str,
        decision: &Result<Checked, Diagnostic>,
        took: Duration,
    ) {
        let relations: Vec<String> = match decision {
            Ok(checked) => checked.relations().iter().map(ToString::to_string).collect(),
            Err(_) => Vec::new(),
        };
        let refusal = decision.as_ref().err();
        self.telemetry.emit(&Event::Decision {
            query_id: &call.id,
            subject: &call.caller.subject,
            client: call.caller.client.as_deref(),
            database: served.name(),
            policy,
            allowed: refusal.is_none(),
            rule: refusal.and_then(|refusal| refusal.rule.as_deref()),
            sqlstate: refusal.map(|refusal| refusal.sqlstate),
            relations: &relations,
            rules: decision.as_ref().map_or(&[], Checked::rules),
            took,
        });
    }

    fn report_run(
        &self,
        call: &Call<'_>,
        served: &Served,
        ran: &Result<Ran, Diagnostic>,
        bytes: u64,
        took: Duration,
    ) {
        let sqlstate = ran.as_ref().err().map(|error| error.sqlstate);
        self.telemetry.emit(&Event::Run {
            query_id: &call.id,
            subject: &call.caller.subject,
            database: served.name(),
            outcome: match sqlstate {
                None => Outcome::Completed,
                Some(SqlState::QUERY_CANCELED) => Outcome::Canceled,
                Some(_) => Outcome::Failed,
            },
            sqlstate,
            rows: ran.as_ref().map_or(0, |ran| ran.rows),
            bytes,
            truncated: ran.as_ref().is_ok_and(|ran| ran.truncated.is_some()),
            took,
        });
    }
}

impl Call<'_> {
    /// Of the call's time.
    fn left(&self, within: &CallLimits) -> Duration {
        within.deadline.saturating_sub(self.started.elapsed())
    }
}

/// Rows of the answer.
fn rows(limit: Option<u64>, within: &CallLimits) -> Result<u64, Diagnostic> {
    match limit {
        Some(0) => {
            let refusal = Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, "`limit` is 0");
            Err(refusal.hint(format!("set `limit` to 1 or more, at most {}", within.rows)))
        }
        Some(limit) => Ok(limit.min(within.rows)),
        None => Ok(within.rows),
    }
}

async fn check(
    call: &Call<'_>,
    pinned: &Pinned<'_>,
    catalog: &Arc<Catalog>,
    sql: &str,
) -> Result<Checked, Diagnostic> {
    pinned.protects(catalog)?;
    if sql.len() < INLINE_BYTES {
        return sql::check(
            sql,
            &CheckContext { catalog, policy: pinned.policy(), claims: &call.caller.claims },
        );
    }
    let (catalog, policy) = (Arc::clone(catalog), Arc::clone(pinned.policy()));
    let (claims, sql) = (call.caller.claims.clone(), sql.to_owned());
    let checking = tokio::task::spawn_blocking(move || {
        sql::check(&sql, &CheckContext { catalog: &catalog, policy: &policy, claims: &claims })
    });
    checking.await.unwrap_or_else(|_| {
        Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, "the check of the statement ended unexpectedly"))
    })
}

fn names_something_unknown(refusal: &Diagnostic) -> bool {
    matches!(
        refusal.sqlstate,
        SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_COLUMN
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::UNDEFINED_OBJECT
            | SqlState::UNDEFINED_SCHEMA
    )
}

/// Sixteen hexadecimal digits.
fn random_id() -> Result<String, Diagnostic> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| {
        Diagnostic::refused(SqlState::INTERNAL_ERROR, "the operating system gave no random bytes")
    })?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}
