//! Views: what stands behind them decides, unless the policy trusts them.

use std::collections::BTreeSet;

use super::column::ColumnAccess;
use super::decision::Decision;
use crate::catalog::{Catalog, Relation, ViewBody};
use crate::pg::Oid;
use crate::policy::rule::{Action, Policy};

impl Policy {
    pub(super) fn decide_view(
        &self,
        view: &Relation,
        body: &ViewBody,
        decision: Decision,
        catalog: &Catalog,
        seen: &mut BTreeSet<Oid>,
    ) -> Decision {
        if self.trusts(view) {
            return decision;
        }
        let behind = |oid: &Oid| {
            catalog.relation_by_oid(*oid).is_some_and(|relation| {
                self.decide_read(relation, catalog, seen).allowed
                    && self.shows_all_of(relation, body, catalog)
            })
        };
        if body.shows_more
            || !body.relations.iter().all(behind)
            || !body.routines.iter().all(|oid| self.allows_routine(*oid, catalog))
        {
            return Decision::deny("default.views");
        }
        decision
    }

    /// The rows as they are, and every column that the view reads.
    fn shows_all_of(&self, relation: &Relation, body: &ViewBody, catalog: &Catalog) -> bool {
        let access = self.access(relation, catalog);
        let read = body.columns.iter().find(|(oid, _)| *oid == relation.oid).map(|(_, read)| read.as_slice());
        let reads = |number: i32| read.is_some_and(|read| read.contains(&number) || read.contains(&0));
        let kept =
            |access: &ColumnAccess| matches!(access, ColumnAccess::Masked(_) | ColumnAccess::Denied(_));
        access.filters.is_empty()
            && !access
                .columns
                .iter()
                .zip(&relation.columns)
                .any(|(access, column)| kept(access) && reads(column.number))
    }

    fn trusts(&self, view: &Relation) -> bool {
        self.allow.iter().filter(|rule| rule.trust).any(|rule| {
            rule.targets.iter().any(|(action, p)| *action == Action::Select && p.matches(&view.name))
        })
    }
}
