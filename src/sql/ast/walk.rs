//! Visits every part of a tree, inner parts first or last as the visitor likes: it names what it cares for and calls
//! the function of the same name here to go on below.

use super::{
    Alias, Body, Call, Case, Cte, Distinct, Expr, Frame, FrameBound, FromItem, FunctionItem, GroupItem, Item,
    Join, JoinOn, Like, Limit, OrderItem, Over, Quantified, Query, RelationItem, Sample, Select,
    SetOperation, Statement, Subscript, Window, With,
};
use crate::pg::Diagnostic;

pub type Visited = Result<(), Diagnostic>;

/// Stops at the first refusal.
pub trait Visitor: Sized {
    fn query(&mut self, query: &mut Query) -> Visited {
        self::query(self, query)
    }

    /// `order_by` is that of the query whose whole body this is; empty within a set operation.
    fn select(&mut self, select: &mut Select, order_by: &mut Vec<OrderItem>) -> Visited {
        self::select(self, select, order_by)
    }

    fn item_in_from(&mut self, item: &mut FromItem) -> Visited {
        self::item_in_from(self, item)
    }

    fn expr(&mut self, expr: &mut Expr) -> Visited {
        self::expr(self, expr)
    }
}

pub fn statement(visitor: &mut impl Visitor, statement: &mut Statement) -> Visited {
    let (Statement::Query(query) | Statement::Explain { query, options: _ }) = statement;
    visitor.query(query)
}

pub fn query(visitor: &mut impl Visitor, query: &mut Query) -> Visited {
    let Query { with, body, order_by, limit, offset } = query;
    if let Some(With { recursive: _, ctes }) = with {
        for Cte { name: _, columns: _, materialized: _, query } in ctes {
            visitor.query(query)?;
        }
    }
    match body {
        Body::Select(select) => visitor.select(select, order_by)?,
        other => {
            self::body(visitor, other)?;
            ordering(visitor, order_by)?;
        }
    }
    if let Some(Limit::Rows(rows) | Limit::WithTies(rows)) = limit {
        visitor.expr(rows)?;
    }
    offset.as_mut().map_or(Ok(()), |offset| visitor.expr(offset))
}

fn body(visitor: &mut impl Visitor, body: &mut Body) -> Visited {
    match body {
        Body::Select(select) => visitor.select(select, &mut Vec::new()),
        Body::Values(rows) => exprs(visitor, rows.iter_mut().flatten()),
        Body::Query(query) => visitor.query(query),
        Body::SetOperation(operation) => {
            let SetOperation { operator: _, all: _, left, right } = &mut **operation;
            self::body(visitor, left)?;
            self::body(visitor, right)
        }
    }
}

pub fn select(visitor: &mut impl Visitor, select: &mut Select, order_by: &mut [OrderItem]) -> Visited {
    let Select { distinct, items, from, filter, group_by, having, windows, group_distinct: _ } = select;
    from.iter_mut().try_for_each(|item| visitor.item_in_from(item))?;
    for item in items {
        match item {
            Item::Star | Item::TableStar(_) => {}
            Item::RowStar(row) => visitor.expr(row)?,
            Item::Expr { expr, alias: _ } => visitor.expr(expr)?,
        }
    }
    if let Distinct::On(keys) = distinct {
        exprs(visitor, keys)?;
    }
    exprs(visitor, filter)?;
    for item in group_by {
        match item {
            GroupItem::Expr(key) => visitor.expr(key)?,
            GroupItem::Rollup(sets) | GroupItem::Cube(sets) | GroupItem::Sets(sets) => {
                exprs(visitor, sets.iter_mut().flatten())?;
            }
        }
    }
    exprs(visitor, having)?;
    for (_, window) in windows {
        self::window(visitor, window)?;
    }
    ordering(visitor, order_by)
}

pub fn item_in_from(visitor: &mut impl Visitor, item: &mut FromItem) -> Visited {
    match item {
        FromItem::Relation(RelationItem { name: _, only: _, alias, sample }) => {
            no_expressions(alias.as_ref());
            match sample {
                Some(Sample { method: _, percent, seed: _ }) => visitor.expr(percent),
                None => Ok(()),
            }
        }
        FromItem::Subquery { lateral: _, query, alias } => {
            no_expressions(alias.as_ref());
            visitor.query(query)
        }
        FromItem::Function(function) => {
            let FunctionItem { call, ordinality: _, alias } = &mut **function;
            no_expressions(alias.as_ref());
            self::call(visitor, call)
        }
        FromItem::Join(join) => {
            let Join { left, right, kind: _, on, alias } = &mut **join;
            no_expressions(alias.as_ref());
            visitor.item_in_from(left)?;
            visitor.item_in_from(right)?;
            match on {
                JoinOn::Nothing | JoinOn::Natural | JoinOn::Using { columns: _, alias: _ } => Ok(()),
                JoinOn::Condition(condition) => visitor.expr(condition),
            }
        }
    }
}

