//! How the rows of a filter are kept back.
//!
//! PostgreSQL may evaluate a caller's condition before a filter's, and an error or a function in it would then tell of
//! hidden rows (CREATE VIEW and section 41.5 say so of views). So a plain subquery is no boundary, unless no condition
//! of the statement can tell anything.

use std::fmt;

use super::Protector;
use super::level::Guarded;
use super::quals::{self, Types};
use super::wrap::{INNER, column_of};
use crate::sql::ast::{Expr, Ident};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Enforcement {
    /// PostgreSQL's own row level security, with a policy that `pgwarden policy script` wrote and nobody changed.
    RowSecurity,
    /// A subquery that is merged: every condition of the statement is one that cannot raise an error or call out.
    Plain,
    /// A subquery with OFFSET 0, which nothing is pushed into; the caller's simplest conditions are repeated inside.
    Fence,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowSecurity => "row security",
            Self::Plain => "plain",
            Self::Fence => "fence",
        })
    }
}

impl Protector<'_> {
    pub fn enforcement(&self, one: &Guarded<'_>) -> Enforcement {
        if one.filters.iter().all(|filter| one.relation.enforces(&filter.condition)) {
            Enforcement::RowSecurity
        } else if self.plain {
            Enforcement::Plain
        } else {
            Enforcement::Fence
        }
    }

    /// Conditions of WHERE that can stand inside the fence as well: they compare a column of the relation, as it is,
    /// with a constant or with a column of an outer query. They are repeated, not moved; each is true only of rows
    /// that WHERE lets through, on whichever side of a join the relation stands.
    pub fn copies(&self, filter: Option<&Expr>, one: &Guarded<'_>) -> Vec<Expr> {
        let mut copies = Vec::new();
        let mut open: Vec<&Expr> = filter.into_iter().collect();
        while let Some(condition) = open.pop() {
            match condition {
                Expr::And(left, right) => open.extend([&**left, &**right]),
                condition => copies.extend(self.copy(condition, one)),
            }
        }
        copies
    }

    fn copy(&self, condition: &Expr, one: &Guarded<'_>) -> Option<Expr> {
        let types = Types { levels: &self.levels };
        let own = |expr: &Expr| self.own_column(expr, one);
        let outer = |expr: &Expr| self.outer_column(expr);
        (quals::strict(condition, &types) && self.keeps_types(condition))
            .then(|| quals::rewritten(condition, &own, &outer))
            .flatten()
    }

    /// PostgreSQL takes a parameter's type from where it stands first: a copy stands before everything else.
    fn keeps_types(&self, condition: &Expr) -> bool {
        let once = |expr: &Expr| match expr {
            Expr::Cast(inner, _) => match **inner {
                Expr::Parameter(number) => self.parameters.get(&number) == Some(&1),
                _ => true,
            },
            Expr::Parameter(number) => self.parameters.get(number) == Some(&1),
            _ => true,
        };
        match condition {
            Expr::Infix(left, _, right) => once(left) && once(right),
            Expr::InList(inner, list, _) => once(inner) && list.iter().all(once),
            Expr::Between { expr, low, high, negated: _, symmetric: _ } => {
                once(expr) && once(low) && once(high)
            }
            _ => false,
        }
    }

    /// A column of this relation that is neither masked nor renamed, as it is known inside.
    fn own_column(&self, expr: &Expr, one: &Guarded<'_>) -> Option<Expr> {
        let Expr::Column(path) = expr else { return None };
        let [alias, column] = path.as_slice() else { return None };
        let (found, mask) = one.column(&column.text).filter(|_| alias.text == one.alias)?;
        mask.is_none().then(|| column_of(&found.name))
    }

    /// A column of a query around this one.
    fn outer_column(&self, expr: &Expr) -> Option<Expr> {
        let Expr::Column(path) = expr else { return None };
        let [alias, column] = path.as_slice() else { return None };
        let here = self.levels.last().is_some_and(|level| level.has(&alias.text));
        let outer = !here && alias.text != INNER && self.levels.iter().any(|level| level.has(&alias.text));
        outer.then(|| Expr::Column(vec![Ident::new(&alias.text), Ident::new(&column.text)]))
    }
}
