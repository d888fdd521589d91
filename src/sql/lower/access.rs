//! Fields and subscripts behind an expression.

use sqlparser::ast::{self as sp, AccessExpr};

use super::expr::expr;
use super::name::{Role, ident};
use super::{Lowered, absent, refuse};
use crate::sql::ast::{Expr, Subscript};
use crate::sql::parse::marker;

pub fn chain(root: sp::Expr, chain: Vec<AccessExpr>) -> Lowered<Expr> {
    if matches!((&root, chain.first()), (sp::Expr::Array(_), Some(AccessExpr::Subscript(_)))) {
        return refuse("a subscript directly behind ARRAY[..]", "write (ARRAY[..])[1]");
    }
    // `t.c[1]` comes as a chain behind `t`; `(t).c` is a field of `t`.
    let mut is_path = matches!(root, sp::Expr::Identifier(_) | sp::Expr::CompoundIdentifier(_));
    // `a[1][2]` is one element of two dimensions, `(a[1])[2]` an element of an element.
    let mut is_subscripted = false;
    let mut base = expr(root)?;
    for step in chain {
        is_path &= matches!(step, AccessExpr::Dot(_));
        let is_subscript = matches!(step, AccessExpr::Subscript(_));
        base = match (step, base) {
            (AccessExpr::Dot(sp::Expr::Identifier(part)), _) if marker::is(&part, marker::STAR) => {
                return refuse("`(row).*` in this place", "name the columns, or put it into the select list");
            }
            (AccessExpr::Dot(sp::Expr::Identifier(part)), Expr::Column(mut parts)) if is_path => {
                parts.push(ident(part, Role::Qualified)?);
                Expr::Column(parts)
            }
            (AccessExpr::Dot(sp::Expr::Identifier(field)), base) => {
                Expr::Field(Box::new(base), ident(field, Role::Qualified)?)
            }
            (AccessExpr::Dot(_), _) => return refuse("this field access", "write `(row).field`"),
            (AccessExpr::Subscript(step), Expr::Subscript(inner, mut steps)) if is_subscripted => {
                steps.push(subscript(step)?);
                Expr::Subscript(inner, steps)
            }
            (AccessExpr::Subscript(step), base) => Expr::Subscript(Box::new(base), vec![subscript(step)?]),
        };
        is_subscripted = is_subscript;
    }
    Ok(base)
}

fn subscript(step: sp::Subscript) -> Lowered<Subscript> {
    match step {
        sp::Subscript::Index { index } => Ok(Subscript::Index(expr(index)?)),
        sp::Subscript::Slice { lower_bound, upper_bound, stride } => {
            absent(stride.is_none(), "slices with a stride")?;
            Ok(Subscript::Slice(lower_bound.map(expr).transpose()?, upper_bound.map(expr).transpose()?))
        }
    }
}
