//! What of a relation a caller sees: which columns, which of them masked, and which rows.

use std::collections::BTreeSet;

use super::column_rules::ColumnRules;
use super::decision::Decision;
use super::family::{Names, descendants};
use crate::catalog::{Catalog, Column, Relation, Type};
use crate::pg::Oid;
use crate::policy::pattern::Pattern;
use crate::policy::rule::{Action, Check, Filter, Mask, Policy};

/// What a caller may read of one relation.
#[derive(Debug)]
pub struct Access<'p> {
    pub decision: Decision,
    /// One for each column, in order.
    pub columns: Vec<ColumnAccess<'p>>,
    /// All of them hold.
    pub filters: Vec<&'p Filter>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ColumnAccess<'p> {
    Clear,
    Masked(&'p Mask),
    /// By the policy.
    Denied(Decision),
    /// By PostgreSQL, or because its type could run code unseen.
    Unreadable,
}

impl ColumnAccess<'_> {
    /// The caller may name it.
    pub fn is_visible(&self) -> bool {
        matches!(self, Self::Clear | Self::Masked(_))
    }
}

impl Access<'_> {
    /// Something of the relation is kept back by the policy, so that a statement must not read it as it is.
    pub fn is_guarded(&self) -> bool {
        let kept =
            |column: &ColumnAccess| matches!(column, ColumnAccess::Masked(_) | ColumnAccess::Denied(_));
        !self.filters.is_empty() || self.columns.iter().any(kept)
    }

    /// Relations whose every column is hidden do not exist for the caller.
    pub fn is_visible(&self) -> bool {
        self.decision.allowed
            && (self.columns.is_empty() || self.columns.iter().any(ColumnAccess::is_visible))
    }
}

impl Policy {
    /// What a caller may read of the relation.
    pub fn access(&self, relation: &Relation, catalog: &Catalog) -> Access<'_> {
        let decision = self.decide_select(relation, catalog);
        let names = Names::of(relation, catalog);
        let rules = ColumnRules::of(self, relation, &names);
        let columns = relation.columns.iter().map(|column| match self.is_readable(column, catalog) {
            true => rules.access(column),
            false => ColumnAccess::Unreadable,
        });
        Access { decision, columns: columns.collect(), filters: self.filters_of(&names) }
    }

    /// Does the relation's row, as one value, run code unseen? `jsonb_populate_record(row, ..)` runs the checks of its
    /// domains.
    pub fn row_runs_unseen(&self, relation: &Relation, catalog: &Catalog) -> bool {
        catalog.type_by_name(&relation.name).is_some_and(|row| self.runs_unseen(row, catalog))
    }

    /// The conditions that rows written to the relation must meet.
    pub fn checks_of<'p>(&'p self, relation: &Relation, catalog: &Catalog) -> Vec<&'p Check> {
        let names = Names::of(relation, catalog);
        self.checks.iter().filter(|check| names.match_any(&check.relations)).collect()
    }

    pub(super) fn filters_of(&self, names: &Names<'_>) -> Vec<&Filter> {
        self.filters.iter().filter(|filter| names.match_any(&filter.relations)).collect()
    }

    /// The login may read it, and reading it runs nothing unseen.
    fn is_readable(&self, column: &Column, catalog: &Catalog) -> bool {
        let named = catalog.type_by_oid(column.type_oid);
        let hidden = |named| {
            self.runs_unseen(named, catalog) || self.hides_columns(named, catalog, &mut BTreeSet::new())
        };
        column.selectable && !named.is_some_and(hidden)
    }

    /// A row of a relation as a value, or within one, with columns in it that the caller may not read. `seen` are the
    /// types that are being looked at.
    fn hides_columns(&self, named: &Type, catalog: &Catalog, seen: &mut BTreeSet<Oid>) -> bool {
        if !seen.insert(named.oid) {
            return false;
        }
        let kept = |relation: &Relation| {
            let names = Names::of(relation, catalog);
            let whole = |pattern: &Pattern| {
                !pattern.is_of_columns() && names.match_any(std::slice::from_ref(pattern))
            };
            relation.columns.iter().any(|column| !column.selectable)
                || self.keeps_back(relation, catalog)
                || self.denial(Action::Select, |patterns| patterns.iter().any(whole)).is_some()
        };
        let row = named.relation.and_then(|oid| catalog.relation_by_oid(oid));
        let columns = row.into_iter().flat_map(|row| row.columns.iter().map(|column| column.type_oid));
        let fields = named.fields.iter().map(|(_, oid)| *oid);
        row.is_some_and(kept)
            || columns.chain(fields).chain(named.inner).any(|oid| {
                catalog.type_by_oid(oid).is_some_and(|within| self.hides_columns(within, catalog, seen))
            })
    }

    /// A rule masks, filters or denies a part of the relation.
    pub(super) fn keeps_back(&self, relation: &Relation, catalog: &Catalog) -> bool {
        let names = Names::of(relation, catalog);
        let rules = ColumnRules::of(self, relation, &names);
        let kept = |column: &Column| rules.access(column) != ColumnAccess::Clear;
        !self.filters_of(&names).is_empty() || relation.columns.iter().any(kept)
    }

    /// Reading a table reads its partitions and children: masks, filters and hidden columns of theirs that are not
    /// the table's own would be passed by.
    pub(super) fn guarded_below(&self, relation: &Relation, catalog: &Catalog) -> Option<Decision> {
        let own = Names::of(relation, catalog);
        descendants(relation, catalog).into_iter().find_map(|child| {
            let names = Names::of(child, catalog);
            let filter = self.filters_of(&names).into_iter().find(|filter| !own.match_any(&filter.relations));
            let column = || {
                child.columns.iter().find_map(|column| {
                    let mask = self.masks.iter().find(|mask| {
                        names.match_column(&mask.columns, &column.name)
                            && !own.match_column(&mask.columns, &column.name)
                    });
                    let denial = || {
                        self.denial(Action::Select, |patterns| {
                            names.match_column(patterns, &column.name)
                                && !own.match_column(patterns, &column.name)
                        })
                    };
                    mask.map(|mask| &mask.name).or_else(|| denial().map(|denial| &denial.name))
                })
            };
            filter.map(|filter| &filter.name).or_else(column).map(|name| Decision::deny(name))
        })
    }
}
