//! How much a statement can make of a few constants before its first row.
//!
//! PostgreSQL merges subqueries and computes constants while planning, where no time limit is looked at: thirty
//! levels of `SELECT a || a AS a FROM (..)` are a billion operators, and `replace` of a long text by a long text is
//! gigabytes. This walk follows values through subqueries and WITH, and refuses what multiplies.

mod columns;
mod size;

use std::collections::HashMap;

use super::ast::{
    Alias, Body, Call, Distinct, Expr, Frame, FrameBound, FromItem, GroupItem, Item, Limit, OrderItem, Over,
    Quantified, Query, Select, Statement, Subscript, Window, With,
};
use super::resolve::label;
use crate::pg::Diagnostic;
use columns::{Columns, renamed};
use size::{Size, Spent};

/// Refuses a statement whose constants or copies multiply beyond the bounds in `size.rs`.
pub fn within_bounds(statement: &Statement) -> Result<(), Diagnostic> {
    let (Statement::Query(query) | Statement::Explain { query, .. }) = statement;
    let mut walk = Walk::default();
    walk.query(query)?;
    Ok(())
}

type Found<T> = Result<T, Diagnostic>;

#[derive(Default)]
struct Walk {
    /// What FROM brings, level by level.
    scopes: Vec<HashMap<String, Columns>>,
    ctes: Vec<(String, Columns)>,
    spent: Spent,
}

impl Walk {
    fn query(&mut self, query: &Query) -> Found<Columns> {
        let outer = self.ctes.len();
        if let Some(With { recursive: _, ctes }) = &query.with {
            for cte in ctes {
                // Within itself a recursive query's rows are like a relation's.
                self.ctes.push((cte.name.text.clone(), None));
                let names = cte.columns.iter().map(|column| column.text.as_str());
                let columns = renamed(self.query(&cte.query)?, names);
                if let Some(entry) = self.ctes.iter_mut().rev().find(|(name, _)| *name == cte.name.text) {
                    entry.1 = columns;
                }
            }
        }
        self.scopes.push(HashMap::new());
        let columns = self.body(&query.body)?;
        self.order_by(&query.order_by)?;
        if let Some(Limit::Rows(rows) | Limit::WithTies(rows)) = &query.limit {
            self.expr(rows)?;
        }
        if let Some(offset) = &query.offset {
            self.expr(offset)?;
        }
        self.scopes.pop();
        self.ctes.truncate(outer);
        if is_merged(query) {
            return Ok(columns);
        }
        Ok(columns.map(|columns| columns.into_iter().map(|(name, size)| (name, size.kept())).collect()))
    }

    fn body(&mut self, body: &Body) -> Found<Columns> {
        match body {
            Body::Select(select) => self.select(select),
            Body::Query(query) => self.query(query),
            Body::Values(rows) => {
                let mut columns: Vec<(String, Size)> = Vec::new();
                for row in rows {
                    for (at, value) in row.iter().enumerate() {
                        let size = self.expr(value)?;
                        match columns.get_mut(at) {
                            Some((_, widest)) => *widest = widest.or(size),
                            None => columns.push((format!("column{}", at.saturating_add(1)), size)),
                        }
                    }
                }
                // `VALUES (t.*)` has as many as the row.
                let whole = rows.iter().flatten().any(|value| matches!(value, Expr::WholeRow(_)));
                Ok(Some(if whole { columns::unnamed(columns) } else { columns }))
            }
            Body::SetOperation(operation) => {
                let left = self.level(&operation.left)?;
                let right = self.level(&operation.right)?;
                let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
                Ok(Some(columns::either(left, right)))
            }
        }
    }

    fn level(&mut self, body: &Body) -> Found<Columns> {
        self.scopes.push(HashMap::new());
        let columns = self.body(body)?;
        self.scopes.pop();
        Ok(columns)
    }

