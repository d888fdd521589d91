//! May a statement write to this relation, and to this column of it?

use std::collections::BTreeSet;

use super::decision::Decision;
use super::family::{Names, descendants};
use crate::catalog::{Catalog, Relation};
use crate::policy::pattern::Pattern;
use crate::policy::rule::{Action, Policy};

impl Policy {
    /// As far as it stands in no view's place. Rules of columns are asked by column.
    pub fn decide_write(&self, action: Action, relation: &Relation, catalog: &Catalog) -> Decision {
        let decision = self.decide_name(action, relation, catalog, &mut BTreeSet::new());
        if !decision.allowed {
            return decision;
        }
        self.denied_below(action, relation, catalog)
            .or_else(|| self.guarded_below(relation, catalog))
            .or_else(|| self.checked_below(relation, catalog))
            .unwrap_or(decision)
    }

    /// May a statement that writes to the relation give this column a value?
    pub fn decide_write_column(
        &self,
        action: Action,
        relation: &Relation,
        column: &str,
        catalog: &Catalog,
    ) -> Decision {
        let decision = self.decide_write(action, relation, catalog);
        if !decision.allowed {
            return decision;
        }
        // Writing to a table writes to its partitions and children.
        let below = descendants(relation, catalog);
        for written in std::iter::once(relation).chain(below) {
            let names = Names::of(written, catalog);
            if let Some(denial) = self.denial(action, |patterns| names.match_column(patterns, column)) {
                return Decision::deny(&denial.name).because(denial.reason.as_ref());
            }
        }
        let names = Names::of(relation, catalog);
        let grants = |pattern: &Pattern| {
            if relation.is_partition {
                names.match_column(std::slice::from_ref(pattern), column)
            } else {
                pattern.matches_column(&relation.name, column)
            }
        };
        let mut allows = self.allow.iter();
        match allows.find(|rule| rule.targets.iter().any(|(granted, p)| *granted == action && grants(p))) {
            Some(rule) => Decision::allow(&rule.name),
            None => Decision::deny("default.deny"),
        }
    }

    /// A check of a partition or child that is not the table's own would be passed by through the table.
    fn checked_below(&self, relation: &Relation, catalog: &Catalog) -> Option<Decision> {
        let own = Names::of(relation, catalog);
        descendants(relation, catalog).into_iter().find_map(|child| {
            let names = Names::of(child, catalog);
            let mut below = self.checks.iter().filter(|check| names.match_any(&check.relations));
            let check = below.find(|check| !own.match_any(&check.relations))?;
            Some(Decision::deny(&check.name))
        })
    }
}
