//! Queries: WITH, SELECT, set operations, ORDER BY.

use super::scope::{Columns, CteEntry, Ctes, Env, Scope, Visible};
use super::{Resolved, Resolver, label};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{Body, Distinct, Expr, GroupItem, Ident, Item, Limit, OrderItem, Query, Select, With};

/// What a body leaves for ORDER BY.
struct Bodied<'s> {
    columns: Columns,
    /// The scope of a plain SELECT; its expressions may be ordered by.
    scope: Option<Scope<'s>>,
}

impl Resolver<'_> {
    /// Resolves a query and returns its result columns.
    pub fn query(&mut self, query: &mut Query, env: Env<'_>) -> Resolved<Columns> {
        self.query_of_cte(query, env, None)
    }

    /// `fill` is the place of a recursive WITH query's columns, known once its first half is resolved.
    fn query_of_cte(&mut self, query: &mut Query, env: Env<'_>, fill: Option<usize>) -> Resolved<Columns> {
        let ctes = Ctes { outer: env.ctes, ..Ctes::default() };
        let mut inner = env;
        if let Some(with) = &mut query.with {
            self.with(with, &ctes, env)?;
            inner.ctes = Some(&ctes);
        }
        let filled = fill.and_then(|at| env.ctes.map(|outer| (outer, at)));
        let Bodied { columns, scope } = self.body(&mut query.body, inner, filled)?;
        for item in &mut query.order_by {
            self.order_item(item, &columns, scope.as_ref(), inner)?;
        }
        if let Some(Limit::Rows(rows) | Limit::WithTies(rows)) = &mut query.limit {
            self.expr(rows, inner)?;
        }
        if let Some(offset) = &mut query.offset {
            self.expr(offset, inner)?;
        }
        Ok(columns)
    }

    pub fn with(&mut self, with: &mut With, ctes: &Ctes<'_>, env: Env<'_>) -> Resolved<()> {
        let names: Vec<String> = with.ctes.iter().map(|cte| cte.name.text.clone()).collect();
        for (at, cte) in with.ctes.iter_mut().enumerate() {
            let later = names.get(at..).unwrap_or_default();
            if ctes.entries.borrow().iter().any(|known| known.name == cte.name.text) {
                return Err(self.duplicate(&cte.name));
            }
            let inner = Env { scope: env.scope, ctes: Some(ctes) };
            let columns = if with.recursive {
                if let [_, rest @ ..] = later {
                    self.refuse_forward_references(rest)?;
                }
                let declared: Vec<String> = cte.columns.iter().map(|c| c.text.clone()).collect();
                let columns = (!declared.is_empty()).then(|| Columns::known(declared));
                ctes.entries.borrow_mut().push(CteEntry { name: cte.name.text.clone(), columns });
                self.query_of_cte(&mut cte.query, inner, Some(at))?
            } else {
                self.query(&mut cte.query, inner)?
            };
            let columns = renamed(columns, &cte.columns);
            let mut entries = ctes.entries.borrow_mut();
            match entries.get_mut(at) {
                Some(entry) => entry.columns = Some(columns),
                None => entries.push(CteEntry { name: cte.name.text.clone(), columns: Some(columns) }),
            }
        }
        Ok(())
    }

    /// In WITH RECURSIVE a query may name a later one. Rare, and a relation of that name would be taken instead.
    fn refuse_forward_references(&self, later: &[String]) -> Resolved<()> {
        let exists =
            |name: &String| self.cx.catalog.relations().iter().any(|relation| relation.name.name == **name);
        match later.iter().find(|name| exists(name)) {
            None => Ok(()),
            Some(name) => Err(Diagnostic::refused(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("WITH RECURSIVE query `{name}` has the name of a relation and is not the first"),
            )
            .rule("sql.unsupported")
            .hint("give the WITH query another name")),
        }
    }

    fn duplicate(&self, name: &Ident) -> Diagnostic {
        let diagnostic = Diagnostic::refused(
            SqlState::DUPLICATE_ALIAS,
            format!("WITH query name `{}` specified more than once", name.text),
        )
        .rule("sql.names");
        match name.at {
            Some(at) => diagnostic.at(at),
            None => diagnostic,
        }
    }

    fn body<'s>(
        &mut self,
        body: &mut Body,
        env: Env<'s>,
        fill: Option<(&Ctes<'_>, usize)>,
    ) -> Resolved<Bodied<'s>> {
        match body {
            Body::Select(select) => self.select(select, env),
            Body::Query(query) => Ok(Bodied { columns: self.query(query, env)?, scope: None }),
            Body::Values(rows) => {
                let width = rows.first().map_or(0, Vec::len);
                for expr in rows.iter_mut().flatten() {
                    self.expr(expr, env)?;
                }
                let names = (1..=width).map(|n| format!("column{n}")).collect();
                // `VALUES (t.*)` has as many columns as the row.
                let open = rows.iter().flatten().any(|expr| matches!(expr, Expr::WholeRow(_)));
                Ok(Bodied { columns: Columns { names, open }, scope: None })
            }
            Body::SetOperation(operation) => {
                let Bodied { columns, .. } = self.body(&mut operation.left, env, None)?;
                if let Some((ctes, at)) = fill
                    && let Some(entry) = ctes.entries.borrow_mut().get_mut(at)
                {
                    entry.columns.get_or_insert_with(|| columns.clone());
                }
                self.body(&mut operation.right, env, None)?;
                Ok(Bodied { columns, scope: None })
            }
        }
    }

    fn select<'s>(&mut self, select: &mut Select, env: Env<'s>) -> Resolved<Bodied<'s>> {
        let mut visible = Visible::default();
        for item in &mut select.from {
            let added = self.item_in_from(item, env, &visible)?;
            visible.add(added);
        }
        let scope = Scope { visible, outer: env.scope };
        let inner = Env { scope: Some(&scope), ctes: env.ctes };
        let columns = self.items(&mut select.items, &scope.visible, inner)?;
        if let Some(filter) = &mut select.filter {
            self.expr(filter, inner).map_err(|refusal| Self::output_name(refusal, &columns))?;
        }
        for item in &mut select.group_by {
            match item {
                GroupItem::Expr(key) => self.group_key(key, &columns, inner)?,
                GroupItem::Rollup(sets) | GroupItem::Cube(sets) | GroupItem::Sets(sets) => {
                    for key in sets.iter_mut().flatten() {
                        self.group_key(key, &columns, inner)?;
                    }
                }
            }
        }
        if let Some(having) = &mut select.having {
            self.expr(having, inner).map_err(|refusal| Self::output_name(refusal, &columns))?;
        }
        for (_, window) in &mut select.windows {
            self.window(window, inner)?;
        }
        if let Distinct::On(keys) = &mut select.distinct {
            for key in keys {
                if !is_output(key, &columns) {
                    self.expr(key, inner)?;
                }
            }
        }
        Ok(Bodied { columns, scope: Some(scope) })
    }

    /// The select list. `*` over a relation with hidden columns becomes the list of the visible ones.
    fn items(&mut self, items: &mut Vec<Item>, visible: &Visible, env: Env<'_>) -> Resolved<Columns> {
        let mut columns = Columns::default();
        let mut out = Vec::with_capacity(items.len());
        for mut item in items.drain(..) {
            match &mut item {
                Item::Star => {
                    columns.open |= visible.is_open();
                    columns.names.extend(visible.bare.iter().map(|bare| bare.name.clone()));
                    if visible.is_partial() {
                        out.extend(
                            visible.bare.iter().map(|bare| column_item(bare.owner.as_deref(), &bare.name)),
                        );
                        continue;
                    }
                }
                Item::TableStar(path) => {
                    let range = self.range_of_star(path, env)?;
                    columns.open |= range.columns.open;
                    columns.names.extend(range.columns.names.iter().cloned());
                    if range.partial {
                        let expanded = range.columns.names.iter();
                        out.extend(expanded.map(|name| column_item(Some(&range.alias), name)));
                        continue;
                    }
                    *path = vec![Ident::new(&range.alias)];
                }
                Item::RowStar(row) => {
                    let known = self.columns_of_row(row, env);
                    self.expr(row, env)?;
                    columns.open |= known.as_ref().is_none_or(|known| known.open);
                    columns.names.extend(known.into_iter().flat_map(|known| known.names));
                }
                Item::Expr { expr, alias } => {
                    let name = alias.as_ref().map_or_else(|| label::of(expr), |alias| alias.text.clone());
                    self.expr(expr, env)?;
                    columns.names.push(name);
                }
            }
            out.push(item);
        }
        *items = out;
        Ok(columns)
    }

    /// A bare name is an input column of this level first, then a result column (SELECT, GROUP BY clause).
    fn group_key(&mut self, key: &mut Expr, columns: &Columns, env: Env<'_>) -> Resolved<()> {
        if let Expr::Row { explicit: false, fields } = key {
            return fields.iter_mut().try_for_each(|field| self.group_key(field, columns, env));
        }
        let is_input = match key {
            Expr::Column(path) => match path.as_slice() {
                [only] => {
                    env.scope.is_some_and(|scope| scope.visible.bare.iter().any(|b| b.name == only.text))
                }
                _ => true,
            },
            _ => true,
        };
        if !is_input && is_output(key, columns) { Ok(()) } else { self.expr(key, env) }
    }

    /// A bare name is a result column first, then an input column (SELECT, ORDER BY clause).
    fn order_item(
        &mut self,
        item: &mut OrderItem,
        columns: &Columns,
        scope: Option<&Scope<'_>>,
        env: Env<'_>,
    ) -> Resolved<()> {
        if let Some(operator) = &item.using {
            self.operator(&operator.symbol)?;
        }
        if is_output(&item.expr, columns) {
            return Ok(());
        }
        match scope {
            Some(scope) => self.expr(&mut item.expr, Env { scope: Some(scope), ctes: env.ctes }),
            None if columns.open => Ok(()),
            None => self.expr(&mut item.expr, Env { scope: None, ctes: env.ctes }),
        }
    }

    pub fn order_by(&mut self, items: &mut [OrderItem], env: Env<'_>) -> Resolved<()> {
        items.iter_mut().try_for_each(|item| {
            if let Some(operator) = &item.using {
                self.operator(&operator.symbol)?;
            }
            self.expr(&mut item.expr, env)
        })
    }
}

fn is_output(expr: &Expr, columns: &Columns) -> bool {
    matches!(expr, Expr::Column(path) if matches!(path.as_slice(), [only] if columns.contains(&only.text)))
}

fn column_item(owner: Option<&str>, name: &str) -> Item {
    let path = owner.into_iter().chain([name]).map(Ident::new).collect();
    Item::Expr { expr: Expr::Column(path), alias: None }
}

/// A column list renames the first columns.
pub fn renamed(mut columns: Columns, names: &[Ident]) -> Columns {
    for (column, name) in columns.names.iter_mut().zip(names) {
        column.clone_from(&name.text);
    }
    if columns.open {
        let have = columns.names.len();
        columns.names.extend(names.iter().skip(have).map(|name| name.text.clone()));
    }
    columns
}
