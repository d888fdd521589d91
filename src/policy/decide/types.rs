//! May a statement name this type, in a cast or a column definition?

use std::collections::BTreeSet;

use super::decision::Decision;
use super::is_system_schema;
use crate::catalog::{Catalog, Relation, Type, TypeKind};
use crate::pg::{Oid, QualifiedName};
use crate::policy::functions;
use crate::policy::rule::Policy;

impl Policy {
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
        if let Some(extension) = &named.extension {
            let allowed = self.extensions.contains_key(extension) && !self.runs_unseen(named, catalog);
            return if allowed { Decision::allow("extensions") } else { Decision::deny("default.types") };
        }
        if is_system_schema(&named.name.schema) || !named.hidden_routines.is_empty() {
            return Decision::deny("default.types");
        }
        self.decide_user_type(named, catalog)
    }

    /// Users' casts from and to the type, and checks of domains: `lag(x, 1, '5')` runs the check of x's domain.
    pub(super) fn runs_unseen(&self, named: &Type, catalog: &Catalog) -> bool {
        named.hidden_routines.iter().any(|oid| !self.allows_hidden_routine(*oid, catalog))
    }

    fn decide_user_type(&self, named: &Type, catalog: &Catalog) -> Decision {
        if let Some(relation) = named.relation.and_then(|oid| catalog.relation_by_oid(oid)) {
            let whole = relation.columns.iter().all(|column| column.selectable);
            return if whole && !self.keeps_back(relation, catalog) {
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
        let allowed = plain && self.shows_type(named.oid, catalog);
        if allowed { Decision::allow("default.types") } else { Decision::deny("default.types") }
    }

    /// Reading a text as the type looks names up, hidden ones too, and so does writing a value of it down.
    pub fn names_objects(named: Oid, catalog: &Catalog) -> bool {
        let names = |found: &Type| {
            let QualifiedName { schema, name } = &found.name;
            schema == "pg_catalog" && name.starts_with("reg") && functions::is_refused_type(name)
        };
        parts(named, catalog).into_iter().any(names)
    }

    /// A column that the caller may see has it, or holds it: the labels, fields and bounds of others are none of theirs.
    fn shows_type(&self, oid: Oid, catalog: &Catalog) -> bool {
        let having = |relation: &&Relation| relation.columns.iter().any(|c| holds(c.type_oid, oid, catalog));
        catalog.relations().iter().filter(having).any(|relation| {
            let access = self.access(relation, catalog);
            let mut columns = relation.columns.iter().zip(&access.columns);
            access.decision.allowed
                && columns.any(|(column, access)| access.is_visible() && holds(column.type_oid, oid, catalog))
        })
    }
}

/// The type itself, or as an element, a base, a subtype or a field of it.
fn holds(outer: Oid, wanted: Oid, catalog: &Catalog) -> bool {
    outer == wanted || parts(outer, catalog).into_iter().any(|part| part.oid == wanted)
}

/// The type, its element, base, subtype and fields, and so on.
fn parts(outer: Oid, catalog: &Catalog) -> Vec<&Type> {
    let (mut open, mut seen, mut found) = (vec![outer], BTreeSet::new(), Vec::new());
    while let Some(oid) = open.pop() {
        if let Some(part) = catalog.type_by_oid(oid).filter(|_| seen.insert(oid)) {
            open.extend(part.inner.iter().chain(part.fields.iter().map(|(_, field)| field)));
            found.push(part);
        }
    }
    found
}
