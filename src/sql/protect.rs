//! Puts what a policy keeps back out of a statement's reach: denied columns, masked values, filtered rows.
//!
//! Runs after every name is resolved. A relation of which something is kept back is replaced, under its own alias,
//! by a subquery that gives what the caller may see; `wrap` makes it, with `mask` and `condition` inside. How the
//! rows of a filter are kept back is chosen in `enforce`: `quals` knows which conditions cannot tell anything.
//! `group_by` and `predicate` look after what a subquery changes for the caller.

mod bound;
mod condition;
mod enforce;
mod group_by;
mod level;
mod mask;
mod place;
mod predicate;
mod quals;
mod wrap;
mod write;
mod written;

use std::collections::BTreeMap;

use super::CheckContext;
use super::ast::walk::{self, Visited, Visitor};
use super::ast::{FromItem, OrderItem, Select, Statement};
use super::resolve::{Accesses, Resolution};
use crate::pg::{Diagnostic, Oid, QualifiedName, SqlState};
use crate::policy::{Policy, PolicyError};
use bound::{Bound, Found};
pub use enforce::Enforcement;
use level::{Guarded, Level};
pub use write::write;

/// How the rows of one relation's filter are kept back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enforced {
    pub relation: QualifiedName,
    /// The rule of the filter.
    pub rule: String,
    pub by: Enforcement,
}

/// What protecting a statement added to it.
#[derive(Debug, Default)]
pub struct Protection {
    /// Masks and filters that took part, without repetition.
    pub rules: Vec<String>,
    pub enforced: Vec<Enforced>,
    /// Values for the parameters behind the caller's.
    pub bound: Vec<String>,
    /// What each of them is.
    pub bound_names: Vec<String>,
    /// Settings of the session that row security reads.
    pub settings: Vec<(String, String)>,
    pub notices: Vec<Diagnostic>,
    /// Schemas in which PostgreSQL looks for operators and functions of conditions.
    pub operator_schemas: Vec<String>,
    /// Relations that conditions read.
    pub oids: Vec<Oid>,
    /// Something is kept back of a relation that the statement reads: its errors and plans might tell of it.
    pub guarded: bool,
}

/// Rewrites the statement in place.
pub fn protect<'c>(
    statement: &mut Statement,
    resolution: &'c Resolution<'c>,
    cx: &'c CheckContext<'c>,
) -> Result<Protection, Diagnostic> {
    let accesses = &resolution.accesses;
    if !accesses.values().any(|access| access.is_guarded()) {
        return Ok(Protection::default());
    }
    let plain = quals::cannot_tell(statement, cx, accesses);
    let parameters = quals::parameters(statement);
    let bound = Bound::behind(resolution.parameters);
    let found = Protection { guarded: true, ..Protection::default() };
    let read = Found::default();
    let mut protector = Protector { cx, accesses, plain, parameters, bound, read, levels: Vec::new(), found };
    walk::statement(&mut protector, statement)?;
    let Protector { bound, read: Found { oids, operator_schemas }, found, .. } = protector;
    let bound_names = bound.names();
    Ok(Protection { bound: bound.into_values(), bound_names, oids, operator_schemas, ..found })
}

/// What is wrong with the conditions and mask expressions of a policy, for each relation that they are for.
pub fn policy_errors(policy: &Policy, cx: &CheckContext<'_>) -> Vec<PolicyError> {
    condition::errors(policy, cx)
}

struct Protector<'c> {
    cx: &'c CheckContext<'c>,
    accesses: &'c Accesses<'c>,
    /// No condition of the statement can tell of a row that a filter hides.
    plain: bool,
    /// How often each of the caller's parameters stands in the statement.
    parameters: BTreeMap<u32, usize>,
    bound: Bound,
    /// Of conditions and masks.
    read: Found,
    /// What FROM brings, from the outside in.
    levels: Vec<Level<'c>>,
    found: Protection,
}

impl Visitor for Protector<'_> {
    /// What is inside comes first: a wrapped relation is never wrapped again.
    fn select(&mut self, select: &mut Select, order_by: &mut Vec<OrderItem>) -> Visited {
        let level = Level::of(&select.from, self.cx, self.accesses);
        self.levels.push(level);
        let visited = walk::select(self, select, order_by);
        let protected = visited.and_then(|()| self.protect_level(select, order_by));
        self.levels.pop();
        protected
    }
}

impl Protector<'_> {
    fn protect_level(&mut self, select: &mut Select, order_by: &mut [OrderItem]) -> Visited {
        let guarded = self.levels.last().map(|level| level.guarded()).unwrap_or_default();
        if guarded.is_empty() {
            return Ok(());
        }
        predicate::look(select, &guarded, &mut self.found)?;
        group_by::repair(select, order_by, &guarded, self.cx);
        let mut subqueries = Vec::new();
        for one in &guarded {
            subqueries.push(Some(self.wrap(one, select)?));
        }
        let mut next = 0;
        for item in &mut select.from {
            replace(item, &guarded, &mut subqueries, &mut next);
        }
        if next == guarded.len() { Ok(()) } else { Err(unreplaced()) }
    }
}

/// A relation that stays as it is would show everything.
fn unreplaced() -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, "a relation could not be protected")
        .rule("policy.condition")
}

/// Puts each subquery in the place of its relation, in the order of FROM.
fn replace(
    item: &mut FromItem,
    guarded: &[Guarded<'_>],
    subqueries: &mut [Option<wrap::Wrapped>],
    next: &mut usize,
) {
    match item {
        FromItem::Relation(relation) => {
            let is_it = guarded.get(*next).is_some_and(|one| one.is_for(relation));
            let Some(wrapped) = subqueries.get_mut(*next).filter(|_| is_it).and_then(Option::take) else {
                return;
            };
            *next = next.saturating_add(1);
            *item = wrapped.around(relation);
        }
        FromItem::Join(join) => {
            replace(&mut join.left, guarded, subqueries, next);
            replace(&mut join.right, guarded, subqueries, next);
        }
        FromItem::Subquery { .. } | FromItem::Function(_) => {}
    }
}
