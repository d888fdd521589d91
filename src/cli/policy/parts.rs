//! Which rules took part in an allowed statement.

use crate::catalog::Catalog;
use crate::policy::Policy;
use crate::sql::Checked;

/// The rules that allow its relations and functions, then the masks and filters. Without repetition.
pub(super) fn rules(checked: &Checked, policy: &Policy, catalog: &Catalog) -> Vec<String> {
    let relations = checked.relations().iter().filter_map(|name| catalog.relation(name));
    let granted = relations.map(|relation| policy.decide_select(relation, catalog).rule);
    let functions = checked.functions().iter().map(|name| policy.decide_execute(name, catalog).rule);
    // Each of PostgreSQL's own that is harmless is allowed by the same.
    let functions = functions.filter(|rule| rule != "default.functions");
    let mut rules: Vec<String> = Vec::new();
    for rule in granted.chain(functions).chain(checked.rules().iter().cloned()) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}
