//! Queries: WITH, set operations, VALUES, ORDER BY, LIMIT.

use sqlparser::ast::{
    self as sp, Cte, CteAsMaterialized, Fetch, LimitClause, Offset, OrderByExpr, OrderByKind, OrderByOptions,
    OrderBySort, SetExpr, SetQuantifier, TableAlias, TableAliasColumnDef, Value, Values, With,
};

use super::expr::{expr, exprs};
use super::name::{Role, ident};
use super::select::select;
use super::{Lowered, absent, all, operator, refuse, statement};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{self, Body, Expr, Limit, OrderItem, SetOperation, SetOperator};
use crate::sql::parse::marker;

pub fn query(query: sp::Query) -> Lowered<ast::Query> {
    let sp::Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    if !locks.is_empty() {
        return Err(locking());
    }
    absent(for_clause.is_none() && settings.is_none() && format_clause.is_none(), "this clause of a query")?;
    absent(pipe_operators.is_empty(), "pipe operators")?;
    let (limit, offset) = limits(limit_clause, fetch)?;
    Ok(ast::Query {
        with: with.map(self::with).transpose()?,
        body: self::body(*body)?,
        order_by: order_by.map(self::order_by).transpose()?.unwrap_or_default(),
        limit,
        offset,
    })
}

fn locking() -> Diagnostic {
    Diagnostic::refused(
        SqlState::READ_ONLY_SQL_TRANSACTION,
        "locking rows is not possible in a read-only statement",
    )
    .rule("sql.read_only")
    .hint("leave out FOR UPDATE, FOR SHARE and their kin")
}

pub fn with(with: With) -> Lowered<ast::With> {
    let With { with_token: _, recursive, cte_tables } = with;
    Ok(ast::With { recursive, ctes: all(cte_tables, cte)? })
}

fn cte(cte: Cte) -> Lowered<ast::Cte> {
    let Cte { alias, query, from, materialized, closing_paren_token: _ } = cte;
    let TableAlias { explicit: _, name, columns, at } = alias;
    absent(from.is_none() && at.is_none(), "FROM behind a WITH query")?;
    Ok(ast::Cte {
        name: ident(name, Role::Column)?,
        columns: all(columns, |TableAliasColumnDef { name, data_type }| {
            absent(data_type.is_none(), "types in the column list of a WITH query")?;
            ident(name, Role::Column)
        })?,
        materialized: materialized.map(|how| matches!(how, CteAsMaterialized::Materialized)),
        query: self::query(*query)?,
    })
}

fn body(body: SetExpr) -> Lowered<Body> {
    Ok(match body {
        SetExpr::Select(inner) => Body::Select(Box::new(select(*inner)?)),
        SetExpr::Query(inner) => parenthesized(query(*inner)?),
        SetExpr::Values(Values { explicit_row, value_keyword, rows }) => {
            absent(!explicit_row && !value_keyword, "VALUES ROW")?;
            Body::Values(all(rows, |row| exprs(row.content))?)
        }
        SetExpr::SetOperation { left, op, set_quantifier, right } => {
            let (left, right) = (self::body(*left)?, self::body(*right)?);
            Body::SetOperation(Box::new(SetOperation {
                operator: operator(op)?,
                all: quantifier(set_quantifier)?,
                left,
                right,
            }))
        }
        SetExpr::Table(_) => return refuse("TABLE commands", "write SELECT * FROM relation"),
        SetExpr::Insert(_) => return Err(statement::writes("INSERT")),
        SetExpr::Update(_) => return Err(statement::writes("UPDATE")),
        SetExpr::Delete(_) => return Err(statement::writes("DELETE")),
        SetExpr::Merge(_) => return Err(statement::writes("MERGE")),
    })
}

/// Parentheses round a query that has nothing but a body mean nothing.
fn parenthesized(query: ast::Query) -> Body {
    match query {
        ast::Query { with: None, body, order_by, limit: None, offset: None } if order_by.is_empty() => body,
        query => Body::Query(Box::new(query)),
    }
}

