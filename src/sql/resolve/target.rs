//! The table that a statement writes to, and its columns: may they be written?

use std::rc::Rc;

use super::scope::{Columns, Range, Visible};
use super::{Resolved, Resolver};
use crate::catalog::{Relation, RelationKind};
use crate::pg::{Diagnostic, QualifiedName, SqlState};
use crate::policy::{Access, Action, Check, ColumnAccess, Decision, Policy};
use crate::sql::CheckContext;
use crate::sql::ast::{Alias, Ident, RelationItem};

/// What a statement writes to.
#[derive(Debug)]
pub struct Target<'c> {
    pub relation: &'c Relation,
    /// What the statement calls it.
    pub alias: String,
    /// What must be true of its rows afterwards.
    pub checks: Vec<&'c Check>,
}

const ACTIONS: [Action; 3] = [Action::Insert, Action::Update, Action::Delete];

impl<'c> Resolver<'c> {
    /// Qualifies the name and notes the relation. Only columns that may be read come into scope.
    pub fn target(
        &mut self,
        item: &mut RelationItem,
        actions: &[Action],
    ) -> Resolved<(&'c Relation, Visible)> {
        let Some(relation) = self.named(&item.name) else {
            return Err(self.missing_relation(&item.name, None));
        };
        let cx = self.cx;
        let decide = || Rc::new(readable(relation, cx));
        let access = Rc::clone(self.found.accesses.entry(relation.oid).or_insert_with(decide));
        for action in actions {
            let decision = self.cx.policy.decide_write(*action, relation, self.cx.catalog);
            if !decision.allowed {
                return Err(self.refused(*action, &item.name, relation, &access, &decision));
            }
            self.allowed_by(&decision.rule);
        }
        is_table(relation)?;
        if self.seen.insert(relation.oid) {
            self.found.oids.push(relation.oid);
            self.found.relations.push(relation.name.clone());
        }
        // The target is the first, also where WITH has read it before.
        if let Some(at) = self.found.relations.iter().position(|name| *name == relation.name) {
            let name = self.found.relations.remove(at);
            self.found.relations.insert(0, name);
        }
        self.found.joins += 1;
        let at = item.name.first().and_then(|part| part.at);
        let QualifiedName { schema, name } = &relation.name;
        item.name = vec![Ident { text: schema.clone(), at }, Ident { text: name.clone(), at }];
        let aliased = item.alias.is_some();
        let alias = item.alias.get_or_insert_with(|| Alias { name: Ident::new(name), columns: Vec::new() });
        let shown = relation.columns.iter().zip(&access.columns).filter(|(_, access)| access.is_visible());
        let columns: Vec<String> = shown.map(|(column, _)| column.name.clone()).collect();
        let hides = columns.len() < relation.columns.len();
        let range = Range {
            alias: alias.name.text.clone(),
            relation: (!aliased).then(|| relation.name.clone()),
            columns: Columns::known(columns),
            partial: hides || self.cx.policy.row_runs_unseen(relation, self.cx.catalog),
            scalar: None,
        };
        Ok((relation, Visible::of(range)))
    }

    /// Who may neither read it nor write to it in any way hears that it is not there.
    fn refused(
        &self,
        action: Action,
        path: &[Ident],
        relation: &Relation,
        access: &Access<'_>,
        decision: &Decision,
    ) -> Diagnostic {
        let (policy, catalog) = (self.cx.policy, self.cx.catalog);
        let writable = |action| policy.decide_write(action, relation, catalog).allowed;
        if !access.is_visible() && !ACTIONS.into_iter().any(writable) {
            return self.missing_relation(path, Some(decision));
        }
        let message = format!("{action} of `{}` is not allowed{}", relation.name, because(decision));
        let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule(&decision.rule);
        placed(refusal, path.first()).hint("the policy does not grant it: ask the DBA")
    }

    /// The column is there and may be given a value.
    pub fn written(&mut self, action: Action, column: &Ident, relation: &'c Relation) -> Resolved<()> {
        let (policy, catalog) = (self.cx.policy, self.cx.catalog);
        let access = self.found.accesses.get(&relation.oid).cloned();
        let columns = access.as_ref().map(|access| access.columns.as_slice()).unwrap_or_default();
        let mut known = relation.columns.iter().zip(columns);
        let visible = known.any(|(known, access)| known.name == column.text && access.is_visible());
        let decision = policy.decide_write_column(action, relation, &column.text, catalog);
        let exists = relation.columns.iter().any(|known| known.name == column.text);
        if exists && decision.allowed {
            self.allowed_by(&decision.rule);
            return self.plain_value(column, relation);
        }
        let elsewhere = |action| policy.decide_write_column(action, relation, &column.text, catalog).allowed;
        if exists && (visible || decision.reason.is_some() || ACTIONS.into_iter().any(elsewhere)) {
            let message =
                format!("{action} of column `{}` is not allowed{}", column.text, because(&decision));
            let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule(&decision.rule);
            return Err(
                placed(refusal, Some(column)).hint("the policy does not grant it: leave the column out")
            );
        }
        let may = |known: &&str| policy.decide_write_column(action, relation, known, catalog).allowed;
        let names = relation.columns.iter().map(|known| known.name.as_str());
        let candidates: Vec<&str> = names.filter(may).collect();
        Err(self.missing_column(std::slice::from_ref(column), &candidates))
    }

    /// Text becomes a `regclass` by a look at all names, hidden ones too.
    pub fn plain_value(&self, column: &Ident, relation: &Relation) -> Resolved<()> {
        let known = relation.columns.iter().find(|known| known.name == column.text);
        if !known.is_some_and(|known| Policy::names_objects(known.type_oid, self.cx.catalog)) {
            return Ok(());
        }
        let message = format!("column `{}` holds names of objects: it cannot be written to", column.text);
        let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message).rule("default.types");
        Err(placed(refusal, Some(column)).hint("leave the column out"))
    }

    pub fn may_write(&mut self, action: Action, column: &Ident, relation: &'c Relation) -> bool {
        let decision = self.cx.policy.decide_write_column(action, relation, &column.text, self.cx.catalog);
        if decision.allowed {
            self.allowed_by(&decision.rule);
        }
        decision.allowed
    }
}

/// Of a relation that may not be read, nothing may.
fn readable<'c>(relation: &Relation, cx: &'c CheckContext<'c>) -> Access<'c> {
    let mut access = cx.policy.access(relation, cx.catalog);
    if !access.decision.allowed {
        let denied = ColumnAccess::Denied(access.decision.clone());
        access.columns.fill(denied);
    }
    access
}

/// A view's rows are those of others, and a foreign table's another server's.
fn is_table(relation: &Relation) -> Resolved<()> {
    let what = match relation.kind {
        RelationKind::Table | RelationKind::PartitionedTable => return Ok(()),
        RelationKind::View
        | RelationKind::MaterializedView
        | RelationKind::ForeignTable
        | RelationKind::Sequence => relation.kind.words(),
    };
    let message = format!("`{}` is a {what}: only tables can be written to", relation.name);
    Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message)
        .rule("sql.write_target")
        .hint("write to the table behind it, if the policy grants that"))
}

fn because(decision: &Decision) -> String {
    decision.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"))
}

fn placed(refusal: Diagnostic, ident: Option<&Ident>) -> Diagnostic {
    match ident.and_then(|ident| ident.at) {
        Some(at) => refusal.at(at),
        None => refusal,
    }
}
