//! Partitions and inheritance children: rules for a parent hold for what is below it, under its own name too.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Relation};
use crate::pg::{Oid, QualifiedName};
use crate::policy::pattern::Pattern;

/// A relation's name and those of everything that it is a part of.
pub(super) struct Names<'c>(Vec<&'c QualifiedName>);

impl<'c> Names<'c> {
    pub fn of(relation: &'c Relation, catalog: &'c Catalog) -> Self {
        let mut names = vec![&relation.name];
        let mut seen = BTreeSet::from([relation.oid]);
        let mut open = relation.parents.clone();
        while let Some(oid) = open.pop() {
            let Some(parent) = catalog.relation_by_oid(oid).filter(|_| seen.insert(oid)) else { continue };
            names.push(&parent.name);
            open.extend(&parent.parents);
        }
        Self(names)
    }

    pub fn match_any(&self, patterns: &[Pattern]) -> bool {
        patterns.iter().any(|pattern| self.0.iter().any(|name| pattern.matches(name)))
    }

    pub fn match_column(&self, patterns: &[Pattern], column: &str) -> bool {
        patterns.iter().any(|pattern| self.0.iter().any(|name| pattern.matches_column(name, column)))
    }
}

/// Everything below a relation, without itself.
pub(super) fn descendants<'c>(relation: &Relation, catalog: &'c Catalog) -> Vec<&'c Relation> {
    let mut found = Vec::new();
    let mut seen: BTreeSet<Oid> = BTreeSet::from([relation.oid]);
    let mut open = catalog.children(relation.oid).to_vec();
    while let Some(oid) = open.pop() {
        let Some(child) = catalog.relation_by_oid(oid).filter(|_| seen.insert(oid)) else { continue };
        found.push(child);
        open.extend(catalog.children(oid));
    }
    found
}
