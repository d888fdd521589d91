//! Queries.

use super::Printer;
use super::expr::written;
use crate::sql::ast::{
    Body, Distinct, Expr, GroupItem, Item, Limit, OrderItem, Query, Select, SetOperation, SetOperator, With,
};

impl Printer {
    pub fn query(&mut self, query: &Query) {
        if let Some(with) = &query.with {
            self.with(with);
        }
        self.body(&query.body);
        self.order_by(&query.order_by);
        if let Some(offset) = &query.offset {
            self.put(" OFFSET ");
            self.expr(offset);
        }
        match &query.limit {
            None => {}
            Some(Limit::Rows(rows)) => {
                self.put(" LIMIT ");
                self.expr(rows);
            }
            Some(Limit::WithTies(rows)) => {
                self.put(" FETCH FIRST (");
                self.expr(rows);
                self.put(") ROWS WITH TIES");
            }
        }
    }

    /// With a space behind.
    pub fn with(&mut self, with: &With) {
        self.put(if with.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.separated(&with.ctes, ", ", |out, cte| {
            out.ident(&cte.name);
            if !cte.columns.is_empty() {
                out.put("(");
                out.names(&cte.columns);
                out.put(")");
            }
            out.put(match cte.materialized {
                None => " AS (",
                Some(true) => " AS MATERIALIZED (",
                Some(false) => " AS NOT MATERIALIZED (",
            });
            out.query(&cte.query);
            out.put(")");
        });
        self.put(" ");
    }

    pub fn order_by(&mut self, items: &[OrderItem]) {
        if items.is_empty() {
            return;
        }
        self.put(" ORDER BY ");
        self.separated(items, ", ", |out, item| {
            out.expr(&item.expr);
            out.put(match item.descending {
                None => "",
                Some(false) => " ASC",
                Some(true) => " DESC",
            });
            if let Some(operator) = &item.using {
                out.put(" USING ");
                out.put(&written(operator));
            }
            out.put(match item.nulls_first {
                None => "",
                Some(true) => " NULLS FIRST",
                Some(false) => " NULLS LAST",
            });
        });
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Select(select) => self.select(select),
            Body::Query(query) => {
                self.put("(");
                self.query(query);
                self.put(")");
            }
            Body::Values(rows) => {
                self.put("VALUES ");
                self.separated(rows, ", ", |out, row| out.list(row));
            }
            Body::SetOperation(operation) => self.set_operation(operation),
        }
    }

    fn set_operation(&mut self, operation: &SetOperation) {
        let flat = matches!(&operation.left, Body::SetOperation(left)
            if left.operator == operation.operator && left.all == operation.all);
        self.operand(&operation.left, flat);
        self.put(match operation.operator {
            SetOperator::Union => " UNION ",
            SetOperator::Intersect => " INTERSECT ",
            SetOperator::Except => " EXCEPT ",
        });
        if operation.all {
            self.put("ALL ");
        }
        self.operand(&operation.right, false);
    }

    fn operand(&mut self, body: &Body, flat: bool) {
        let bare = flat || !matches!(body, Body::SetOperation(_));
        if bare {
            return self.body(body);
        }
        self.put("(");
        self.body(body);
        self.put(")");
    }

    fn select(&mut self, select: &Select) {
        self.put("SELECT");
        match &select.distinct {
            Distinct::No => {}
            Distinct::Rows => self.put(" DISTINCT"),
            Distinct::On(keys) => {
                self.put(" DISTINCT ON ");
                self.list(keys);
            }
        }
        if !select.items.is_empty() {
            self.put(" ");
        }
        self.separated(&select.items, ", ", Self::item);
        if !select.from.is_empty() {
            self.put(" FROM ");
            self.separated(&select.from, ", ", Self::item_in_from);
        }
        if let Some(filter) = &select.filter {
            self.put(" WHERE ");
            self.expr(filter);
        }
        if !select.group_by.is_empty() {
            self.put(if select.group_distinct { " GROUP BY DISTINCT " } else { " GROUP BY " });
            self.separated(&select.group_by, ", ", Self::group_item);
        }
        if let Some(having) = &select.having {
            self.put(" HAVING ");
            self.expr(having);
        }
        if !select.windows.is_empty() {
            self.put(" WINDOW ");
            self.separated(&select.windows, ", ", |out, (name, window)| {
                out.ident(name);
                out.put(" AS ");
                out.window(window);
            });
        }
    }

    pub fn item(&mut self, item: &Item) {
        match item {
            Item::Star => self.put("*"),
            Item::TableStar(path) => {
                self.path(path);
                self.put(".*");
            }
            Item::RowStar(row) => {
                self.put("(");
                self.expr(row);
                self.put(").*");
            }
            Item::Expr { expr, alias } => {
                self.expr(expr);
                if let Some(alias) = alias {
                    self.put(" AS ");
                    self.ident(alias);
                }
            }
        }
    }

    fn group_item(&mut self, item: &GroupItem) {
        let (word, sets) = match item {
            GroupItem::Expr(expr) => return self.expr(expr),
            GroupItem::Rollup(sets) => ("ROLLUP ", sets),
            GroupItem::Cube(sets) => ("CUBE ", sets),
            GroupItem::Sets(sets) => ("GROUPING SETS ", sets),
        };
        self.put(word);
        self.put("(");
        self.separated(sets, ", ", |out, set| out.list(set));
        self.put(")");
    }

    /// `(a, b)`
    pub fn list(&mut self, exprs: &[Expr]) {
        self.put("(");
        self.separated(exprs, ", ", Self::expr);
        self.put(")");
    }
}
