//! A statement tried as a caller: what would be decided, by which rules, and what would run. Nothing runs.

use std::sync::Arc;

use tokio::time::{Duration, timeout};

use crate::auth::{Caller, Scope};
use crate::catalog::Catalog;
use crate::gateway::matrix::{self, Cell};
use crate::gateway::suspended::is_refusal;
use crate::gateway::writes::may_write;
use crate::gateway::{Gateway, Served, layout};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{Claims, Policy};
use crate::sql::{self, CheckContext, Checked, CheckedWrite, Enforcement, WriteOptions};

/// The kind of a statement that reads.
const READS: &str = "SELECT";
/// For the catalog.
const PATIENCE: Duration = Duration::from_secs(5);

/// As whom, where, and what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrialRequest {
    /// `None`: the only one.
    pub database: Option<String>,
    pub caller: Caller,
    pub sql: String,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tried {
    /// What the caller would be refused with at the moment, whatever is said of the statement.
    pub before: Vec<Diagnostic>,
    /// The refusal of the statement, or what would run.
    pub answer: Result<Trial, Diagnostic>,
}

/// A statement that would pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trial {
    /// The version of the policy.
    pub policy: String,
    /// Its file.
    pub file: Option<String>,
    /// `SELECT` for one that reads, else the word of the one that writes.
    pub kind: &'static str,
    pub rules: Vec<String>,
    pub relations: Vec<String>,
    /// What the policy keeps back of it, in words.
    pub kept_back: Vec<String>,
    pub notices: Vec<String>,
    /// What parameters behind the caller's own stand for: `$2: caller.role`.
    pub bound: Vec<String>,
    /// What would run, a line for each clause.
    pub statement: String,
}

/// Which policy it was, and the answer.
type Seen = (Arc<Policy>, Option<String>, Arc<Catalog>);

impl Gateway {
    /// As if the caller had asked; nothing of it is counted.
    pub async fn try_statement(&self, request: TrialRequest) -> Tried {
        let answer = self.tried(&request).await;
        let writes = answer.as_ref().is_ok_and(|trial| trial.kind != READS);
        Tried { before: self.would_stop(request.database.as_deref(), &request.caller, writes), answer }
    }

    fn would_stop(&self, database: Option<&str>, caller: &Caller, writes: bool) -> Vec<Diagnostic> {
        let scope = match writes {
            true => may_write(caller),
            false => may_read(caller),
        };
        let suspended = match self.served(database) {
            Ok(served) if writes => served.policies.lets_write(caller),
            Ok(served) => served.policies.of(caller).map(drop),
            Err(_) => self.may_call(caller),
        };
        let suspended = suspended.err().filter(is_refusal);
        scope.err().into_iter().chain(suspended).collect()
    }

    async fn tried(&self, request: &TrialRequest) -> Result<Trial, Diagnostic> {
        let TrialRequest { database, caller, sql } = request.clone();
        let (policy, file, catalog) = self.seen(database.as_deref(), &caller).await?;
        let tried = tokio::task::spawn_blocking(move || {
            let cx = CheckContext { catalog: &catalog, policy: &policy, claims: &caller.claims };
            match sql::check(&sql, &cx) {
                Ok(checked) => Ok(of_read(&checked, &policy, file, &caller.claims)),
                Err(refusal) if refusal.sqlstate == SqlState::READ_ONLY_SQL_TRANSACTION => {
                    let written = sql::check_write(&sql, &cx, &WriteOptions::default())?;
                    Ok(of_write(&written, &policy, file, &caller.claims))
                }
                Err(refusal) => Err(refusal),
            }
        });
        tried.await.unwrap_or_else(|_| Err(unexpected()))
    }

    /// What the caller may do with every relation and column, and the policy's version and file.
    pub async fn matrix(
        &self,
        database: Option<&str>,
        caller: &Caller,
    ) -> Result<(Vec<Cell>, String, Option<String>), Diagnostic> {
        let (policy, file, catalog) = self.seen(database, caller).await?;
        let (version, claims) = (policy.version().to_owned(), caller.claims.clone());
        let cells = tokio::task::spawn_blocking(move || {
            matrix::of(&CheckContext { catalog: &catalog, policy: &policy, claims: &claims })
        });
        Ok((cells.await.map_err(|_| unexpected())?, version, file))
    }

