//! Saved queries held against their database and its policies, before anybody calls them.

use std::sync::Arc;
use std::time::Duration;

use super::{Parameter, SavedFault, SavedQueries, SavedQuery, ScalarType};
use crate::catalog::Catalog;
use crate::gateway::Served;
use crate::pg::{Diagnostic, Oid, SqlState};
use crate::policy::{Place, Policy, ToolGroup};
use crate::sql::{self, CheckContext, Checked};

/// For PostgreSQL to read one statement.
const PATIENCE: Duration = Duration::from_secs(10);

/// What of `queries` does not fit, as far as the database is known. A name that was not found is looked for once more:
/// whoever adds a table saves a query over it.
pub(super) async fn faults(queries: &SavedQueries, served: &Served) -> Vec<SavedFault> {
    let Some(last) = served.database.catalog() else { return Vec::new() };
    let found = against(queries, served, &last).await;
    if found.is_empty() {
        return found;
    }
    match Box::pin(served.database.refresh()).await {
        Ok(now) if !Arc::ptr_eq(&now, &last) => against(queries, served, &now).await,
        Ok(_) | Err(_) => found,
    }
}

async fn against(queries: &SavedQueries, served: &Served, catalog: &Catalog) -> Vec<SavedFault> {
    let policies = served.policies.iter().map(|source| Arc::clone(source.pin().policy()));
    let policies: Vec<Arc<Policy>> = policies.filter(|policy| policy.has_tools(ToolGroup::Saved)).collect();
    let mut faults = Vec::new();
    for query in &queries.queries {
        if policies.is_empty() {
            let message =
                format!("`{}`: no policy of this database has the tools of the group `saved`", query.name);
            faults.push(SavedFault { place: query.place.clone(), message });
            continue;
        }
        match allowed(query, &policies, catalog) {
            Ok(Some(checked)) => faults.extend(parameters(query, checked, served, catalog).await),
            // Only with claims of a caller can it be told.
            Ok(None) => {}
            Err(refusal) => {
                let message = format!("`{}` is refused to everybody: {}", query.name, told(&refusal));
                faults.push(SavedFault { place: query.place.clone(), message });
            }
        }
    }
    faults
}

/// The statement as the first policy that takes it checks it; `None` where that depends on a caller's claims.
fn allowed(
    query: &SavedQuery,
    policies: &[Arc<Policy>],
    catalog: &Catalog,
) -> Result<Option<Checked>, Diagnostic> {
    let check = |policy: &Policy| sql::check(&query.sql, &CheckContext::new(catalog, policy));
    let (mut refusal, mut depends) = (None, None);
    for policy in policies {
        match check(policy) {
            Ok(checked) => return Ok(Some(checked)),
            Err(found) if found.rule.as_deref() == Some("policy.claims") => depends = Some(policy),
            Err(found) => refusal = refusal.or(Some(found)),
        }
    }
    match (depends, refusal) {
        // What it is allowed says nothing of the parameters' types.
        (Some(policy), _) => Ok(check(policy.of_conditions()).ok()),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => Ok(None),
    }
}

/// What is declared, held against what PostgreSQL infers.
async fn parameters(
    query: &SavedQuery,
    checked: Checked,
    served: &Served,
    catalog: &Catalog,
) -> Option<SavedFault> {
    let fault = |place: &Place, message: String| Some(SavedFault { place: place.clone(), message });
    let (declared, used) = (query.parameters.len(), checked.parameters());
    if declared != used {
        let message = format!(
            "`{}` declares {declared} and its statement has {used} parameters (`$1`, ..)",
            query.name
        );
        return fault(&query.place, message);
    }
    let types = match Box::pin(served.database.parameter_types(&checked, PATIENCE)).await {
        Ok(types) => types,
        // The database is away: a call will say so.
        Err(error) if error.retryable => return None,
        // Callers see it as others than this login, which may lack what they have.
        Err(error) if !served.runs_as_login() && error.sqlstate == SqlState::INSUFFICIENT_PRIVILEGE => {
            return None;
        }
        Err(error) => return fault(&query.place, format!("`{}`: {}", query.name, told(&error))),
    };
    let mut pairs = query.parameters.iter().zip(&types).enumerate();
    let (at, (parameter, (_, inferred))) =
        pairs.find(|(_, (parameter, (oid, name)))| !takes(parameter, *oid, name, catalog))?;
    let (number, word) = (at.saturating_add(1), parameter.scalar.word());
    let other = ScalarType::ALL.into_iter().find(|scalar| scalar.takers().contains(&inferred.as_str()));
    let remedy = match other {
        Some(other) => format!("declare `{}`, or write `${number}::{word}`", other.word()),
        None => format!("write `${number}::{word}`"),
    };
    fault(
        &parameter.place,
        format!("`{}` is {word}, PostgreSQL takes `${number}` for {inferred}: {remedy}", parameter.name),
    )
}

/// The labels of an enum are text to whoever writes them.
fn takes(parameter: &Parameter, oid: Oid, name: &str, catalog: &Catalog) -> bool {
    let is_enum = || catalog.type_by_oid(oid).is_some_and(|found| !found.enum_labels.is_empty());
    parameter.scalar.takers().contains(&name) || parameter.scalar == ScalarType::Text && is_enum()
}

/// With the place in the statement, and the hint.
fn told(refusal: &Diagnostic) -> String {
    let place =
        refusal.position.map(|at| format!(" (line {}, column {} of the statement)", at.line, at.column));
    let hint = refusal.hint.as_ref().map(|hint| format!("; {hint}"));
    format!("{}{}{}", refusal.message, place.unwrap_or_default(), hint.unwrap_or_default())
}
