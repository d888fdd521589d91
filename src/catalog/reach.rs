//! Which relations PostgreSQL locks when a statement names some of them.

use std::collections::BTreeSet;

use super::{Catalog, Relation};
use crate::pg::Oid;

impl Catalog {
    /// Everything that running a statement over `named` may lock: the relations behind views, those that row
    /// security reads, partitions and children, indexes and TOAST, what a partition belongs to (its bounds are read
    /// from there), and what the driver's type look-ups touch.
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
            reached.extend(self.partitioned_above(relation));
            if let Some(view) = &relation.view {
                open.extend(&view.relations);
            }
        }
        reached.into_iter().collect()
    }

    /// Where the rows of `named` are kept: themselves, their partitions and children, and what is attached to each. Sorted.
    pub fn stored(&self, named: &[Oid]) -> Vec<Oid> {
        let mut stored = BTreeSet::new();
        let mut open: Vec<Oid> = named.to_vec();
        while let Some(oid) = open.pop() {
            if !stored.insert(oid) {
                continue;
            }
            stored.extend(self.relation_by_oid(oid).iter().flat_map(|relation| &relation.attached));
            open.extend(self.children(oid));
        }
        stored.into_iter().collect()
    }

    /// The partitioned tables that a partition belongs to, the nearest first.
    fn partitioned_above(&self, relation: &Relation) -> Vec<Oid> {
        let mut above = Vec::new();
        let mut at = relation;
        while let Some(parent) = at.parents.first().filter(|_| at.is_partition) {
            above.push(*parent);
            let Some(next) = self.relation_by_oid(*parent) else { break };
            at = next;
        }
        above
    }
}
