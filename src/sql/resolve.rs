//! Binds every name to what it means, and refuses what does not exist or is not allowed.
//!
//! Works in place: afterwards relations, functions and types are schema-qualified and columns carry their alias.
//! The scoping rules are PostgreSQL's (parse_relation.c, parse_clause.c, in words: 7.2, 7.8); where the shape of a
//! row cannot be known, names of its columns are let through, because nothing hidden can be behind them.

mod bound;
mod call;
mod column;
mod expr;
mod from;
pub mod label;
mod missing;
mod operators;
mod query;
mod relation;
mod returning;
mod scope;
mod series;
mod target;
mod typename;
mod typeof_call;
mod write;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::CheckContext;
use super::ast::{Expr, Statement};
use crate::pg::{Diagnostic, Oid, QualifiedName};
use crate::policy::Access;
use operators::Used;
use scope::{Columns, Env, Range, Scope, Visible};
pub use target::Target;
pub use write::{EXCLUDED, write};

/// What may be read of each relation that a statement names: decided once, asked at every step.
pub type Accesses<'c> = HashMap<Oid, Rc<Access<'c>>>;

/// What a statement names.
#[derive(Debug, Default)]
pub struct Resolution<'c> {
    /// In order of appearance, without repetition.
    pub relations: Vec<QualifiedName>,
    pub oids: Vec<Oid>,
    pub accesses: Accesses<'c>,
    /// In order of appearance, with repetitions.
    pub functions: Vec<QualifiedName>,
    /// The rules that allowed relations and functions, without repetition.
    pub rules: Vec<String>,
    /// The highest `$n`.
    pub parameters: usize,
    /// A function of the database's own is called.
    pub user_code: bool,
    /// Relations, functions and subqueries in FROM, at every level.
    pub joins: usize,
    /// Schemas in which PostgreSQL looks for operators, behind pg_catalog.
    pub operator_schemas: Vec<String>,
}

type Resolved<T> = Result<T, Diagnostic>;

/// Resolves a statement in place.
pub fn resolve<'c>(statement: &mut Statement, cx: &'c CheckContext<'c>) -> Resolved<Resolution<'c>> {
    let mut resolver = Resolver::new(cx);
    let query = match statement {
        Statement::Query(query) | Statement::Explain { query, .. } => query,
    };
    resolver.query(query, Env::default())?;
    resolver.found.operator_schemas = resolver.operator_schemas()?;
    Ok(resolver.found)
}

struct Resolver<'c> {
    cx: &'c CheckContext<'c>,
    found: Resolution<'c>,
    seen: HashSet<Oid>,
    used: Used,
}

impl<'c> Resolver<'c> {
    fn new(cx: &'c CheckContext<'c>) -> Self {
        Self { cx, found: Resolution::default(), seen: HashSet::new(), used: Used::default() }
    }

    fn allowed_by(&mut self, rule: &str) {
        if !self.found.rules.iter().any(|known| known == rule) {
            self.found.rules.push(rule.to_owned());
        }
    }
}

/// Resolves an expression of a policy's author over the columns of one relation, known as `alias`.
pub fn condition<'c>(
    expr: &mut Expr,
    alias: &str,
    columns: Vec<String>,
    cx: &'c CheckContext<'c>,
) -> Resolved<Resolution<'c>> {
    let mut resolver = Resolver::new(cx);
    let range = Range {
        alias: alias.to_owned(),
        relation: None,
        columns: Columns::known(columns),
        partial: true,
        scalar: None,
    };
    let scope = Scope { visible: Visible::of(range), outer: None };
    resolver.expr(expr, Env { scope: Some(&scope), ctes: None })?;
    resolver.found.operator_schemas = resolver.operator_schemas()?;
    Ok(resolver.found)
}
