//! Asks the gates about a statement, and says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Run;
use crate::catalog::Catalog;
use crate::gateway::saved::unspoken;
use crate::gateway::{CallLimits, Pinned, Served};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::{self, CheckContext, Checked};
use crate::telemetry::{Event, Statement};

/// Longer texts are checked on a thread of their own, so that they do not hold up other calls.
const INLINE_BYTES: usize = 4 * 1024;

/// What the decision event says where no policy is the caller's.
pub(in crate::gateway) const NO_POLICY: &str = "none";

impl Run {
    /// Asks the gates, and once more with a fresh catalog where a name was not found: it may be new.
    pub(super) async fn decide(
        &self,
        served: &Served,
        pinned: &Pinned<'_>,
        within: &CallLimits,
        catalog: Arc<Catalog>,
    ) -> Result<Checked, Diagnostic> {
        let started = Instant::now();
        let mut decision = self.check(pinned, &catalog).await;
        if decision.as_ref().err().is_some_and(names_something_unknown)
            && let Ok(fresh) = served.fresh_catalog(self.left(within), &self.live.stop).await
            && !Arc::ptr_eq(&fresh, &catalog)
        {
            decision = self.check(pinned, &fresh).await;
        }
        self.report_decision(served, pinned.policy().version(), &decision, started.elapsed());
        decision.map_err(|refusal| unspoken(refusal, &self.question.request))
    }

    async fn check(&self, pinned: &Pinned<'_>, catalog: &Arc<Catalog>) -> Result<Checked, Diagnostic> {
        pinned.protects(catalog)?;
        let (sql, claims) = (&self.question.request.sql, &self.question.caller.claims);
        if sql.len() < INLINE_BYTES {
            return sql::check(sql, &CheckContext { catalog, policy: pinned.policy(), claims });
        }
        let (catalog, policy) = (Arc::clone(catalog), Arc::clone(pinned.policy()));
        let (claims, sql) = (claims.clone(), sql.clone());
        let checking = tokio::task::spawn_blocking(move || {
            sql::check(&sql, &CheckContext { catalog: &catalog, policy: &policy, claims: &claims })
        });
        checking.await.unwrap_or_else(|_| {
            let message = "the check of the statement ended unexpectedly";
            Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, message))
        })
    }

    /// A refusal before there was a statement to look at.
    pub(super) fn report_refusal(&self, served: &Served, policy: &str, refusal: &Diagnostic) {
        self.report_decision(served, policy, &Err(refusal.clone()), Duration::ZERO);
    }

    fn report_decision(
        &self,
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
        let statement = match decision {
            Ok(checked) => Statement::Checked(checked.text()),
            Err(_) => Statement::Asked(&self.question.request.sql),
        };
        self.gateway.telemetry.emit(&Event::Decision {
            query_id: &self.query_id,
            who: self.question.caller.who(),
            database: served.name(),
            statement,
            kind: "query",
            policy,
            allowed: refusal.is_none(),
            rule: refusal.and_then(|refusal| refusal.rule.as_deref()),
            sqlstate: refusal.map(|refusal| refusal.sqlstate),
            relations: &relations,
            rules: decision.as_ref().map_or(&[], Checked::rules),
            took,
        });
    }
}

pub(in crate::gateway) fn names_something_unknown(refusal: &Diagnostic) -> bool {
    matches!(
        refusal.sqlstate,
        SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_COLUMN
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::UNDEFINED_OBJECT
            | SqlState::UNDEFINED_SCHEMA
    )
}
