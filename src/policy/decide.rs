//! Decisions over one object.

use std::collections::BTreeSet;

use super::functions;
use super::pattern::Pattern;
use crate::catalog::{Catalog, Column, Relation, RelationKind, Type, TypeKind};
use crate::pg::{Oid, QualifiedName};

/// A compiled policy. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct Policy {
    pub(super) version: String,
    pub(super) description: Option<String>,
    pub(super) allow: Vec<Rule>,
    pub(super) deny: Vec<Rule>,
    pub(super) functions: BTreeSet<&'static str>,
}

/// One `[[allow]]` or `[[deny]]`.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) select: Vec<Pattern>,
    pub(super) reason: Option<String>,
}

/// The outcome of asking the policy about one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    pub allowed: bool,
    /// The rule that decided, such as `default.schemas` or `deny[2]`.
    pub rule: String,
    /// What the DBA wants the caller to read; without it a denied object answers like a missing one.
    pub reason: Option<String>,
}

impl Decision {
    fn allow(rule: &str) -> Self {
        Self { allowed: true, rule: rule.to_owned(), reason: None }
    }

    fn deny(rule: &str) -> Self {
        Self { allowed: false, rule: rule.to_owned(), reason: None }
    }
}

impl Policy {
    /// All schemas but the system's, read-only; no user function, no catalog.
    pub fn builtin() -> Self {
        Self {
            version: "builtin".to_owned(),
            description: None,
            allow: vec![Rule {
                name: "default.schemas".to_owned(),
                select: vec![Pattern::everything()],
                reason: None,
            }],
            deny: Vec::new(),
            functions: functions::allowed(),
        }
    }