    fn select(&mut self, select: &Select) -> Found<Columns> {
        let mut stars = Vec::new();
        for item in &select.from {
            stars.push(self.item_in_from(item)?);
        }
        let mut columns = Some(Vec::new());
        for item in &select.items {
            let more = match item {
                Item::Star => stars.iter().cloned().try_fold(Vec::new(), |mut all, star| {
                    all.extend(star?);
                    Some(all)
                }),
                Item::TableStar(path) => {
                    path.last().and_then(|alias| self.source(&alias.text).cloned().flatten())
                }
                // Each of its columns is the whole expression once more, under a name that only PostgreSQL knows.
                Item::RowStar(row) => {
                    let size = self.expr(row)?;
                    for _ in 0..columns::OF_A_ROW {
                        self.spent.shown(size)?;
                    }
                    Some(columns::of_a_row(size))
                }
                Item::Expr { expr, alias } => {
                    let name = alias.as_ref().map_or_else(|| label::of(expr), |alias| alias.text.clone());
                    let size = self.expr(expr)?;
                    self.spent.shown(size)?;
                    Some(vec![(name, size)])
                }
            };
            columns = columns.zip(more).map(|(mut columns, more)| {
                columns.extend(more);
                columns
            });
        }
        self.clauses(select)?;
        Ok(columns)
    }

    fn clauses(&mut self, select: &Select) -> Found<()> {
        for expr in select.filter.iter().chain(&select.having) {
            self.expr(expr)?;
        }
        for item in &select.group_by {
            match item {
                GroupItem::Expr(key) => drop(self.expr(key)?),
                GroupItem::Rollup(sets) | GroupItem::Cube(sets) | GroupItem::Sets(sets) => {
                    self.exprs(sets.iter().flatten())?;
                }
            }
        }
        if let Distinct::On(keys) = &select.distinct {
            self.exprs(keys)?;
        }
        select.windows.iter().try_for_each(|(_, window)| self.window(window))
    }

    /// Enters the item into the scope, and returns its columns in the order of `*`.
    fn item_in_from(&mut self, item: &FromItem) -> Found<Columns> {
        match item {
            FromItem::Relation(relation) => {
                self.spent.relation()?;
                if let Some(sample) = &relation.sample {
                    self.expr(&sample.percent)?;
                }
                let columns = match relation.name.as_slice() {
                    [cte] => self
                        .ctes
                        .iter()
                        .rev()
                        .find(|(name, _)| *name == cte.text)
                        .and_then(|(_, c)| c.clone()),
                    _ => None,
                };
                Ok(self.enter(columns, relation.alias.as_ref()))
            }
            FromItem::Subquery { lateral: _, query, alias } => {
                let columns = self.query(query)?;
                Ok(self.enter(columns, alias.as_ref()))
            }
            FromItem::Function(function) => {
                let size = self.call(&function.call)?;
                let name = function.call.name.last().map_or_else(String::new, |name| name.text.clone());
                // A function with one column; with more, each is part of the value.
                let width = function.alias.as_ref().map_or(1, |alias| alias.columns.len().max(1));
                Ok(self.enter(Some(vec![(name, size); width]), function.alias.as_ref()))
            }
            FromItem::Join(join) => {
                let left = self.item_in_from(&join.left)?;
                let right = self.item_in_from(&join.right)?;
                if let super::ast::JoinOn::Condition(condition) = &join.on {
                    self.expr(condition)?;
                }
                let both = left.zip(right).map(|(mut left, right)| {
                    left.extend(right);
                    left
                });
                if let super::ast::JoinOn::Using { columns, alias: Some(alias) } = &join.on {
                    let is_joined =
                        |name: &str| name == columns::ANY_NAME || columns.iter().any(|c| c.text == name);
                    let joined = both.clone().map(|mut both| {
                        both.retain(|(name, _)| is_joined(name));
                        both
                    });
                    if let Some(scope) = self.scopes.last_mut() {
                        scope.insert(alias.text.clone(), joined);
                    }
                }
                Ok(if join.alias.is_some() { self.enter(both, join.alias.as_ref()) } else { both })
            }
        }
    }

