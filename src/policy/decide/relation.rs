//! May a statement read this relation, or write to it?

use std::collections::BTreeSet;

use super::decision::Decision;
use super::family::{Names, descendants};
use super::is_system_schema;
use crate::catalog::{Catalog, Relation, RelationKind};
use crate::pg::{Oid, QualifiedName};
use crate::policy::pattern::Pattern;
use crate::policy::rule::{Action, Policy};

impl Policy {
    /// May a SELECT name this relation? Views are allowed only if everything behind them is, or by `trust`; foreign
    /// tables only if a rule gives their exact name.
    pub fn decide_select(&self, relation: &Relation, catalog: &Catalog) -> Decision {
        self.decide_read(relation, catalog, &mut BTreeSet::new())
    }

    /// `seen` are the relations that are being decided: a view may be behind itself.
    pub(super) fn decide_read(
        &self,
        relation: &Relation,
        catalog: &Catalog,
        seen: &mut BTreeSet<Oid>,
    ) -> Decision {
        let decision = self.decide_name(Action::Select, relation, catalog, &mut BTreeSet::new());
        if !decision.allowed || !seen.insert(relation.oid) {
            return decision;
        }
        if let Some(denied) = self.denied_below(Action::Select, relation, catalog) {
            return denied;
        }
        if let Some(stricter) = self.guarded_below(relation, catalog) {
            return stricter;
        }
        match &relation.view {
            Some(body) => self.decide_view(relation, body, decision, catalog, seen),
            None => decision,
        }
    }

    /// Reading a table reads its partitions and children: one that is denied denies it.
    pub(super) fn denied_below(
        &self,
        action: Action,
        relation: &Relation,
        catalog: &Catalog,
    ) -> Option<Decision> {
        let below = descendants(relation, catalog);
        below.into_iter().find_map(|child| {
            let denial = self.denial(action, |patterns| patterns.iter().any(|p| whole(p, &child.name)))?;
            Some(Decision::deny(&denial.name))
        })
    }

    /// Deny wins; a partition or child follows its parents as well as its own name.
    pub(super) fn decide_name(
        &self,
        action: Action,
        relation: &Relation,
        catalog: &Catalog,
        seen: &mut BTreeSet<Oid>,
    ) -> Decision {
        let name = &relation.name;
        if is_system_schema(&name.schema) {
            return Decision::deny("default.catalogs");
        }
        if catalog.schema(&name.schema).is_none_or(|schema| !schema.usable) {
            return Decision::deny("login.schemas");
        }
        let names = Names::of(relation, catalog);
        let wholly = |patterns: &[Pattern]| {
            patterns.iter().any(|p| !p.is_of_columns() && names.match_any(std::slice::from_ref(p)))
        };
        if let Some(denial) = self.denial(action, wholly) {
            return Decision::deny(&denial.name).because(denial.reason.as_ref());
        }
        seen.insert(relation.oid);
        for parent in relation.parents.iter().filter_map(|oid| catalog.relation_by_oid(*oid)) {
            if seen.contains(&parent.oid) {
                continue;
            }
            let decision = self.decide_name(action, parent, catalog, seen);
            if !decision.allowed || relation.is_partition {
                return decision;
            }
        }
        let foreign = relation.kind == RelationKind::ForeignTable;
        let grants = |p: &Pattern| p.matches(name) && (!foreign || p.exact().is_some());
        let mut allows = self.allow.iter();
        match allows.find(|rule| rule.targets.iter().any(|(granted, p)| *granted == action && grants(p))) {
            Some(rule) => Decision::allow(&rule.name),
            None if foreign => Decision::deny("default.foreign_tables"),
            None => Decision::deny("default.deny"),
        }
    }

    /// The first deny of this action whose names `matches`.
    pub(super) fn denial(
        &self,
        action: Action,
        matches: impl Fn(&[Pattern]) -> bool,
    ) -> Option<&crate::policy::rule::Denial> {
        self.deny.iter().find(|rule| rule.action == action && matches(&rule.targets))
    }
}

fn whole(pattern: &Pattern, name: &QualifiedName) -> bool {
    !pattern.is_of_columns() && pattern.matches(name)
}