/// Names and types only.
fn no_expressions(_: Option<&Alias>) {}

pub fn expr(visitor: &mut impl Visitor, expr: &mut Expr) -> Visited {
    match expr {
        Expr::Column(_)
        | Expr::WholeRow(_)
        | Expr::Null
        | Expr::Boolean(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::Bits(..)
        | Expr::Parameter(_)
        | Expr::Keyword(..) => Ok(()),
        Expr::Not(inner)
        | Expr::Prefix(_, inner)
        | Expr::Is(inner, ..)
        | Expr::IsJson(inner, ..)
        | Expr::Cast(inner, _)
        | Expr::Collate(inner, _)
        | Expr::Field(inner, _) => visitor.expr(inner),
        Expr::And(left, right)
        | Expr::Or(left, right)
        | Expr::Infix(left, _, right)
        | Expr::IsDistinct(left, right, _) => {
            visitor.expr(left)?;
            visitor.expr(right)
        }
        Expr::InList(inner, list, _) => {
            visitor.expr(inner)?;
            exprs(visitor, list)
        }
        Expr::InQuery(inner, query, _) => {
            visitor.expr(inner)?;
            visitor.query(query)
        }
        Expr::Between { expr, low, high, negated: _, symmetric: _ } => {
            [expr, low, high].into_iter().try_for_each(|part| visitor.expr(part))
        }
        Expr::Like(like) => {
            let Like { kind: _, negated: _, expr, pattern, escape } = &mut **like;
            exprs(visitor, [expr, pattern].into_iter().chain(escape))
        }
        Expr::Quantified { left, operator: _, all: _, right } => {
            visitor.expr(left)?;
            match &mut **right {
                Quantified::Query(query) => visitor.query(query),
                Quantified::Array(array) => visitor.expr(array),
            }
        }
        Expr::Exists(query) | Expr::Subquery(query) | Expr::ArrayQuery(query) => visitor.query(query),
        Expr::Array(elements) => exprs(visitor, elements),
        Expr::Row { explicit: _, fields } => exprs(visitor, fields),
        Expr::Case(case) => {
            let Case { operand, whens, otherwise } = &mut **case;
            exprs(visitor, operand)?;
            exprs(visitor, whens.iter_mut().flat_map(|(when, then)| [when, then]))?;
            exprs(visitor, otherwise)
        }
        Expr::Subscript(base, steps) => {
            visitor.expr(base)?;
            for step in steps {
                match step {
                    Subscript::Index(index) => visitor.expr(index)?,
                    Subscript::Slice(low, high) => exprs(visitor, low.iter_mut().chain(high))?,
                }
            }
            Ok(())
        }
        Expr::Call(call) => self::call(visitor, call),
        Expr::Special(_, args) => exprs(visitor, args),
    }
}

fn call(visitor: &mut impl Visitor, call: &mut Call) -> Visited {
    let Call { name: _, distinct: _, star: _, args, order_by, within_group, filter, over } = call;
    exprs(visitor, args.iter_mut().map(|arg| &mut arg.value))?;
    ordering(visitor, order_by)?;
    ordering(visitor, within_group)?;
    exprs(visitor, filter)?;
    match over {
        Some(Over::Window(window)) => self::window(visitor, window),
        Some(Over::Name(_)) | None => Ok(()),
    }
}

fn window(visitor: &mut impl Visitor, window: &mut Window) -> Visited {
    let Window { base: _, partition_by, order_by, frame } = window;
    exprs(visitor, partition_by)?;
    ordering(visitor, order_by)?;
    let Some(Frame { unit: _, start, end, exclude: _ }) = frame else { return Ok(()) };
    for bound in std::iter::once(start).chain(end) {
        match bound {
            FrameBound::CurrentRow | FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => {}
            FrameBound::Preceding(by) | FrameBound::Following(by) => visitor.expr(by)?,
        }
    }
    Ok(())
}

fn ordering(visitor: &mut impl Visitor, items: &mut [OrderItem]) -> Visited {
    exprs(visitor, items.iter_mut().map(|item| &mut item.expr))
}

fn exprs<'e>(visitor: &mut impl Visitor, exprs: impl IntoIterator<Item = &'e mut Expr>) -> Visited {
    exprs.into_iter().try_for_each(|expr| visitor.expr(expr))
}
