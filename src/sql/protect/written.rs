//! Where the row is named that a statement writes (RETURNING, ON CONFLICT DO UPDATE): its columns are the table's own, so
//! masks are put over each of them.

use super::level::Guarded;
use super::wrap::INNER;
use super::write::only_where;
use super::{Protector, mask, predicate};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::walk::{self, Visited, Visitor};
use crate::sql::ast::write::ConflictUpdate;
use crate::sql::ast::{Expr, Ident, Item, Select};
use crate::sql::resolve::{EXCLUDED, Target, label};

/// Puts the table's name of ours in the place of the caller's, with masks. No subquery is within.
pub struct Written<'w, 'c> {
    pub protector: &'w mut Protector<'c>,
    pub target: &'c Target<'c>,
    /// If something is kept back of the target.
    pub guarded: Option<&'w Guarded<'c>>,
}

impl Written<'_, '_> {
    /// The caller's items keep their names.
    pub fn returned(&mut self, items: &mut [Item]) -> Result<(), Diagnostic> {
        for item in items {
            let Item::Expr { expr, alias } = item else { continue };
            alias.get_or_insert_with(|| Ident::new(label::of(expr)));
            self.expr(expr)?;
        }
        Ok(())
    }

    /// Of rows that are in the way, only those are changed that the caller may see; nothing of others is evaluated.
    pub fn conflict(&mut self, update: &mut ConflictUpdate) -> Result<(), Diagnostic> {
        if let Some(guarded) = self.guarded {
            let mut compared = Select { filter: update.filter.take(), ..Select::of(Vec::new(), Vec::new()) };
            predicate::look(&mut compared, std::slice::from_ref(guarded), &mut self.protector.found)?;
            update.filter = compared.filter;
        }
        for assignment in &mut update.set {
            let Some(value) = &mut assignment.value else { continue };
            // What was to be inserted into a column is written to the same column.
            if let ([column], Expr::Column(path)) = (assignment.columns.as_slice(), &*value)
                && let [table, same] = path.as_slice()
                && table.text == EXCLUDED
                && same.text == column.text
            {
                continue;
            }
            self.expr(value)?;
        }
        if let Some(filter) = &mut update.filter {
            self.expr(filter)?;
        }
        let filters = self.protector.filters(self.target)?;
        update.filter = only_where(filters, update.filter.take());
        Ok(())
    }

    fn column(&mut self, name: &Ident) -> Result<Expr, Diagnostic> {
        let masked = self.guarded.and_then(|one| one.column(&name.text));
        let Some((column, Some(mask))) = masked else {
            return Ok(Expr::Column(vec![Ident::new(INNER), Ident { text: name.text.clone(), at: name.at }]));
        };
        let Protector { cx, bound, read, .. } = &mut *self.protector;
        let value = mask::masked(mask, column, self.target.relation, cx, bound, read)?;
        self.protector.note(&mask.name);
        Ok(value)
    }

    /// A trigger or a default may have made it: nothing says that it is the caller's own value.
    fn excluded(&self, name: &Ident) -> Visited {
        let mask = self.guarded.and_then(|one| one.column(&name.text)).and_then(|(_, mask)| mask);
        let Some(mask) = mask else { return Ok(()) };
        let message = format!("column `{EXCLUDED}.{}` is masked and can only be written to `{0}`", name.text);
        Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .rule(&mask.name)
            .hint("write the value itself, or a parameter"))
    }

    fn whole_row(&self) -> Result<Expr, Diagnostic> {
        if self.guarded.is_none() {
            return Ok(Expr::Column(vec![Ident::new(INNER)]));
        }
        let message = format!("the whole row of `{}` cannot be used here", self.target.alias);
        Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .rule("sql.whole_row")
            .hint("name the columns"))
    }
}

impl Visitor for Written<'_, '_> {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        let alias = self.target.alias.as_str();
        match expr {
            Expr::Column(path) => match path.as_slice() {
                [table, column] if table.text == alias => *expr = self.column(column)?,
                [table, column] if table.text == EXCLUDED => self.excluded(column)?,
                [row] if row.text == alias => *expr = self.whole_row()?,
                _ => {}
            },
            Expr::WholeRow(path) if path.last().is_some_and(|row| row.text == alias) => {
                self.whole_row()?;
                *expr = Expr::WholeRow(vec![Ident::new(INNER)]);
            }
            _ => walk::expr(self, expr)?,
        }
        Ok(())
    }
}
