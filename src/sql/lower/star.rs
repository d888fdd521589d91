//! `row.*`, which comes as a field with a mark for its name.

use sqlparser::ast::{AccessExpr, Expr, Ident};

use super::expr::expr;
use super::name::path;
use super::{Lowered, refuse};
use crate::sql::ast::Item;
use crate::sql::parse::marker;

/// Parts of a path without the star behind them, and whether there was one.
pub fn split(mut parts: Vec<Ident>) -> (Vec<Ident>, bool) {
    let star = parts.last().is_some_and(|last| marker::is(last, marker::STAR));
    if star {
        parts.pop();
    }
    (parts, star)
}

/// An item of a select list.
pub fn item(value: Expr) -> Lowered<Item> {
    match value {
        Expr::CompoundIdentifier(parts) => {
            let (parts, star) = split(parts);
            if !star {
                return expr(Expr::CompoundIdentifier(parts)).map(unnamed);
            }
            if parts.len() > 3 {
                return refuse("names with that many parts", "write `alias.*`");
            }
            path(parts).map(Item::TableStar)
        }
        Expr::CompoundFieldAccess { root, mut access_chain } => {
            let star = matches!(access_chain.last(), Some(AccessExpr::Dot(Expr::Identifier(last)))
                if marker::is(last, marker::STAR));
            if star {
                access_chain.pop();
            }
            let row = match access_chain.is_empty() {
                true => *root,
                false => Expr::CompoundFieldAccess { root, access_chain },
            };
            let row = expr(row)?;
            Ok(if star { Item::RowStar(row) } else { unnamed(row) })
        }
        value => expr(value).map(unnamed),
    }
}

fn unnamed(expr: crate::sql::ast::Expr) -> Item {
    Item::Expr { expr, alias: None }
}
