//! Statements that write: what is in scope where, and which actions and columns they need.

use super::scope::{Columns, Ctes, Env, Range, Scope, Visible};
use super::{Resolution, Resolved, Resolver, Target, returning};
use crate::catalog::Relation;
use crate::pg::{Diagnostic, SqlState};
use crate::policy::Action;
use crate::sql::CheckContext;
use crate::sql::ast::write::{
    Assignment, Change, Conflict, Delete, Given, Insert, InsertSource, Merge, MergeAction, Update, Write,
};
use crate::sql::ast::{FromItem, Ident, Item};
use crate::sql::parse::unsupported;

/// The row that was to be inserted, in ON CONFLICT DO UPDATE.
pub const EXCLUDED: &str = "excluded";

/// Resolves a statement that writes in place.
pub fn write<'c>(write: &mut Write, cx: &'c CheckContext<'c>) -> Resolved<(Resolution<'c>, Target<'c>)> {
    let mut resolver = Resolver::new(cx);
    let ctes = Ctes::default();
    if let Some(with) = &mut write.with {
        resolver.with(with, &ctes, Env::default())?;
    }
    let env = Env { scope: None, ctes: Some(&ctes) };
    let returning = &mut write.returning;
    let relation = match &mut write.change {
        Change::Insert(insert) => resolver.insert(insert, returning, env)?,
        Change::Update(update) => resolver.update(update, returning, env)?,
        Change::Delete(delete) => resolver.delete(delete, returning, env)?,
        Change::Merge(merge) => resolver.merge(merge, env)?,
    };
    let alias = write.target().alias.as_ref().map_or_else(String::new, |alias| alias.name.text.clone());
    resolver.found.operator_schemas = resolver.operator_schemas()?;
    let checks = cx.policy.checks_of(relation, cx.catalog);
    Ok((resolver.found, Target { relation, alias, checks }))
}

