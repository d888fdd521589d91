//! Which relations PostgreSQL locks when a statement names some of them.

use std::collections::BTreeSet;

use super::Catalog;
use crate::pg::Oid;

impl Catalog {
    /// Everything that running a statement over `named` may lock: the relations behind views, those that row
    /// security reads, partitions and children, indexes and TOAST, and what the driver's type look-ups touch.
    /// Sorted. A lock outside of it means that PostgreSQL saw more than was checked.
    pub fn reach(&self, named: &[Oid]) -> Vec<Oid> {
        let mut reached: BTreeSet<Oid> = self.contents().driver_relations.iter().copied().collect();
        let mut open: Vec<Oid> = named.to_vec();
        let mut walked: BTreeSet<Oid> = BTreeSet::new();
        while let Some(oid) = open.pop() {
            if !walked.insert(oid) {
                continue;
            }
            reached.insert(oid);
            let Some(relation) = self.relation_by_oid(oid) else { continue };
            reached.extend(&relation.attached);
            open.extend(&relation.row_security_reads);
            open.extend(self.children(oid));
            if let Some(view) = &relation.view {
                open.extend(&view.relations);
            }
        }
        reached.into_iter().collect()
    }
}
