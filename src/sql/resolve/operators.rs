//! Operators: which may run, and in which schemas PostgreSQL has to look for those of extensions.
//!
//! An operator is written without its schema, so PostgreSQL finds it by the search path, by its operands' types. What
//! is on that path is decided statement by statement: the schemas of allowed extensions whose operators the statement
//! can mean. There, everything of the statement's operators must be harmless, and nobody but who is trusted anyway may
//! create more of them.

use std::collections::BTreeSet;

use super::{Resolved, Resolver};
use crate::catalog::Extension;
use crate::pg::{Diagnostic, Oid, QualifiedName, SqlState};
use crate::sql::ast::{Like, LikeKind};
use crate::sql::teach::operators;

/// Those that our own rewriting adds.
const OURS: [&str; 4] = ["*", ">", "||", "-"];

/// What a statement has that an extension's operators may mean.
#[derive(Debug, Default)]
pub struct Used {
    symbols: BTreeSet<String>,
    types: BTreeSet<Oid>,
    /// Functions that are not PostgreSQL's own: their results may be of any type.
    functions: bool,
    /// Extensions whose functions are called: some, such as earthdistance's, look for their own by the search path.
    called: BTreeSet<String>,
    /// Extensions that have a function of the same name as one of PostgreSQL's own that is called.
    shared: BTreeSet<String>,
}

impl Used {
    pub fn type_named(&mut self, oid: Oid) {
        self.types.insert(oid);
    }

    pub fn function_called(&mut self, name: &QualifiedName, extension: Option<&str>) {
        self.functions |= name.schema != "pg_catalog";
        self.called.extend(extension.map(str::to_owned));
    }
}