    async fn seen(&self, database: Option<&str>, caller: &Caller) -> Result<Seen, Diagnostic> {
        let served = self.served(database)?;
        let source = served.policies.chosen(caller)?;
        let pinned = source.pin();
        // Own logins are nowhere but with their people: then it is what the configured login sees.
        let seen = served.seen_by(caller).unwrap_or_else(|_| Served::clone(served));
        let ready = timeout(PATIENCE, Box::pin(seen.database.ready())).await;
        let catalog = ready.unwrap_or_else(|_| {
            let message = format!("database `{}` did not become ready", served.name());
            Err(Diagnostic::connection(SqlState::CANNOT_CONNECT_NOW, message))
        })?;
        pinned.protects(&catalog)?;
        let file = source.path().map(|path| path.display().to_string());
        Ok((Arc::clone(pinned.policy()), file, catalog))
    }
}

fn of_read(checked: &Checked, policy: &Policy, file: Option<String>, claims: &Claims) -> Trial {
    let masks = policy.masks().iter().filter(|mask| checked.rules().contains(&mask.name));
    let masks = masks.map(|mask| format!("{}: the value is {}", mask.name, mask.kind));
    let enforced = checked.enforced().iter();
    let enforced =
        enforced.map(|one| format!("{} on {}: {}: {}", one.rule, one.relation, one.by, cost(one.by)));
    Trial {
        policy: policy.version().to_owned(),
        file,
        kind: READS,
        rules: checked.rules().to_vec(),
        relations: checked.relations().iter().map(ToString::to_string).collect(),
        kept_back: masks.chain(enforced).collect(),
        notices: checked.notices().iter().map(|notice| notice.message.clone()).collect(),
        bound: bound(checked.bound_names(), checked.parameters(), claims),
        statement: layout::lines(checked.text()),
    }
}

fn of_write(written: &CheckedWrite, policy: &Policy, file: Option<String>, claims: &Claims) -> Trial {
    Trial {
        policy: policy.version().to_owned(),
        file,
        kind: written.kind().word(),
        rules: written.rules().to_vec(),
        relations: written.relations().iter().map(ToString::to_string).collect(),
        kept_back: written.checks().iter().map(|check| format!("each row is held against {check}")).collect(),
        notices: written.notices().iter().map(|notice| notice.message.clone()).collect(),
        bound: bound(written.bound_names(), written.parameters(), claims),
        statement: layout::lines(written.text()),
    }
}

/// A claim is what the reader gave; a key is never shown.
fn bound<'n>(names: impl Iterator<Item = &'n str>, parameters: usize, claims: &Claims) -> Vec<String> {
    let shown = |name: &str| match name.strip_prefix("caller.").and_then(|claim| claims.get(claim)) {
        Some(value) => format!("{name}, now {value:?}"),
        None => format!("{name}, not shown"),
    };
    names.zip(parameters.saturating_add(1)..).map(|(name, at)| format!("${at}: {}", shown(name))).collect()
}

/// What it costs that a filter holds in this way.
pub fn cost(by: Enforcement) -> &'static str {
    match by {
        Enforcement::RowSecurity => {
            "PostgreSQL applies the policy of the database; indexes work where they do with it"
        }
        Enforcement::Plain => "merged with the statement; costs what its condition costs",
        Enforcement::Fence => {
            "its rows are read before other conditions are looked at; only simple comparisons are repeated inside"
        }
    }
}

/// As a token without the scope is refused at `/mcp`.
fn may_read(caller: &Caller) -> Result<(), Diagnostic> {
    match caller.scopes.has(Scope::Read) {
        true => Ok(()),
        false => Err(Diagnostic::refused(
            SqlState::INSUFFICIENT_PRIVILEGE,
            "this caller's authorization does not cover reading: it lacks the scope `read`",
        )
        .rule("auth.scope")),
    }
}

fn unexpected() -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, "the check of the statement ended unexpectedly")
}
