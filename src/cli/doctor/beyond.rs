//! Where the database lets the login do more than the policy: only pgwarden stands in between.

use serde_json::{Value, json};

use crate::gateway::Served;
use crate::policy::script::{DANGEROUS_BUILTINS, Difference, DifferenceKind, Plan, PlanOptions};

/// Names shown of each kind.
const SHOWN: usize = 3;

/// The kinds that `doctor` counts; what else a script settles is no more than good order.
const KINDS: [(DifferenceKind, &str); 5] = [
    (DifferenceKind::Relation, "relations"),
    (DifferenceKind::Column, "columns"),
    (DifferenceKind::Filter, "row filters without row security"),
    (DifferenceKind::Function, "functions"),
    (DifferenceKind::Builtin, "functions of PostgreSQL's own"),
];

#[derive(Debug, Default)]
pub(super) struct Beyond(Vec<Difference>);

impl Beyond {
    /// Nothing where it cannot be read: the examination says why.
    pub(super) async fn find(served: &Served) -> Self {
        let Ok(inspection) = served.database.inspect(None, DANGEROUS_BUILTINS).await else {
            return Self::default();
        };
        let Some(rights) = inspection.rights else { return Self::default() };
        let options = PlanOptions {
            role: rights.role.clone(),
            connections: 0,
            seconds: 0,
            search_path: None,
            revoke_public: true,
            managed: false,
        };
        // Where callers are mapped to several policies, the first: what none allows shows there too.
        let Some(policy) = served.policies.iter().next() else { return Self::default() };
        let policy = policy.pin();
        let Ok(plan) = Plan::of(policy.policy(), &inspection.catalog, options) else {
            return Self::default();
        };
        let mut beyond = plan.compare(Some(&rights));
        beyond.retain(|difference| difference.more && KINDS.iter().any(|(kind, _)| *kind == difference.kind));
        Self(beyond)
    }

    fn names(&self, kind: DifferenceKind) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.0.iter().filter(|found| found.kind == kind).map(|found| found.name.as_str()).collect();
        names.dedup();
        names
    }

    /// `None` where there is nothing to tell.
    pub(super) fn text(&self) -> Option<String> {
        let parts = KINDS.iter().filter_map(|(kind, words)| {
            let names = self.names(*kind);
            let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
            let more = if names.len() > SHOWN { ", .." } else { "" };
            (!names.is_empty()).then(|| format!("{} {words} ({shown}{more})", names.len()))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty())
            .then(|| format!("the login may more than the policy allows: {}", parts.join("; ")))
    }

    pub(super) fn json(&self) -> Value {
        KINDS.iter().map(|(kind, words)| ((*words).to_owned(), json!(self.names(*kind)))).collect()
    }
}
