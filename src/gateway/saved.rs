//! Queries that a DBA has saved: which of them a caller may run, and what they become.
//!
//! INVARIANT: a caller hears of a saved query only where their policy has the group `saved` and takes the statement; any
//! other name of one is as unknown as one that nobody saved. It runs as `query` would run it.

mod document;
mod faults;
mod load;
mod parameter;
mod query;
mod scalar;
mod source;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

pub use load::{SavedFault, SavedQueries};
pub use parameter::Parameter;
pub use query::SavedQuery;
pub use scalar::ScalarType;
pub use source::SavedSource;

use super::{CallLimits, Gateway, QueryRequest, Served};
use crate::auth::Caller;
use crate::pg::{Diagnostic, Source, SqlState};
use crate::policy::ToolGroup;
use crate::sql::{self, CheckContext};

/// A database that is not ready by then has no saved queries in a list.
const PATIENCE: Duration = Duration::from_secs(2);

/// A saved query that the caller may run.
#[derive(Clone, Debug)]
pub struct Saved {
    pub database: String,
    pub query: Arc<SavedQuery>,
    /// Of an answer, that the policy allows.
    pub characters: usize,
}

impl Gateway {
    /// The saved queries that the caller may run, by database in the order of the configuration, then as in the file;
    /// those called `name`, or all.
    pub async fn saved_queries(&self, caller: &Caller, name: Option<&str>) -> Vec<Saved> {
        let of_each = self.served.iter().map(|served| served.saved_queries(caller, name, &self.limits));
        join_all(of_each).await.concat()
    }
}

impl Served {
    /// With saved queries.
    pub fn with_saved(self, source: SavedSource) -> Self {
        Self { saved: Some(Arc::new(source)), ..self }
    }

    pub fn has_saved(&self) -> bool {
        self.saved.is_some()
    }

    /// What of the saved queries in use does not fit the database and its policies, as far as the database is known.
    pub async fn saved_faults(&self) -> Vec<SavedFault> {
        match &self.saved {
            Some(source) => faults::faults(&source.current(), self).await,
            None => Vec::new(),
        }
    }

    /// Those that the caller may run; called `name`, or all.
    pub(super) async fn saved_queries(
        &self,
        caller: &Caller,
        name: Option<&str>,
        limits: &CallLimits,
    ) -> Vec<Saved> {
        let Some(source) = &self.saved else { return Vec::new() };
        let Ok(policies) = self.policies.of(caller) else { return Vec::new() };
        let (pinned, current) = (policies.pin(), source.current());
        let named = |query: &&Arc<SavedQuery>| name.is_none_or(|name| query.name == name);
        let queries: Vec<Arc<SavedQuery>> = current.queries.iter().filter(named).cloned().collect();
        if queries.is_empty() || !pinned.policy().has_tools(ToolGroup::Saved) {
            return Vec::new();
        }
        let Ok(seen) = self.seen_by(caller) else { return Vec::new() };
        let Ok(catalog) = seen.catalog(PATIENCE, &CancellationToken::new()).await else { return Vec::new() };
        if pinned.protects(&catalog).is_err() {
            return Vec::new();
        }
        let (policy, claims) = (Arc::clone(pinned.policy()), caller.claims.clone());
        let (database, characters) = (self.name().to_owned(), limits.within(&policy).characters);
        let allowed = tokio::task::spawn_blocking(move || {
            let cx = CheckContext { catalog: &catalog, policy: &policy, claims: &claims };
            let allowed = queries.into_iter().filter(|query| sql::check(&query.sql, &cx).is_ok());
            allowed.map(|query| Saved { database: database.clone(), query, characters }).collect()
        });
        allowed.await.unwrap_or_default()
    }
}

/// What the caller of a saved query hears where its statement is not taken, by the gates or by PostgreSQL's parser. Their
/// words would name what the caller did not write, and may not know any more.
pub(super) fn unspoken(refusal: Diagnostic, request: &QueryRequest) -> Diagnostic {
    let Some(saved) = &request.saved else { return refusal };
    let of_text = match refusal.source {
        Source::Pgwarden => !is_of_the_run(&refusal),
        Source::Postgresql => refusal.sqlstate.class() == "42",
        Source::Connection => false,
    };
    if !of_text {
        return refusal;
    }
    let message = format!("the saved query `{}` cannot be run now", saved.name);
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
        .rule("saved.refused")
        .hint("use another tool; who runs pgwarden finds the reason in its log")
}

/// It ended, would take too long, has to wait, or its caller must log in: nothing in the words is from the statement.
fn is_of_the_run(refusal: &Diagnostic) -> bool {
    let of_a_limit = refusal.rule.as_deref().is_some_and(|rule| rule.starts_with("limits."));
    refusal.retryable || of_a_limit || matches!(refusal.sqlstate.class(), "28" | "53" | "57" | "XX")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::SavedRun;

    #[test]
    fn a_refusal_passes_only_where_its_words_are_not_of_the_statement() {
        let saved = SavedRun { name: "open_orders".to_owned(), tool: "open_orders".to_owned(), notes: None };
        let of_saved = QueryRequest { saved: Some(saved), ..QueryRequest::default() };
        let refused = |state: &str| Diagnostic::refused(SqlState::parse(state), "shop.secret");
        let by_postgresql = |state: &str| Diagnostic { source: Source::Postgresql, ..refused(state) };
        for hidden in [
            refused("42P01"),
            refused("42501").rule("server.locks"),
            refused("0A000").rule("sql.unsupported"),
            refused("54000").rule("sql.limits"),
            refused("22023").rule("sql.size_arguments"),
            by_postgresql("42703"),
        ] {
            assert_eq!(
                unspoken(hidden.clone(), &QueryRequest::default()),
                hidden,
                "the caller's own statement"
            );
            let told = unspoken(hidden, &of_saved);
            assert_eq!(told.rule.as_deref(), Some("saved.refused"));
            assert!(!told.render("").contains("secret"), "{told}");
        }
        let busy = Diagnostic { retryable: true, ..refused("53400").rule("limits.share") };
        let lost = Diagnostic::connection(SqlState::CONNECTION_FAILURE, "no server");
        for passed in [
            refused("57014"),
            refused("28000").rule("login.own"),
            refused("54000").rule("limits.planner"),
            busy,
            lost,
            by_postgresql("22012"),
        ] {
            assert_eq!(unspoken(passed.clone(), &of_saved), passed);
        }
    }
}
