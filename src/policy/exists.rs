//! Every name in a policy must be that of something: a name that is not, protects nothing.

use super::PolicyError;
use super::pattern::Pattern;
use super::rule::{Action, Policy};
use crate::catalog::{Catalog, Relation};
use crate::pg::QualifiedName;

impl Policy {
    /// What the policy names and the database does not have, unless the rule says `optional`. In the order of the
    /// file.
    pub fn missing(&self, catalog: &Catalog) -> Vec<PolicyError> {
        let known = Known { catalog };
        let mut missing = self.missing_protection(catalog);
        for grant in self.allow.iter().filter(|grant| !grant.optional) {
            missing.extend(grant.targets.iter().filter_map(|(action, target)| known.target(*action, target)));
        }
        for (name, place) in &self.extensions {
            if !catalog.contents().extensions.iter().any(|extension| extension.name == *name) {
                missing.push(PolicyError::new(place, format!("extension `{name}` is not installed")));
            }
        }
        in_order(missing)
    }

    /// Those of them that protect: denied, masked, filtered or checked, and not there. What had the name may have
    /// another one now, under which nothing protects it.
    pub fn missing_protection(&self, catalog: &Catalog) -> Vec<PolicyError> {
        let known = Known { catalog };
        let mut missing = Vec::new();
        for denial in self.deny.iter().filter(|denial| !denial.optional) {
            missing.extend(denial.targets.iter().filter_map(|target| known.target(denial.action, target)));
        }
        for mask in self.masks.iter().filter(|mask| !mask.optional) {
            missing.extend(mask.columns.iter().filter_map(|column| known.relation(column)));
        }
        let filters = self.filters.iter().filter(|filter| !filter.optional).map(|filter| &filter.relations);
        let checks = self.checks.iter().filter(|check| !check.optional).map(|check| &check.relations);
        missing.extend(filters.chain(checks).flatten().filter_map(|relation| known.relation(relation)));
        in_order(missing)
    }
}

fn in_order(mut missing: Vec<PolicyError>) -> Vec<PolicyError> {
    missing.sort_by_key(|error| (error.place.file.to_string(), error.place.line, error.place.column));
    missing
}

struct Known<'c> {
    catalog: &'c Catalog,
}

impl Known<'_> {
    fn target(&self, action: Action, target: &Pattern) -> Option<PolicyError> {
        match action {
            Action::Execute => self.routine(target),
            Action::Select | Action::Insert | Action::Update | Action::Delete => self.relation(target),
        }
    }

    fn relation(&self, target: &Pattern) -> Option<PolicyError> {
        let matches = |relation: &Relation| {
            target.matches(&relation.name)
                && (!target.is_of_columns()
                    || relation.columns.iter().any(|c| target.matches_column(&relation.name, &c.name)))
        };
        let relations = self.catalog.relations();
        if relations.iter().any(matches) {
            return None;
        }
        // `*.*` in an empty database is no slip of the pen.
        if relations.is_empty() && target.to_string() == "*.*" {
            return None;
        }
        let what = if target.is_of_columns() { "column" } else { "relation" };
        let near = self.near(target, relations.iter().map(|relation| &relation.name));
        Some(PolicyError::new(&target.place, format!("{what} `{target}` does not exist{near}")))
    }

    fn routine(&self, target: &Pattern) -> Option<PolicyError> {
        let routines = &self.catalog.contents().routines;
        if routines.iter().any(|routine| target.matches(&routine.name)) {
            return None;
        }
        let near = self.near(target, routines.iter().map(|routine| &routine.name));
        Some(PolicyError::new(&target.place, format!("function `{target}` does not exist{near}")))
    }

    fn near<'n>(&self, target: &Pattern, names: impl Iterator<Item = &'n QualifiedName>) -> String {
        let names: Vec<String> = names.map(ToString::to_string).collect();
        let wanted = target.to_string();
        match crate::catalog::closest(&wanted, names.iter().map(String::as_str)) {
            Some(near) => format!(": did you mean `{near}`? (or write optional = true)"),
            None => " (write optional = true if it may be missing)".to_owned(),
        }
    }
}
