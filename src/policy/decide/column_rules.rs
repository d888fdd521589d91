//! What a policy's rules say of one column. Of a thousand rules few are about its relation: they are looked out once.

use super::column::ColumnAccess;
use super::decision::Decision;
use super::family::Names;
use crate::catalog::{Column, Relation};
use crate::policy::pattern::Pattern;
use crate::policy::rule::{Action, Denial, Mask, Policy};

/// The rules that may say something of a relation's columns, in the policy's order.
pub(super) struct ColumnRules<'p, 'n> {
    names: &'n Names<'n>,
    /// By the relation's own name alone: a child in an inheritance needs a grant of its own, a partition follows its parent.
    own: Option<&'n Relation>,
    denials: Vec<&'p Denial>,
    grants: Vec<&'p Pattern>,
    masks: Vec<&'p Mask>,
}

impl<'p, 'n> ColumnRules<'p, 'n> {
    pub fn of(policy: &'p Policy, relation: &'n Relation, names: &'n Names<'n>) -> Self {
        let own = (!relation.is_partition).then_some(relation);
        let denies = |denial: &&Denial| denial.action == Action::Select && names.match_any(&denial.targets);
        let targets = policy.allow.iter().flat_map(|rule| &rule.targets);
        let grants = targets.filter(|(action, pattern)| {
            *action == Action::Select
                && match own {
                    Some(relation) => pattern.matches(&relation.name),
                    None => names.match_any(std::slice::from_ref(pattern)),
                }
        });
        Self {
            names,
            own,
            denials: policy.deny.iter().filter(denies).collect(),
            grants: grants.map(|(_, pattern)| pattern).collect(),
            masks: policy.masks.iter().filter(|mask| names.match_any(&mask.columns)).collect(),
        }
    }

    pub fn access(&self, column: &Column) -> ColumnAccess<'p> {
        let names_it =
            |pattern: &Pattern| self.names.match_column(std::slice::from_ref(pattern), &column.name);
        let denial = self
            .denials
            .iter()
            .find(|denial| denial.targets.iter().any(|pattern| pattern.is_of_columns() && names_it(pattern)));
        if let Some(denial) = denial {
            return ColumnAccess::Denied(Decision::deny(&denial.name).because(denial.reason.as_ref()));
        }
        let granted = self.grants.iter().any(|pattern| match self.own {
            Some(relation) => pattern.matches_column(&relation.name, &column.name),
            None => names_it(pattern),
        });
        if !granted {
            return ColumnAccess::Denied(Decision::deny("default.deny"));
        }
        let mut masks = self.masks.iter().filter(|mask| self.names.match_column(&mask.columns, &column.name));
        match (masks.next(), masks.next()) {
            (None, _) => ColumnAccess::Clear,
            (Some(mask), None) => ColumnAccess::Masked(mask),
            // Which of two masks hides more, nobody can say.
            (Some(_), Some(_)) => ColumnAccess::Denied(Decision::deny("default.masks")),
        }
    }
}
