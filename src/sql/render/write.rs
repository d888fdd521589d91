//! Statements that write.

use super::Printer;
use crate::sql::ast::write::{
    Assignment, Change, Conflict, Delete, Given, Insert, InsertSource, Merge, MergeAction, Update, Write,
};
use crate::sql::ast::{Expr, FromItem, Ident};

impl Printer {
    pub fn write(&mut self, write: &Write) {
        if let Some(with) = &write.with {
            self.with(with);
        }
        match &write.change {
            Change::Insert(insert) => self.insert(insert),
            Change::Update(update) => self.update(update),
            Change::Delete(delete) => self.delete(delete),
            Change::Merge(merge) => self.merge(merge),
        }
        if !write.returning.is_empty() {
            self.put(" RETURNING ");
            self.separated(&write.returning, ", ", Self::item);
        }
    }

    fn insert(&mut self, insert: &Insert) {
        self.put("INSERT INTO ");
        self.relation(&insert.target);
        self.columns_written(&insert.columns);
        match &insert.source {
            InsertSource::Defaults => self.put(" DEFAULT VALUES"),
            InsertSource::Values(rows) => {
                self.put(" VALUES ");
                self.separated(rows, ", ", |out, row| out.row_given(row));
            }
            InsertSource::Query(query) => {
                self.put(" ");
                self.query(query);
            }
        }
        if let Some(conflict) = &insert.conflict {
            self.conflict(conflict);
        }
    }

    fn columns_written(&mut self, columns: &[Ident]) {
        if !columns.is_empty() {
            self.put(" ");
            self.columns_in_parentheses(columns);
        }
    }

    fn columns_in_parentheses(&mut self, columns: &[Ident]) {
        self.put("(");
        self.separated(columns, ", ", |out, column| out.path(std::slice::from_ref(column)));
        self.put(")");
    }

    fn conflict(&mut self, conflict: &Conflict) {
        self.put(" ON CONFLICT");
        self.columns_written(&conflict.columns);
        let Some(update) = &conflict.update else { return self.put(" DO NOTHING") };
        self.put(" DO UPDATE");
        self.set(&update.set);
        self.filter(update.filter.as_ref());
    }

    fn update(&mut self, update: &Update) {
        self.put("UPDATE ");
        self.relation(&update.target);
        self.set(&update.set);
        self.items_behind(" FROM ", &update.from);
        self.filter(update.filter.as_ref());
    }

    fn delete(&mut self, delete: &Delete) {
        self.put("DELETE FROM ");
        self.relation(&delete.target);
        self.items_behind(" USING ", &delete.using);
        self.filter(delete.filter.as_ref());
    }

    fn merge(&mut self, merge: &Merge) {
        self.put("MERGE INTO ");
        self.relation(&merge.target);
        self.put(" USING ");
        self.item_in_from(&merge.source);
        self.put(" ON ");
        self.expr(&merge.on);
        for when in &merge.whens {
            self.put(if when.matched { " WHEN MATCHED" } else { " WHEN NOT MATCHED" });
            if let Some(condition) = &when.condition {
                self.put(" AND ");
                self.expr(condition);
            }
            self.put(" THEN ");
            match &when.action {
                MergeAction::Nothing => self.put("DO NOTHING"),
                MergeAction::Delete => self.put("DELETE"),
                MergeAction::Update(set) => {
                    self.put("UPDATE");
                    self.set(set);
                }
                MergeAction::Insert { columns, values } => {
                    self.put("INSERT");
                    self.columns_written(columns);
                    self.put(" VALUES ");
                    self.row_given(values);
                }
            }
        }
    }

    fn set(&mut self, set: &[Assignment]) {
        self.put(" SET ");
        self.separated(set, ", ", |out, Assignment { columns, value }| {
            match columns.as_slice() {
                [_] => out.path(columns),
                _ => out.columns_in_parentheses(columns),
            }
            out.put(" = ");
            out.given(value);
        });
    }

    fn row_given(&mut self, values: &[Given]) {
        self.put("(");
        self.separated(values, ", ", Self::given);
        self.put(")");
    }

    fn given(&mut self, value: &Given) {
        match value {
            Some(expr) => self.expr(expr),
            None => self.put("DEFAULT"),
        }
    }

    fn items_behind(&mut self, word: &str, items: &[FromItem]) {
        if !items.is_empty() {
            self.put(word);
            self.separated(items, ", ", Self::item_in_from);
        }
    }

    fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.put(" WHERE ");
            self.expr(filter);
        }
    }
}
