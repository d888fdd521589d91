//! Operators: which may run, and in which schemas PostgreSQL has to look for those of extensions.
//!
//! An operator is written without its schema, so PostgreSQL finds it by the search path, by its operands' types. What
//! is on that path is decided statement by statement: the schemas of allowed extensions whose operators the statement
//! can mean. There, everything of the statement's operators must be harmless, and nobody but who is trusted anyway may
//! create more of them.

use std::collections::BTreeSet;

use super::{Resolved, Resolver};
use crate::catalog::{Extension, TypeKind};
use crate::pg::{Diagnostic, Oid, QualifiedName, SqlState};
use crate::sql::ast::{Like, LikeKind};

/// Those that our own rewriting adds.
const OURS: [&str; 4] = ["*", ">", "||", "-"];

/// What a statement has that an extension's operators may mean.
#[derive(Debug, Default)]
pub struct Used {
    symbols: BTreeSet<String>,
    types: BTreeSet<Oid>,
    /// Functions that are not PostgreSQL's own: their results may be of any type.
    functions: bool,
}

impl Used {
    pub fn type_named(&mut self, oid: Oid) {
        self.types.insert(oid);
    }

    pub fn function_called(&mut self, name: &QualifiedName) {
        self.functions |= name.schema != "pg_catalog";
    }
}

impl Resolver<'_> {
    /// One that the statement writes.
    pub fn operator(&mut self, symbol: &str) -> Resolved<()> {
        self.implied(&[symbol]);
        if self.cx.policy.decide_operator(symbol, self.cx.catalog).allowed {
            return Ok(());
        }
        Err(unknown(symbol)
            .hint("use PostgreSQL's own operators, or those of extensions that the policy allows"))
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

    /// An operator of the extension may be the one that the statement means: it has the name, and an operand can be
    /// of the extension's types.
    fn means(&self, extension: &Extension) -> bool {
        let catalog = self.cx.catalog;
        let of_extension = |symbol: &&String| {
            let name = QualifiedName::new(&extension.schema, symbol.as_str());
            catalog.operators(&name).any(|o| o.extension.as_ref() == Some(&extension.name))
        };
        let mut symbols = self.used.symbols.iter().filter(of_extension).peekable();
        if symbols.peek().is_none() {
            return false;
        }
        let of_its_own = catalog.contents().types.iter().filter(|t| t.kind == TypeKind::Base);
        let mut of_its_own = of_its_own.filter(|t| t.extension.as_ref() == Some(&extension.name));
        let only_its = |symbol: &String| {
            catalog.operators(&QualifiedName::new("pg_catalog", symbol.as_str())).next().is_none()
        };
        of_its_own.next().is_none()
            || self.used.functions
            || symbols.any(only_its)
            || self.touches_types_of(&extension.name)
    }

    fn touches_types_of(&self, extension: &str) -> bool {
        let catalog = self.cx.catalog;
        let relations = self.found.oids.iter().filter_map(|oid| catalog.relation_by_oid(*oid));
        let columns = relations.flat_map(|relation| &relation.columns).map(|column| column.type_oid);
        let mut open: Vec<Oid> = columns.chain(self.used.types.iter().copied()).collect();
        let mut seen = BTreeSet::new();
        while let Some(oid) = open.pop() {
            let Some(found) = catalog.type_by_oid(oid).filter(|_| seen.insert(oid)) else { continue };
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