impl<'c> Resolver<'c> {
    fn insert(
        &mut self,
        insert: &mut Insert,
        returning: &mut Vec<Item>,
        env: Env<'_>,
    ) -> Resolved<&'c Relation> {
        let updates = insert.conflict.as_ref().is_some_and(|conflict| conflict.update.is_some());
        let actions = if updates { &[Action::Insert, Action::Update][..] } else { &[Action::Insert] };
        let (relation, own) = self.target(&mut insert.target, actions)?;
        let width = match &mut insert.source {
            InsertSource::Defaults => Some(0),
            InsertSource::Values(rows) => {
                let width = rows.iter().map(Vec::len).max().unwrap_or(0);
                rows.iter_mut().try_for_each(|row| self.given(row, env))?;
                Some(width)
            }
            InsertSource::Query(query) => {
                let columns = self.query(query, env)?;
                (!columns.open).then_some(columns.names.len())
            }
        };
        self.columns_inserted(&mut insert.columns, width, relation)?;
        if let Some(conflict) = &mut insert.conflict {
            self.conflict(conflict, relation, &own, env)?;
        }
        let scope = Scope { visible: own, outer: None };
        returning::expand(self, returning, Env { scope: Some(&scope), ctes: env.ctes })?;
        Ok(relation)
    }

    /// Without a list they are the first ones: written out, so that none is written that was not looked at.
    fn columns_inserted(
        &mut self,
        columns: &mut Vec<Ident>,
        width: Option<usize>,
        relation: &'c Relation,
    ) -> Resolved<()> {
        if !columns.is_empty() {
            return columns.iter().try_for_each(|column| self.written(Action::Insert, column, relation));
        }
        let Some(width) = width.filter(|width| *width <= relation.columns.len()) else {
            return Err(unsupported(
                "INSERT without a list of columns here",
                "write INSERT INTO table (columns)",
            ));
        };
        columns.extend(relation.columns.iter().take(width).map(|column| Ident::new(&column.name)));
        for column in &*columns {
            self.plain_value(column, relation)?;
            if !self.may_write(Action::Insert, column, relation) {
                let refusal = Diagnostic::refused(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    "INSERT without a list of columns writes columns that you may not write",
                );
                return Err(refusal.rule("sql.insert_columns").hint("write INSERT INTO table (columns)"));
            }
        }
        Ok(())
    }

    fn conflict(
        &mut self,
        conflict: &mut Conflict,
        relation: &'c Relation,
        own: &Visible,
        env: Env<'_>,
    ) -> Resolved<()> {
        let names: Vec<String> = own.bare.iter().map(|bare| bare.name.clone()).collect();
        for column in &conflict.columns {
            if !names.contains(&column.text) {
                let candidates: Vec<&str> = names.iter().map(String::as_str).collect();
                return Err(self.missing_column(std::slice::from_ref(column), &candidates));
            }
        }
        let Some(update) = &mut conflict.update else { return Ok(()) };
        if own.range(EXCLUDED).is_some() {
            return Err(unsupported("`excluded` as the name of the target", "choose another alias"));
        }
        let excluded = Range {
            alias: EXCLUDED.to_owned(),
            relation: None,
            columns: Columns::known(names),
            partial: true,
            scalar: None,
        };
        let mut visible = own.clone();
        visible.add(Visible::of(excluded));
        let scope = Scope { visible, outer: None };
        let inner = Env { scope: Some(&scope), ctes: env.ctes };
        let values = update.set.iter_mut().filter_map(|assignment| assignment.value.as_mut());
        for expr in values.chain(&mut update.filter) {
            returning::no_query(expr, "ON CONFLICT DO UPDATE")?;
        }
        self.set(&mut update.set, relation, inner)?;
        update.filter.as_mut().map_or(Ok(()), |filter| self.expr(filter, inner))
    }

    fn update(
        &mut self,
        update: &mut Update,
        returning: &mut Vec<Item>,
        env: Env<'_>,
    ) -> Resolved<&'c Relation> {
        let (relation, own) = self.target(&mut update.target, &[Action::Update])?;
        let scope = Scope { visible: self.beside(own, &mut update.from, env)?, outer: None };
        let inner = Env { scope: Some(&scope), ctes: env.ctes };
        self.set(&mut update.set, relation, inner)?;
        if let Some(filter) = &mut update.filter {
            self.expr(filter, inner)?;
        }
        returning::expand(self, returning, inner)?;
        Ok(relation)
    }

    fn delete(
        &mut self,
        delete: &mut Delete,
        returning: &mut Vec<Item>,
        env: Env<'_>,
    ) -> Resolved<&'c Relation> {
        let (relation, own) = self.target(&mut delete.target, &[Action::Delete])?;
        let scope = Scope { visible: self.beside(own, &mut delete.using, env)?, outer: None };
        let inner = Env { scope: Some(&scope), ctes: env.ctes };
        if let Some(filter) = &mut delete.filter {
            self.expr(filter, inner)?;
        }
        returning::expand(self, returning, inner)?;
        Ok(relation)
    }

    fn merge(&mut self, merge: &mut Merge, env: Env<'_>) -> Resolved<&'c Relation> {
        let action = |action: &MergeAction| match action {
            MergeAction::Nothing => None,
            MergeAction::Delete => Some(Action::Delete),
            MergeAction::Update(_) => Some(Action::Update),
            MergeAction::Insert { .. } => Some(Action::Insert),
        };
        let actions: Vec<Action> = merge.whens.iter().filter_map(|when| action(&when.action)).collect();
        if actions.is_empty() {
            return Err(unsupported("MERGE that changes nothing", "write WHEN MATCHED THEN UPDATE SET .."));
        }
        let (relation, own) = self.target(&mut merge.target, &actions)?;
        let source = self.item_in_from(&mut merge.source, env, &Visible::default())?;
        let mut both = own;
        both.add(source.clone());
        let (both, source) = (Scope { visible: both, outer: None }, Scope { visible: source, outer: None });
        let both = Env { scope: Some(&both), ctes: env.ctes };
        let source = Env { scope: Some(&source), ctes: env.ctes };
        self.expr(&mut merge.on, both)?;
        for when in &mut merge.whens {
            let inner = if when.matched { both } else { source };
            if let Some(condition) = &mut when.condition {
                self.expr(condition, inner)?;
            }
            match &mut when.action {
                MergeAction::Nothing | MergeAction::Delete => {}
                MergeAction::Update(set) => self.set(set, relation, inner)?,
                MergeAction::Insert { columns, values } => {
                    self.given(values, inner)?;
                    self.columns_inserted(columns, Some(values.len()), relation)?;
                }
            }
        }
        Ok(relation)
    }

    /// The target and what stands beside it, which cannot refer to it.
    fn beside(&mut self, own: Visible, items: &mut [FromItem], env: Env<'_>) -> Resolved<Visible> {
        let mut others = Visible::default();
        for item in items {
            let added = self.item_in_from(item, env, &others)?;
            others.add(added);
        }
        let mut visible = own;
        visible.add(others);
        Ok(visible)
    }

    fn set(&mut self, set: &mut [Assignment], relation: &'c Relation, env: Env<'_>) -> Resolved<()> {
        for Assignment { columns, value } in set {
            columns.iter().try_for_each(|column| self.written(Action::Update, column, relation))?;
            if let Some(value) = value {
                self.expr(value, env)?;
            }
        }
        Ok(())
    }

    fn given(&mut self, values: &mut [Given], env: Env<'_>) -> Resolved<()> {
        values.iter_mut().flatten().try_for_each(|value| self.expr(value, env))
    }
}
