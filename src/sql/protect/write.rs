//! Statements that write: rows that the caller may not see are not changed, and rows as they are written are looked at.
//!
//! UPDATE and DELETE read a guarded target through the same subquery that a query reads it through, and change the rows
//! that the subquery gave, found by their place (`ctid`) in their table (`tableoid`): the caller's conditions and values see
//! nothing else. Both refer to one snapshot. Behind RETURNING stand, before the caller's own items: may the row stand as
//! it is now, and the row as it was.

use super::level::Level;
use super::place::inner;
use super::quals;
use super::written::Written;
use super::{Bound, Found, Protection, Protector};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::walk;
use crate::sql::ast::write::{Change, Write};
use crate::sql::ast::{Case, Expr, FromItem, Ident, IsTest, Item, Statement, TypeName};
use crate::sql::resolve::{Resolution, Target};
use crate::sql::write::WriteOptions;
use crate::sql::{CheckContext, growth};

/// Rewrites a statement that writes in place.
pub fn write<'c>(
    write: &mut Write,
    target: &'c Target<'c>,
    resolution: &'c Resolution<'c>,
    wanted: &WriteOptions,
    cx: &'c CheckContext<'c>,
) -> Result<Protection, Diagnostic> {
    let accesses = &resolution.accesses;
    let mut reads = Statement::Query(write.take_reads());
    let plain = quals::cannot_tell(&mut reads, cx, accesses);
    let parameters = quals::parameters(&mut reads);
    let bound = Bound::behind(resolution.parameters);
    let guarded = accesses.values().any(|access| access.is_guarded()) || !target.checks.is_empty();
    let found = Protection { guarded, ..Protection::default() };
    let read = Found::default();
    let mut protector = Protector { cx, accesses, plain, parameters, bound, read, levels: Vec::new(), found };
    walk::statement(&mut protector, &mut reads)?;
    growth::within_bounds(&reads)?;
    let place = match reads {
        Statement::Query(query) => write.put_reads(query),
        Statement::Explain { .. } => None,
    };
    protector.written(write, place, target, *wanted)?;
    let Protector { bound, read: Found { oids, operator_schemas }, found, .. } = protector;
    let bound_names = bound.names();
    Ok(Protection { bound: bound.into_values(), bound_names, oids, operator_schemas, ..found })
}

impl<'c> Protector<'c> {
    /// `place` is what FROM has of the target now.
    fn written(
        &mut self,
        write: &mut Write,
        place: Option<FromItem>,
        target: &'c Target<'c>,
        wanted: WriteOptions,
    ) -> Result<(), Diagnostic> {
        let item = FromItem::Relation(write.target().clone());
        let guarded = Level::of(std::slice::from_ref(&item), self.cx, self.accesses).guarded().pop();
        let (holds, before) = match &mut write.change {
            Change::Insert(insert) => {
                if wanted.before && insert.conflict.as_ref().is_some_and(|conflict| conflict.update.is_some())
                {
                    return Err(unkept("ON CONFLICT DO UPDATE", "write an UPDATE and an INSERT"));
                }
                insert.target.alias = Some(inner());
                let mut written = Written { protector: self, target, guarded: guarded.as_ref() };
                if let Some(update) = insert.conflict.as_mut().and_then(|conflict| conflict.update.as_mut()) {
                    written.conflict(update)?;
                }
                written.returned(&mut write.returning)?;
                (self.holds(target)?, None)
            }
            Change::Update(update) => {
                let holds = self.holds(target)?;
                let place = self.place(place, &guarded, target, wanted, !target.checks.is_empty())?;
                let before = match place {
                    None => None,
                    Some(place) => {
                        Written { protector: self, target, guarded: guarded.as_ref() }
                            .returned(&mut write.returning)?;
                        let before = place.before(&target.alias);
                        place.into_from(&mut update.target, &mut update.from, &mut update.filter);
                        before
                    }
                };
                (holds, before)
            }
            Change::Delete(delete) => {
                let before = match self.place(place, &guarded, target, wanted, false)? {
                    None => None,
                    Some(place) => {
                        let before = place.before(&target.alias);
                        place.into_from(&mut delete.target, &mut delete.using, &mut delete.filter);
                        before
                    }
                };
                (Expr::Boolean(true), before)
            }
            Change::Merge(_) => return mergeable(guarded.is_some(), target, wanted),
        };
        let unkept = Expr::Cast(Box::new(Expr::Null), system_type("jsonb"));
        let ours = [holds, before.unwrap_or(unkept)].map(|expr| Item::Expr { expr, alias: None });
        write.returning.splice(0..0, ours);
        Ok(())
    }

    /// True of a row that is in the relation now, if every check and filter of it is.
    fn holds(&mut self, target: &'c Target<'c>) -> Result<Expr, Diagnostic> {
        let mut conditions = Vec::new();
        for check in &target.checks {
            self.note(&check.name);
            conditions.push(self.check(check, target.relation)?);
        }
        conditions.extend(self.filters(target)?);
        let true_of = |condition| Expr::Is(Box::new(condition), IsTest::True, false);
        let all = conditions.into_iter().map(true_of);
        Ok(all.reduce(|all, one| Expr::And(Box::new(all), Box::new(one))).unwrap_or(Expr::Boolean(true)))
    }

    /// The conditions of the target's filters.
    pub fn filters(&mut self, target: &'c Target<'c>) -> Result<Vec<Expr>, Diagnostic> {
        let Some(access) = self.accesses.get(&target.relation.oid) else { return Ok(Vec::new()) };
        let mut conditions = Vec::new();
        for filter in &access.filters {
            self.note(&filter.name);
            if target.relation.enforces(&filter.condition) {
                self.settings_of(filter, target.relation)?;
            }
            conditions.push(self.filter(filter, target.relation)?);
        }
        Ok(conditions)
    }
}

/// `CASE WHEN filters THEN condition ELSE FALSE END`: what stands behind THEN is not evaluated for other rows.
pub fn only_where(filters: Vec<Expr>, condition: Option<Expr>) -> Option<Expr> {
    let filters = filters.into_iter().reduce(|all, one| Expr::And(Box::new(all), Box::new(one)));
    let Some(filters) = filters else { return condition };
    let whens = vec![(filters, condition.unwrap_or(Expr::Boolean(true)))];
    Some(Expr::Case(Box::new(Case { operand: None, whens, otherwise: Some(Expr::Boolean(false)) })))
}

/// MERGE joins with the target itself, and returns no rows before PostgreSQL 17.
fn mergeable(guarded: bool, target: &Target<'_>, wanted: WriteOptions) -> Result<(), Diagnostic> {
    const INSTEAD: &str = "write an UPDATE and an INSERT, or INSERT .. ON CONFLICT";
    if wanted.before {
        return Err(unkept("MERGE", "write an UPDATE, an INSERT or a DELETE"));
    }
    if !guarded && target.checks.is_empty() {
        return Ok(());
    }
    let message = format!(
        "MERGE into `{}` is not supported: the policy looks at its rows one by one",
        target.relation.name
    );
    Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message).rule("sql.merge").hint(INSTEAD))
}

/// The policy promises to keep the rows that a statement changes.
fn unkept(what: &str, instead: &str) -> Diagnostic {
    let message = format!("{what} is not supported where the policy keeps the rows as they were");
    Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message).rule("writes.before").hint(instead)
}

fn system_type(name: &str) -> TypeName {
    TypeName {
        name: vec![Ident::new("pg_catalog"), Ident::new(name)],
        modifiers: Vec::new(),
        interval_fields: None,
        array: false,
    }
}
