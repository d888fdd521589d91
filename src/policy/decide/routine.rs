//! May a statement call this function? Decided by name: all overloads or none.

use super::decision::Decision;
use super::is_system_schema;
use crate::catalog::{Catalog, Extension, Routine};
use crate::pg::{Oid, QualifiedName};
use crate::policy::rule::{Action, Policy};
use crate::policy::{extensions, functions};

impl Policy {
    /// PostgreSQL's own functions that may be called, for suggestions.
    pub fn functions(&self) -> impl Iterator<Item = &'static str> {
        self.functions.iter().copied()
    }

    pub fn decide_execute(&self, name: &QualifiedName, catalog: &Catalog) -> Decision {
        if let Some(denial) =
            self.denial(Action::Execute, |patterns| patterns.iter().any(|p| p.matches(name)))
        {
            return Decision::deny(&denial.name).because(denial.reason.as_ref());
        }
        if name.schema == "pg_catalog" {
            if self.functions.contains(name.name.as_str()) {
                return Decision::allow("default.functions");
            }
            let named = functions::is_on_request(&name.name).then(|| self.grant_of(name, false)).flatten();
            return named.unwrap_or_else(|| Decision::deny("default.functions"));
        }
        if is_system_schema(&name.schema) {
            return Decision::deny("default.user_functions");
        }
        let overloads: Vec<&Routine> = catalog.routines(name).collect();
        let of_extensions =
            !overloads.is_empty() && overloads.iter().all(|routine| self.allows_by_extension(routine));
        if of_extensions {
            return Decision::allow("extensions");
        }
        let definer = overloads.iter().any(|routine| routine.security_definer);
        self.grant_of(name, definer).unwrap_or_else(|| Decision::deny("default.user_functions"))
    }

    /// Code of the database's own may run in it: not PostgreSQL's, nor a reviewed extension's.
    pub fn is_user_code(&self, name: &QualifiedName, catalog: &Catalog) -> bool {
        name.schema != "pg_catalog"
            && !catalog.routines(name).all(|routine| self.allows_by_extension(routine))
    }

    fn grant_of(&self, name: &QualifiedName, definer: bool) -> Option<Decision> {
        let names =
            |(action, p): &(Action, crate::policy::Pattern)| *action == Action::Execute && p.matches(name);
        let mut grants = self.allow.iter().filter(|rule| rule.security_definer || !definer);
        grants.find(|rule| rule.targets.iter().any(names)).map(|rule| Decision::allow(&rule.name))
    }

    fn allows_by_extension(&self, routine: &Routine) -> bool {
        routine.extension.as_ref().is_some_and(|extension| {
            self.extensions.contains_key(extension) && extensions::allows(extension, routine)
        })
    }

    /// A function behind an operator of pg_catalog, or a cast of its types, is part of those types.
    pub(super) fn allows_routine(&self, oid: Oid, catalog: &Catalog) -> bool {
        let Some(routine) = catalog.routine_by_oid(oid) else { return false };
        self.decide_execute(&routine.name, catalog).allowed || catalog.is_operator_or_cast_of_pg_catalog(oid)
    }

    /// A cast or check that a type brings along runs without being called: harmless ones, and those of extensions.
    pub(super) fn allows_hidden_routine(&self, oid: Oid, catalog: &Catalog) -> bool {
        self.allows_routine(oid, catalog)
            || catalog.routine_by_oid(oid).is_some_and(|r| r.extension.is_some())
    }

    /// May a statement use this operator? PostgreSQL's own, and those of the extensions that the policy allows.
    pub fn decide_operator(&self, symbol: &str, catalog: &Catalog) -> Decision {
        let builtin = QualifiedName::new("pg_catalog", symbol);
        let of_extension = || {
            self.extensions_in(catalog).any(|extension| {
                let name = QualifiedName::new(&extension.schema, symbol);
                let routine = |oid| catalog.routine_by_oid(oid);
                catalog
                    .operators(&name)
                    .any(|o| routine(o.routine).is_some_and(|r| self.allows_by_extension(r)))
            })
        };
        let known = catalog.operators(&builtin).next().is_some() || of_extension();
        if known { Decision::allow("default.operators") } else { Decision::deny("default.operators") }
    }

    /// Those of the allowed extensions that are installed, other than in PostgreSQL's own schemas.
    pub fn extensions_in<'c>(&'c self, catalog: &'c Catalog) -> impl Iterator<Item = &'c Extension> {
        let installed = catalog.contents().extensions.iter();
        installed.filter(|e| self.extensions.contains_key(&e.name) && !is_system_schema(&e.schema))
    }

    /// The function is a reviewed extension's and has no side effect, whether or not the policy allows the extension:
    /// operators of a schema are found together.
    pub fn is_harmless(&self, routine: Oid, catalog: &Catalog) -> bool {
        catalog.routine_by_oid(routine).is_some_and(|routine| {
            routine.extension.as_ref().is_some_and(|extension| extensions::allows(extension, routine))
        })
    }
}