    /// Tells one compiled policy from another, in logs and audit.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// PostgreSQL's own functions that may be called, for suggestions.
    pub fn functions(&self) -> impl Iterator<Item = &'static str> {
        self.functions.iter().copied()
    }

    /// May a SELECT name this relation? Views are allowed only if everything behind them is; foreign tables, and views
    /// that show more than the login may read itself, only if a rule gives their exact name.
    pub fn decide_select(&self, relation: &Relation, catalog: &Catalog) -> Decision {
        self.decide_relation(relation, catalog, &mut BTreeSet::new())
    }

    /// The columns that a statement may name. Not those that the login may not read, nor those whose type could run
    /// code unseen: for the caller they do not exist.
    pub fn visible_columns<'r>(
        &'r self,
        relation: &'r Relation,
        catalog: &'r Catalog,
    ) -> impl Iterator<Item = &'r Column> {
        relation.columns.iter().filter(move |column| self.sees_column(column, catalog))
    }

    pub fn sees_column(&self, column: &Column, catalog: &Catalog) -> bool {
        let named = catalog.type_by_oid(column.type_oid);
        let hidden = |named| self.runs_unseen(named, catalog) || hides_columns(named, catalog);
        column.selectable && !named.is_some_and(hidden)
    }

    /// May the whole row of a relation stand as one value? Not where a column of it is hidden, or its row type could
    /// run code unseen: `jsonb_populate_record(row, ..)` runs the checks of its domains.
    pub fn allows_whole_row(&self, relation: &Relation, catalog: &Catalog) -> bool {
        let row = catalog.type_by_name(&relation.name);
        self.visible_columns(relation, catalog).count() == relation.columns.len()
            && !row.is_some_and(|row| self.runs_unseen(row, catalog))
    }

    /// Users' casts from and to the type, and checks of domains: `lag(x, 1, '5')` runs the check of x's domain.
    fn runs_unseen(&self, named: &Type, catalog: &Catalog) -> bool {
        named.hidden_routines.iter().any(|oid| !self.allows_hidden_routine(*oid, catalog))
    }

    fn decide_relation(&self, relation: &Relation, catalog: &Catalog, seen: &mut BTreeSet<Oid>) -> Decision {
        let decision = self.decide_name(relation, catalog, &mut BTreeSet::new());
        if !decision.allowed || !seen.insert(relation.oid) {
            return decision;
        }
        if let Some(denied) = self.denied_below(relation, catalog, &mut BTreeSet::new()) {
            return denied;
        }
        let Some(body) = &relation.view else { return decision };
        if body.shows_more && !self.names_exactly(&relation.name) {
            return Decision::deny("default.views");
        }
        for oid in &body.relations {
            let behind = catalog.relation_by_oid(*oid).map(|r| self.decide_relation(r, catalog, seen));
            if !behind.is_some_and(|behind| behind.allowed) {
                return Decision::deny("default.views");
            }
        }
        if body.routines.iter().all(|oid| self.allows_routine(*oid, catalog)) {
            return decision;
        }
        Decision::deny("default.views")
    }

    fn names_exactly(&self, name: &QualifiedName) -> bool {
        let mut patterns = self.allow.iter().flat_map(|rule| &rule.select);
        patterns.any(|pattern| pattern.exact().is_some_and(|exact| exact == *name))
    }

    /// Reading a table reads its partitions and children: one that is denied denies it.
    fn denied_below(
        &self,
        relation: &Relation,
        catalog: &Catalog,
        seen: &mut BTreeSet<Oid>,
    ) -> Option<Decision> {
        let mut children =
            catalog.children(relation.oid).iter().filter_map(|oid| catalog.relation_by_oid(*oid));
        children.find_map(|child| {
            if !seen.insert(child.oid) {
                return None;
            }
            match self.deny.iter().find(|rule| rule.select.iter().any(|p| p.matches(&child.name))) {
                Some(rule) => Some(Decision::deny(&rule.name)),
                None => self.denied_below(child, catalog, seen),
            }
        })
    }

    /// Deny wins; a partition or child follows its parents as well as its own name.
    fn decide_name(&self, relation: &Relation, catalog: &Catalog, seen: &mut BTreeSet<Oid>) -> Decision {
        let name = &relation.name;
        if is_system_schema(&name.schema) {
            return Decision::deny("default.catalogs");
        }
        if catalog.schema(&name.schema).is_none_or(|schema| !schema.usable) {
            return Decision::deny("login.schemas");
        }
        if let Some(rule) = self.deny.iter().find(|rule| rule.select.iter().any(|p| p.matches(name))) {
            return Decision { reason: rule.reason.clone(), ..Decision::deny(&rule.name) };
        }
        seen.insert(relation.oid);
        for parent in relation.parents.iter().filter_map(|oid| catalog.relation_by_oid(*oid)) {
            if seen.contains(&parent.oid) {
                continue;
            }
            let decision = self.decide_name(parent, catalog, seen);
            if !decision.allowed || relation.is_partition {
                return decision;
            }
        }
        let named_exactly = |p: &Pattern| p.exact().is_some_and(|exact| exact == *name);
        let foreign = relation.kind == RelationKind::ForeignTable;
        let grants = |p: &Pattern| p.matches(name) && (!foreign || named_exactly(p));
        match self.allow.iter().find(|rule| rule.select.iter().any(grants)) {
            Some(rule) => Decision::allow(&rule.name),
            None if foreign => Decision::deny("default.foreign_tables"),
            None => Decision::deny("default.deny"),
        }
    }

    /// May a statement call this function? Decided by name: all overloads or none.
    pub fn decide_execute(&self, name: &QualifiedName) -> Decision {
        if name.schema != "pg_catalog" {
            return Decision::deny("default.user_functions");
        }
        if self.functions.contains(name.name.as_str()) {
            return Decision::allow("default.functions");
        }
        Decision::deny("default.functions")
    }

    /// A function behind an operator of pg_catalog, or a cast of its types, is part of those types.
    fn allows_routine(&self, oid: Oid, catalog: &Catalog) -> bool {
        let Some(routine) = catalog.routine_by_oid(oid) else { return false };
        self.decide_execute(&routine.name).allowed || catalog.is_operator_or_cast_of_pg_catalog(oid)
    }

    /// A cast or check that a type brings along runs without being called: harmless ones, and those of extensions.
    fn allows_hidden_routine(&self, oid: Oid, catalog: &Catalog) -> bool {
        self.allows_routine(oid, catalog)
            || catalog.routine_by_oid(oid).is_some_and(|r| r.extension.is_some())
    }

    /// May a statement name this type, in a cast or a column definition?
    pub fn decide_type(&self, named: &Type, catalog: &Catalog) -> Decision {
        if named.kind == TypeKind::Pseudo {
            return Decision::deny("default.types");
        }
        if let Some(element) = (named.kind == TypeKind::Array).then_some(named.inner).flatten() {
            return match catalog.type_by_oid(element) {
                Some(element) => self.decide_type(element, catalog),
                None => Decision::deny("default.types"),
            };
        }
        if named.name.schema == "pg_catalog" {
            let plain = matches!(named.kind, TypeKind::Base | TypeKind::Range | TypeKind::Multirange);
            let allowed = plain && !functions::is_refused_type(&named.name.name);
            return if allowed { Decision::allow("default.types") } else { Decision::deny("default.types") };
        }
        if is_system_schema(&named.name.schema)
            || !named.hidden_routines.is_empty()
            || named.extension.is_some()
        {
            return Decision::deny("default.types");
        }
        self.decide_user_type(named, catalog)
    }

    fn decide_user_type(&self, named: &Type, catalog: &Catalog) -> Decision {
        if let Some(relation) = named.relation.and_then(|oid| catalog.relation_by_oid(oid)) {
            let whole = relation.columns.iter().all(|column| column.selectable);
            return if whole {
                self.decide_select(relation, catalog)
            } else {
                Decision::deny("default.types")
            };
        }
        let within = named.fields.iter().map(|(_, oid)| *oid).chain(named.inner);
        for oid in within {
            match catalog.type_by_oid(oid).map(|inner| self.decide_type(inner, catalog)) {
                Some(decision) if decision.allowed => {}
                _ => return Decision::deny("default.types"),
            }
        }
        let plain = matches!(
            named.kind,
            TypeKind::Enum | TypeKind::Domain | TypeKind::Composite | TypeKind::Range | TypeKind::Multirange
        );
        if plain { Decision::allow("default.types") } else { Decision::deny("default.types") }
    }
}

/// A row of a relation as a value, with columns in it that the login may not read.
fn hides_columns(named: &Type, catalog: &Catalog) -> bool {
    let element = named.inner.filter(|_| named.kind == TypeKind::Array);
    let row = element.and_then(|oid| catalog.type_by_oid(oid)).unwrap_or(named);
    let relation = row.relation.and_then(|oid| catalog.relation_by_oid(oid));
    relation.is_some_and(|relation| relation.columns.iter().any(|column| !column.selectable))
}

/// PostgreSQL's own schemas, and those of temporary objects.
pub fn is_system_schema(schema: &str) -> bool {
    schema == "information_schema" || schema.starts_with("pg_")
}
