//! RETURNING: every column by its name, so that what comes back is known; no subqueries.

use super::scope::Env;
use super::{Resolved, Resolver};
use crate::pg::Diagnostic;
use crate::sql::ast::walk::{Visited, Visitor};
use crate::sql::ast::{Expr, Ident, Item, Query};
use crate::sql::parse::unsupported;

/// Resolves the items in place; afterwards each is an expression.
pub fn expand(resolver: &mut Resolver<'_>, items: &mut Vec<Item>, env: Env<'_>) -> Resolved<()> {
    let mut out = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        match item {
            Item::Star => {
                let visible = env.scope.map(|scope| &scope.visible);
                if visible.is_none_or(|visible| visible.is_open()) {
                    return Err(unknown_columns());
                }
                let bare = visible.into_iter().flat_map(|visible| &visible.bare);
                out.extend(bare.map(|bare| column(bare.owner.as_deref(), &bare.name)));
            }
            Item::TableStar(path) => {
                let range = resolver.range_of_star(&path, env)?;
                if range.columns.open {
                    return Err(unknown_columns());
                }
                out.extend(range.columns.names.iter().map(|name| column(Some(&range.alias), name)));
            }
            Item::RowStar(_) => return Err(unknown_columns()),
            Item::Expr { mut expr, alias } => {
                no_query(&mut expr, "RETURNING")?;
                resolver.expr(&mut expr, env)?;
                out.push(Item::Expr { expr, alias });
            }
        }
    }
    *items = out;
    Ok(())
}

fn column(owner: Option<&str>, name: &str) -> Item {
    let path = owner.into_iter().chain([name]).map(Ident::new).collect();
    Item::Expr { expr: Expr::Column(path), alias: None }
}

fn unknown_columns() -> Diagnostic {
    unsupported("`*` in RETURNING over columns that only PostgreSQL knows", "name the columns")
}

/// Columns of the target are put in place by name there, which a subquery's own names could hide.
pub fn no_query(expr: &mut Expr, clause: &str) -> Resolved<()> {
    struct NoQuery;
    impl Visitor for NoQuery {
        fn query(&mut self, _: &mut Query) -> Visited {
            Err(unknown_columns())
        }
    }
    NoQuery
        .expr(expr)
        .map_err(|_| unsupported(&format!("a subquery in {clause}"), "query it in a statement of its own"))
}
