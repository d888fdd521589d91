//! Asks the gates about a statement, and says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Run;
use super::statements::CheckKey;
use crate::catalog::Catalog;
use crate::db::Repeatable;
use crate::gateway::saved::unspoken;
use crate::gateway::{CallLimits, Pinned, Served};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::{self, Checked};
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
    ) -> Result<Arc<Repeatable>, Diagnostic> {
        let started = Instant::now();
        let mut decision = self.check(served, pinned, &catalog).await;
        if decision.as_ref().err().is_some_and(names_something_unknown)
            && let Ok(fresh) = served.fresh_catalog(self.left(within), &self.live.stop).await
            && !Arc::ptr_eq(&fresh, &catalog)
        {
            decision = self.check(served, pinned, &fresh).await;
        }
        let decided = decision.as_ref().map(|statement| statement.checked());
        self.report_decision(served, pinned.policy().version(), decided, started.elapsed());
        decision.map_err(|refusal| unspoken(refusal, &self.question.request))
    }

    /// What was decided of the same question before, or what is decided now.
    async fn check(
        &self,
        served: &Served,
        pinned: &Pinned<'_>,
        catalog: &Arc<Catalog>,
    ) -> Result<Arc<Repeatable>, Diagnostic> {
        pinned.protects(catalog)?;
        let (caller, sql, policy) = (&self.question.caller, &self.question.request.sql, pinned.policy());
        let key = CheckKey { caller, sql, catalog, policy };
        if let Some(known) = served.statements.find(&key) {
            return Ok(known);
        }
        if sql.len() < INLINE_BYTES {
            return sql::check(sql, &key.context()).map(|checked| served.statements.keep(&key, checked));
        }
        let (caller, sql) = (caller.clone(), sql.clone());
        let (catalog, policy) = (Arc::clone(catalog), Arc::clone(policy));
        let statements = Arc::clone(&served.statements);
        let checking = tokio::task::spawn_blocking(move || {
            let key = CheckKey { caller: &caller, sql: &sql, catalog: &catalog, policy: &policy };
            sql::check(&sql, &key.context()).map(|checked| statements.keep(&key, checked))
        });
        checking.await.unwrap_or_else(|_| {
            let message = "the check of the statement ended unexpectedly";
            Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, message))
        })
    }

    /// A refusal before there was a statement to look at.
    pub(super) fn report_refusal(&self, served: &Served, policy: &str, refusal: &Diagnostic) {
        self.report_decision(served, policy, Err(refusal), Duration::ZERO);
    }

    fn report_decision(
        &self,
        served: &Served,
        policy: &str,
        decision: Result<&Checked, &Diagnostic>,
        took: Duration,
    ) {
        let relations: Vec<String> = match decision {
            Ok(checked) => checked.relations().iter().map(ToString::to_string).collect(),
            Err(_) => Vec::new(),
        };
        let refusal = decision.err();
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
            rules: decision.map_or(&[], Checked::rules),
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
