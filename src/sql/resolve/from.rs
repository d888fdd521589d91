//! FROM: what each item brings into scope, and what it may refer to itself.

use super::query::renamed;
use super::scope::{Bare, Columns, Env, Range, Scope, Visible};
use super::{Resolved, Resolver, series};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{Alias, FromItem, FunctionItem, Ident, Join, JoinOn};

/// An item in FROM before its alias is applied.
pub struct Shape {
    pub name: String,
    pub range: Range,
}

impl Resolver<'_> {
    /// `left` is what stands before it in the same FROM: LATERAL items and functions may refer to it.
    pub fn item_in_from(&mut self, item: &mut FromItem, env: Env<'_>, left: &Visible) -> Resolved<Visible> {
        self.found.joins += match item {
            FromItem::Relation(_) | FromItem::Subquery { .. } | FromItem::Function(_) => 1,
            FromItem::Join(_) => 0,
        };
        match item {
            FromItem::Relation(relation) => {
                if let Some(sample) = &mut relation.sample {
                    self.lateral(env, left, |resolver, env| resolver.expr(&mut sample.percent, env))?;
                }
                let shape = self.relation(relation, env)?;
                let visible = aliased(shape, relation.alias.as_ref());
                if relation.alias.is_none() {
                    let name = visible.ranges.first().map_or("", |range| range.alias.as_str());
                    relation.alias = Some(Alias { name: Ident::new(name), columns: Vec::new() });
                }
                Ok(visible)
            }
            FromItem::Subquery { lateral, query, alias } => {
                let columns = if *lateral {
                    self.lateral(env, left, |resolver, env| resolver.query(query, env))?
                } else {
                    self.query(query, env)?
                };
                Ok(self.subquery(columns, alias.as_ref()))
            }
            FromItem::Function(function) => {
                let visible = self.function_item(function, env, left)?;
                if let Some(streamed) = series::streamed(function) {
                    *item = streamed;
                }
                Ok(visible)
            }
            FromItem::Join(join) => self.join(join, env, left),
        }
    }

    fn lateral<T>(
        &mut self,
        env: Env<'_>,
        left: &Visible,
        resolve: impl FnOnce(&mut Self, Env<'_>) -> Resolved<T>,
    ) -> Resolved<T> {
        let scope = Scope { visible: left.clone(), outer: env.scope };
        resolve(self, Env { scope: Some(&scope), ctes: env.ctes })
    }

    fn subquery(&self, columns: Columns, alias: Option<&Alias>) -> Visible {
        let Some(alias) = alias else {
            // PostgreSQL 16 and later: columns without a name before the dot.
            let bare = columns.names.into_iter().map(|name| Bare { name, owner: None }).collect();
            return Visible { ranges: Vec::new(), bare };
        };
        let name = alias.name.text.clone();
        let range = Range { alias: name.clone(), relation: None, columns, partial: false, scalar: None };
        aliased(Shape { name, range }, Some(alias))
    }

    fn function_item(&mut self, item: &mut FunctionItem, env: Env<'_>, left: &Visible) -> Resolved<Visible> {
        let FunctionItem { call, ordinality, alias } = item;
        let shape =
            self.lateral(env, left, |resolver, env| resolver.table_function(call, alias.as_mut(), env))?;
        let mut shape = shape;
        if *ordinality {
            shape.range.columns.names.push("ordinality".to_owned());
            shape.range.scalar = None;
        }
        let visible = aliased(shape, alias.as_ref());
        if alias.is_none() {
            let name = visible.ranges.first().map_or("", |range| range.alias.as_str());
            *alias = Some(Alias { name: Ident::new(name), columns: Vec::new() });
        }
        Ok(visible)
    }

    fn join(&mut self, join: &mut Join, env: Env<'_>, before: &Visible) -> Resolved<Visible> {
        let left = self.item_in_from(&mut join.left, env, before)?;
        let mut so_far = before.clone();
        so_far.add(left.clone());
        let right = self.item_in_from(&mut join.right, env, &so_far)?;
        let mut both = left;
        match &join.on {
            JoinOn::Nothing | JoinOn::Condition(_) => {}
            JoinOn::Using { columns: _, alias: _ } | JoinOn::Natural => self.implied(&["="]),
        }
        let merged = match &join.on {
            JoinOn::Nothing | JoinOn::Condition(_) => Vec::new(),
            JoinOn::Using { columns, alias: _ } => self.using(columns, &both, &right)?,
            JoinOn::Natural => self.natural(&both, &right)?,
        };
        both.ranges.extend(right.ranges);
        if let JoinOn::Using { columns: _, alias: Some(alias) } = &join.on {
            let columns = Columns::known(merged.clone());
            let alias = alias.text.clone();
            both.ranges.push(Range { alias, relation: None, columns, partial: false, scalar: None });
        }
        let unmerged = |bare: &Bare| !merged.contains(&bare.name);
        let rest = both.bare.into_iter().chain(right.bare).filter(unmerged);
        let merged = merged.iter().map(|name| Bare { name: name.clone(), owner: None });
        both.bare = merged.chain(rest).collect();
        if let JoinOn::Condition(condition) = &mut join.on {
            let scope = Scope { visible: both.clone(), outer: env.scope };
            self.expr(condition, Env { scope: Some(&scope), ctes: env.ctes })?;
        }
        let Some(alias) = &join.alias else { return Ok(both) };
        let partial = both.is_partial();
        let columns =
            Columns { open: both.is_open(), names: both.bare.into_iter().map(|bare| bare.name).collect() };
        let name = alias.name.text.clone();
        let range = Range { alias: name.clone(), relation: None, columns, partial, scalar: None };
        Ok(aliased(Shape { name, range }, Some(alias)))
    }

    fn using(&self, columns: &[Ident], left: &Visible, right: &Visible) -> Resolved<Vec<String>> {
        for column in columns {
            for side in [left, right] {
                let has = side.bare.iter().any(|bare| bare.name == column.text);
                if !has && !side.is_open() {
                    let names: Vec<&str> = side.bare.iter().map(|bare| bare.name.as_str()).collect();
                    return Err(self.missing_column(std::slice::from_ref(column), &names));
                }
            }
        }
        Ok(columns.iter().map(|column| column.text.clone()).collect())
    }

    /// PostgreSQL would join on columns that the caller cannot see.
    fn natural(&self, left: &Visible, right: &Visible) -> Resolved<Vec<String>> {
        if left.is_partial() || right.is_partial() || left.is_open() || right.is_open() {
            return Err(Diagnostic::refused(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "NATURAL JOIN is not possible with these relations",
            )
            .rule("sql.natural_join")
            .hint("write JOIN .. USING (column)"));
        }
        let common = left.bare.iter().filter(|bare| right.bare.iter().any(|other| other.name == bare.name));
        Ok(common.map(|bare| bare.name.clone()).collect())
    }
}

/// Applies an alias and its column list.
fn aliased(shape: Shape, alias: Option<&Alias>) -> Visible {
    let Shape { name, mut range } = shape;
    range.alias = name;
    if let Some(alias) = alias {
        range.alias.clone_from(&alias.name.text);
        let names: Vec<Ident> = alias.columns.iter().map(|column| Ident::new(&column.name.text)).collect();
        range.columns = renamed(range.columns, &names);
        if range.scalar.is_some() {
            range.scalar = range.columns.names.first().cloned();
        }
    }
    Visible::of(range)
}