impl Resolver<'_> {
    /// One that the statement writes.
    pub fn operator(&mut self, symbol: &str) -> Resolved<()> {
        self.implied(&[symbol]);
        if self.cx.policy.decide_operator(symbol, self.cx.catalog).allowed {
            return Ok(());
        }
        let others = "use PostgreSQL's own operators, or those of extensions that the policy allows";
        Err(unknown(symbol).hint(operators::meant(symbol).unwrap_or(others)))
    }

    /// Those that PostgreSQL looks up for syntax, such as `=` for IN.
    pub fn implied(&mut self, symbols: &[&str]) {
        self.used.symbols.extend(symbols.iter().map(|&symbol| symbol.to_owned()));
    }

    pub fn implied_by_like(&mut self, like: &Like) {
        let symbol = match (like.kind, like.negated) {
            (LikeKind::Like, false) => "~~",
            (LikeKind::Like, true) => "!~~",
            (LikeKind::ILike, false) => "~~*",
            (LikeKind::ILike, true) => "!~~*",
            (LikeKind::Similar, false) => "~",
            (LikeKind::Similar, true) => "!~",
        };
        self.implied(&[symbol]);
    }

    /// A function of PostgreSQL's own, written without its schema, that an extension has for its own types too, such
    /// as citext's `replace`: PostgreSQL finds the right one if it stays without. Nobody else's can be found then.
    pub fn is_shared(&mut self, name: &str) -> bool {
        let (catalog, policy) = (self.cx.catalog, self.cx.policy);
        let mut sharing = Vec::new();
        for extension in policy.extensions_in(catalog) {
            let name = QualifiedName::new(&extension.schema, name);
            let mut overloads = catalog.routines(&name).peekable();
            let Some(first) = overloads.peek() else { continue };
            if first.extension.as_ref() == Some(&extension.name) {
                sharing.push(extension.name.clone());
            }
            let harmless = overloads.all(|overload| policy.is_harmless(overload.oid, catalog));
            if !harmless || !policy.decide_execute(&name, catalog).allowed {
                return false;
            }
        }
        let shared = !sharing.is_empty();
        self.used.shared.extend(sharing);
        shared
    }

    /// Schemas for the search path, behind pg_catalog.
    pub fn operator_schemas(&self) -> Resolved<Vec<String>> {
        let catalog = self.cx.catalog;
        let mut schemas: BTreeSet<&str> = BTreeSet::new();
        for extension in self.cx.policy.extensions_in(catalog).filter(|extension| self.means(extension)) {
            self.closed_schema(&extension.schema, &extension.name)?;
            schemas.insert(&extension.schema);
        }
        for schema in &schemas {
            for symbol in self.used.symbols.iter().map(String::as_str).chain(OURS) {
                let name = QualifiedName::new(*schema, symbol);
                let harmful = |oid| !self.cx.policy.is_harmless(oid, catalog);
                if catalog.operators(&name).any(|operator| harmful(operator.routine)) {
                    let hint = format!(
                        "an operator `{symbol}` that is no reviewed extension's is in the schema `{schema}` too: the \
                         extension should be installed in a schema of its own"
                    );
                    return Err(unknown(symbol).hint(hint));
                }
            }
        }
        Ok(schemas.into_iter().map(str::to_owned).collect())
    }

    /// Only who is trusted anyway may create anything in the schema of an extension that a statement uses.
    pub fn closed_schema(&self, schema: &str, extension: &str) -> Resolved<()> {
        let creators = self.cx.catalog.schema(schema).map_or(&[][..], |schema| schema.creators.as_slice());
        let Some(first) = creators.first() else { return Ok(()) };
        let message =
            format!("the extension `{extension}` cannot be used while others may create in its schema");
        let shown = if first == "PUBLIC" { first.clone() } else { crate::pg::quote_ident(first) };
        let schema = crate::pg::quote_ident(schema);
        Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .rule("default.extension_schema")
            .hint(format!(
                "the owner can REVOKE CREATE ON SCHEMA {schema} FROM {shown}, or install it in a schema of its own"
            )))
    }

    /// An operator or a shared function of the extension may be the one that the statement means.
    fn means(&self, extension: &Extension) -> bool {
        let catalog = self.cx.catalog;
        if self.used.called.contains(&extension.name) {
            return true;
        }
        let mut possible = self.used.shared.contains(&extension.name);
        for symbol in &self.used.symbols {
            let name = QualifiedName::new(&extension.schema, symbol.as_str());
            let builtin = QualifiedName::new("pg_catalog", symbol.as_str());
            for operator in catalog.operators(&name).filter(|o| o.extension.as_ref() == Some(&extension.name))
            {
                // One over PostgreSQL's own types, as pg_trgm's `%` is, or one that only the extension has.
                if !self.is_any_of(&operator.operands, &extension.name)
                    || catalog.operators(&builtin).next().is_none()
                {
                    return true;
                }
                possible = true;
            }
        }
        possible && (self.used.functions || self.touches_types_of(&extension.name))
    }

    fn touches_types_of(&self, extension: &str) -> bool {
        let catalog = self.cx.catalog;
        let relations = self.found.oids.iter().filter_map(|oid| catalog.relation_by_oid(*oid));
        let columns = relations.flat_map(|relation| &relation.columns).map(|column| column.type_oid);
        let all: Vec<Oid> = columns.chain(self.used.types.iter().copied()).collect();
        self.is_any_of(&all, extension)
    }

    /// One of these types is the extension's, or made of one that is.
    fn is_any_of(&self, types: &[Oid], extension: &str) -> bool {
        let mut open = types.to_vec();
        let mut seen = BTreeSet::new();
        while let Some(oid) = open.pop() {
            let found = self.cx.catalog.type_by_oid(oid).filter(|_| seen.insert(oid));
            let Some(found) = found else { continue };
            if found.extension.as_deref() == Some(extension) {
                return true;
            }
            open.extend(found.inner.iter().chain(found.fields.iter().map(|(_, oid)| oid)));
        }
        false
    }
}

fn unknown(symbol: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::UNDEFINED_FUNCTION, format!("operator `{symbol}` does not exist"))
        .rule("default.operators")
}
