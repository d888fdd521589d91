//! The policies of one database: which of them is a caller's.

mod source;
mod when;

use std::sync::Arc;

pub(super) use source::missing_now;
pub use source::{Pinned, PolicySource};
pub use when::When;

use tokio_util::sync::CancellationToken;

use super::operations::Doing;
use super::suspended::{Barrier, Passing};
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{Policy, PolicyError};
use crate::sql::{CheckContext, policy_errors};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policies {
    rules: Arc<Rules>,
    /// `None` outside of a gateway.
    barrier: Option<Barrier>,
}

#[derive(Debug)]
struct Rules {
    /// The first that a caller meets is theirs.
    mapped: Vec<(When, Arc<PolicySource>)>,
    /// Of all others.
    otherwise: Option<Arc<PolicySource>>,
}

impl Policies {
    pub fn new(mapped: Vec<(When, PolicySource)>, otherwise: Option<PolicySource>) -> Self {
        let mapped = mapped.into_iter().map(|(when, source)| (when, Arc::new(source))).collect();
        let rules = Rules { mapped, otherwise: otherwise.map(Arc::new) };
        Self { rules: Arc::new(rules), barrier: None }
    }

    /// Each source, or what `instead` has for it.
    pub(super) fn replaced(&self, instead: impl Fn(&Arc<PolicySource>) -> Option<Arc<PolicySource>>) -> Self {
        let replaced = |source: &Arc<PolicySource>| instead(source).unwrap_or_else(|| Arc::clone(source));
        let mapped = self.rules.mapped.iter().map(|(when, source)| (when.clone(), replaced(source)));
        let rules =
            Rules { mapped: mapped.collect(), otherwise: self.rules.otherwise.as_ref().map(replaced) };
        Self { rules: Arc::new(rules), barrier: self.barrier.clone() }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Arc<PolicySource>> {
        self.rules.mapped.iter().map(|(_, source)| source).chain(&self.rules.otherwise)
    }

    pub(super) fn behind(self, barrier: Barrier) -> Self {
        Self { barrier: Some(barrier), ..self }
    }

    /// The caller's, as long as neither of them is suspended.
    pub fn of(&self, caller: &Caller) -> Result<&PolicySource, Diagnostic> {
        let source = self.chosen(caller)?;
        if let Some(barrier) = &self.barrier {
            barrier.lets(Passing { caller, policy: source.path(), writes: false })?;
        }
        Ok(source)
    }

    /// Refuses a caller who may not change rows here now.
    pub(super) fn lets_write(&self, caller: &Caller) -> Result<(), Diagnostic> {
        let policy = self.chosen(caller)?.path();
        let lets = |barrier: &Barrier| barrier.lets(Passing { caller, policy, writes: true });
        self.barrier.as_ref().map_or(Ok(()), lets)
    }

    /// `work`, which `stop` ends, for as long as the caller is not suspended and no operator cancels it.
    pub(super) async fn guard<T>(
        &self,
        doing: Doing<'_>,
        stop: &CancellationToken,
        work: impl Future<Output = Result<T, Diagnostic>>,
    ) -> Result<T, Diagnostic> {
        let policy = self.chosen(doing.caller).ok().and_then(PolicySource::path);
        match &self.barrier {
            Some(barrier) => barrier.guard(&doing, policy, stop, work).await,
            None => work.await,
        }
    }

    /// The same, suspended or not.
    pub(super) fn chosen(&self, caller: &Caller) -> Result<&PolicySource, Diagnostic> {
        let Rules { mapped, otherwise } = &*self.rules;
        let mapped = mapped.iter().find(|(when, _)| when.is_met_by(caller)).map(|(_, source)| source);
        mapped.or(otherwise.as_ref()).map(|source| &**source).ok_or_else(|| {
            Diagnostic::refused(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "no policy of this database is for this caller",
            )
            .rule("policy.none")
            .hint("ask for a role that one of the database's `policies` names in its `when`")
        })
    }

    /// Some callers have a policy of their own, or none at all.
    pub(super) fn is_mapped(&self) -> bool {
        !self.rules.mapped.is_empty() || self.rules.otherwise.is_none()
    }

    /// All of them, those for some callers first.
    pub fn iter(&self) -> impl Iterator<Item = &PolicySource> {
        self.sources().map(|source| &**source)
    }

    /// Everything that any of them names and the database does not have, and conditions that cannot be used.
    pub fn missing(&self, catalog: &Arc<Catalog>) -> Vec<PolicyError> {
        let mut missing = Vec::new();
        for error in self.iter().flat_map(|source| faults(source.pin().policy(), catalog)) {
            // Two policies may include the same file.
            if !missing.contains(&error) {
                missing.push(error);
            }
        }
        missing
    }
}

/// What of a policy does not fit a database.
fn faults(policy: &Policy, catalog: &Catalog) -> Vec<PolicyError> {
    let mut faults = policy.missing(catalog);
    faults.extend(policy_errors(policy, &CheckContext::new(catalog, policy)));
    faults
}

impl From<Policy> for Policies {
    /// One policy for everybody.
    fn from(policy: Policy) -> Self {
        Self::new(Vec::new(), Some(PolicySource::fixed(policy)))
    }
}
