//! The policies of one database: which of them is a caller's.

mod source;
mod when;

use std::sync::Arc;

pub use source::{Pinned, PolicySource, Reloaded};
pub use when::When;

use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{Policy, PolicyError};
use crate::sql::{CheckContext, policy_errors};

/// Cheap to clone. What changes by a reload is inside of each [`PolicySource`].
#[derive(Clone, Debug)]
pub struct Policies(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    /// The first that a caller meets is theirs.
    mapped: Vec<(When, PolicySource)>,
    /// Of all others.
    otherwise: Option<PolicySource>,
}

impl Policies {
    pub fn new(mapped: Vec<(When, PolicySource)>, otherwise: Option<PolicySource>) -> Self {
        Self(Arc::new(Rules { mapped, otherwise }))
    }

    /// The caller's.
    pub fn of(&self, caller: &Caller) -> Result<&PolicySource, Diagnostic> {
        let mapped = self.0.mapped.iter().find(|(when, _)| when.is_met_by(caller)).map(|(_, source)| source);
        mapped.or(self.0.otherwise.as_ref()).ok_or_else(|| {
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
        !self.0.mapped.is_empty() || self.0.otherwise.is_none()
    }

    /// All of them, those for some callers first.
    pub fn iter(&self) -> impl Iterator<Item = &PolicySource> {
        self.0.mapped.iter().map(|(_, source)| source).chain(&self.0.otherwise)
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