    fn enter(&mut self, columns: Columns, alias: Option<&Alias>) -> Columns {
        let Some(alias) = alias else {
            // Columns without an alias: found by their names alone.
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(String::new(), columns.clone());
            }
            return columns;
        };
        let columns = renamed(columns, alias.columns.iter().map(|column| column.name.text.as_str()));
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(alias.name.text.clone(), columns.clone());
        }
        columns
    }

    fn source(&self, alias: &str) -> Option<&Columns> {
        self.scopes.iter().rev().find_map(|scope| scope.get(alias))
    }

    fn column(&self, path: &[super::ast::Ident]) -> Size {
        let widest = |columns: &[(String, Size)]| columns.iter().map(|(_, size)| *size).reduce(Size::or);
        let named = |columns: &[(String, Size)], name: &str| {
            let is_it = |column: &str| column == name || column == columns::ANY_NAME;
            let found = columns.iter().filter(|(column, _)| is_it(column)).map(|(_, size)| *size);
            found.reduce(Size::or)
        };
        let found = match path {
            [alias, column] => match self.source(&alias.text) {
                Some(Some(columns)) => named(columns, &column.text).or_else(|| widest(columns)),
                _ => None,
            },
            [name] => match self.source(&name.text) {
                Some(Some(columns)) => columns.iter().map(|(_, size)| *size).reduce(Size::plus),
                Some(None) => Some(Size::row()),
                // Merged by USING, or a result column.
                None => {
                    let all = self.scopes.iter().rev().flat_map(HashMap::values).flatten();
                    all.filter_map(|columns| named(columns, &name.text)).reduce(Size::or)
                }
            },
            _ => None,
        };
        found.unwrap_or_else(Size::stored).used()
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Found<Size> {
        exprs.into_iter().try_fold(Size::default(), |sum, expr| Ok(sum.plus(self.expr(expr)?)))
    }

    fn order_by(&mut self, items: &[OrderItem]) -> Found<Size> {
        self.exprs(items.iter().map(|item| &item.expr))
    }

    fn window(&mut self, window: &Window) -> Found<()> {
        self.exprs(&window.partition_by)?;
        self.order_by(&window.order_by)?;
        let Some(Frame { unit: _, start, end, exclude: _ }) = &window.frame else { return Ok(()) };
        for bound in std::iter::once(start).chain(end) {
            match bound {
                FrameBound::CurrentRow | FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => {}
                FrameBound::Preceding(by) | FrameBound::Following(by) => drop(self.expr(by)?),
            }
        }
        Ok(())
    }

    /// The value of a subquery in an expression.
    fn subquery(&mut self, query: &Query) -> Found<Size> {
        let columns = self.query(query)?.unwrap_or_default();
        Ok(columns.into_iter().map(|(_, size)| size).reduce(Size::plus).unwrap_or_else(Size::stored))
    }

    fn expr(&mut self, expr: &Expr) -> Found<Size> {
        let size = match expr {
            Expr::Column(path) | Expr::WholeRow(path) => self.column(path),
            Expr::Null | Expr::Boolean(_) | Expr::Keyword(..) => Size::constant(1.0),
            Expr::Number(digits) => Size::number(digits),
            Expr::String(text) | Expr::Bits(_, text) => Size::text(text),
            Expr::Parameter(_) => Size::parameter(),
            Expr::Not(inner) | Expr::Is(inner, ..) | Expr::IsJson(inner, ..) => self.expr(inner)?.truth(),
            Expr::And(left, right) | Expr::Or(left, right) => {
                let left = self.expr(left)?;
                left.plus(self.expr(right)?).truth()
            }
            Expr::IsDistinct(left, right, _) => {
                let sizes = [self.expr(left)?, self.expr(right)?];
                size::operator("=", &sizes, &mut self.spent)?
            }
            Expr::Prefix(_, inner) => self.expr(inner)?.computed(8.0),
            Expr::Infix(left, operator, right) => {
                let sizes = [self.expr(left)?, self.expr(right)?];
                if operator.symbol == "^" {
                    size::power(&sizes, right, &mut self.spent)?
                } else {
                    size::operator(&operator.symbol, &sizes, &mut self.spent)?
                }
            }
            Expr::InList(inner, list, _) => {
                let inner = self.expr(inner)?;
                inner.plus(self.exprs(list)?).truth()
            }
            Expr::InQuery(inner, query, _) => {
                let inner = self.expr(inner)?;
                inner.plus(self.subquery(query)?).truth()
            }
            Expr::Between { expr, low, high, .. } => {
                let size = self.expr(expr)?.plus(self.expr(low)?);
                size.plus(self.expr(high)?).truth()
            }
            Expr::Like(like) => {
                let sizes = [self.expr(&like.expr)?, self.expr(&like.pattern)?];
                size::operator("~~", &sizes, &mut self.spent)?
            }
            Expr::Quantified { left, operator, all: _, right } => {
                let left = self.expr(left)?;
                let right = match &**right {
                    Quantified::Query(query) => self.subquery(query)?,
                    Quantified::Array(array) => self.expr(array)?,
                };
                size::operator(&operator.symbol, &[left, right], &mut self.spent)?
            }
            Expr::Exists(query) => self.subquery(query)?.truth(),
            Expr::Subquery(query) => self.subquery(query)?,
            Expr::ArrayQuery(query) => self.subquery(query)?.collected(),
            Expr::Array(items) | Expr::Row { explicit: _, fields: items } | Expr::Special(_, items) => {
                self.exprs(items)?
            }
            Expr::Case(case) => {
                let mut size = self.exprs(&case.operand)?.truth();
                for (when, then) in &case.whens {
                    size = size.plus(self.expr(when)?.truth());
                    size = size.or_with_nodes(self.expr(then)?);
                }
                match &case.otherwise {
                    Some(otherwise) => size.or_with_nodes(self.expr(otherwise)?),
                    None => size,
                }
            }
            Expr::Cast(inner, to) => {
                let literal = matches!(&**inner, Expr::String(_) | Expr::Number(_));
                let is_numeric = to.name.last().is_some_and(|name| name.text == "numeric");
                match &**inner {
                    Expr::String(text) if is_numeric => Size::number(text),
                    inner => self.expr(inner)?.cast(to, literal),
                }
            }
            Expr::Collate(inner, _) | Expr::Field(inner, _) => self.expr(inner)?,
            Expr::Subscript(base, steps) => {
                let mut size = self.expr(base)?;
                for step in steps {
                    size = match step {
                        Subscript::Index(index) => size.plus(self.expr(index)?),
                        Subscript::Slice(low, high) => {
                            let bounds = low.iter().chain(high);
                            size.plus(self.exprs(bounds)?)
                        }
                    };
                }
                size
            }
            Expr::Call(call) => self.call(call)?,
        };
        self.spent.checked(size)
    }

    fn call(&mut self, call: &Call) -> Found<Size> {
        let mut sizes = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            sizes.push(self.expr(&arg.value)?);
        }
        let ordered = self.order_by(&call.order_by)?.plus(self.order_by(&call.within_group)?);
        let filter = self.exprs(&call.filter)?;
        if let Some(Over::Window(window)) = &call.over {
            self.window(window)?;
        }
        let size = size::call(call, &sizes, &mut self.spent)?;
        Ok(size.with_nodes_of(ordered.plus(filter)))
    }
}

/// PostgreSQL may put the query's expressions in the place of its columns (prepjointree.c, is_simple_subquery).
fn is_merged(query: &Query) -> bool {
    let Body::Select(select) = &query.body else { return false };
    let plain =
        select.group_by.is_empty() && select.having.is_none() && matches!(select.distinct, Distinct::No);
    plain && query.limit.is_none() && query.offset.is_none()
}