fn operator(operator: sp::SetOperator) -> Lowered<SetOperator> {
    Ok(match operator {
        sp::SetOperator::Union => SetOperator::Union,
        sp::SetOperator::Except => SetOperator::Except,
        sp::SetOperator::Intersect => SetOperator::Intersect,
        sp::SetOperator::Minus => return refuse("MINUS", "write EXCEPT"),
    })
}

fn quantifier(quantifier: SetQuantifier) -> Lowered<bool> {
    match quantifier {
        SetQuantifier::All => Ok(true),
        SetQuantifier::Distinct | SetQuantifier::None => Ok(false),
        SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName => {
            refuse("BY NAME", "list the columns of both sides in the same order")
        }
    }
}

fn order_by(order_by: sp::OrderBy) -> Lowered<Vec<OrderItem>> {
    let sp::OrderBy { kind, interpolate } = order_by;
    absent(interpolate.is_none(), "INTERPOLATE")?;
    match kind {
        OrderByKind::Expressions(items) => order_items(items),
        OrderByKind::All(_) => refuse("ORDER BY ALL", "name the columns to order by"),
    }
}

pub fn order_items(items: Vec<OrderByExpr>) -> Lowered<Vec<OrderItem>> {
    all(items, |OrderByExpr { expr: key, options: OrderByOptions { sort, nulls_first }, with_fill }| {
        absent(with_fill.is_none(), "WITH FILL")?;
        let (descending, using) = match sort {
            None => (None, None),
            Some(OrderBySort::Asc) => (Some(false), None),
            Some(OrderBySort::Desc) => (Some(true), None),
            Some(OrderBySort::Using(name)) => (None, Some(operator::named(name)?)),
        };
        Ok(OrderItem { expr: expr(key)?, descending, using, nulls_first })
    })
}

fn limits(clause: Option<LimitClause>, fetch: Option<Fetch>) -> Lowered<(Option<Limit>, Option<Expr>)> {
    let (limit, offset) = match clause {
        None => (None, None),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
            absent(limit_by.is_empty(), "LIMIT BY")?;
            let offset = offset.map(|Offset { value, rows: _ }| expr(value)).transpose()?;
            (limit.map(expr).transpose()?, offset)
        }
        Some(LimitClause::OffsetCommaLimit { .. }) => {
            return refuse("LIMIT with a comma", "write LIMIT n OFFSET m");
        }
    };
    let ties = |fetch: &Fetch| {
        let Fetch { with_ties, percent, quantity } = fetch;
        let Some(sp::Expr::Value(sp::ValueWithSpan { value: Value::Placeholder(mark), span: _ })) = quantity
        else {
            return false;
        };
        mark == marker::TIES && *with_ties && !percent
    };
    if fetch.as_ref().is_some_and(ties) {
        return Ok((limit.map(Limit::WithTies), offset));
    }
    let fetch = fetch.map(self::fetch).transpose()?;
    match (limit, fetch) {
        (Some(_), Some(_)) => refuse("LIMIT together with FETCH", "use one of them"),
        (limit, fetch) => Ok((limit.map(Limit::Rows).or(fetch), offset)),
    }
}

/// `FETCH FIRST ROW ONLY` is one row.
fn fetch(fetch: Fetch) -> Lowered<Limit> {
    let Fetch { with_ties, percent, quantity } = fetch;
    absent(!percent, "FETCH .. PERCENT")?;
    if !matches!(quantity, None | Some(sp::Expr::Value(_))) {
        return refuse("FETCH FIRST (expression)", "write LIMIT expression");
    }
    let rows = quantity.map_or_else(|| Ok(Expr::Number("1".to_owned())), expr)?;
    Ok(if with_ties { Limit::WithTies(rows) } else { Limit::Rows(rows) })
}
