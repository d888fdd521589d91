//! Conditions over masked columns: they see the mask. A mask says whether they may, and then the caller is told.

use super::Protection;
use super::level::Guarded;
use crate::pg::{Diagnostic, Position, Source, SqlState};
use crate::policy::Mask;
use crate::sql::ast::walk::{self, Visited, Visitor};
use crate::sql::ast::{Expr, FromItem, JoinOn, Select};

/// Looks at WHERE, HAVING and the conditions of joins of one SELECT.
pub fn look(select: &mut Select, guarded: &[Guarded<'_>], found: &mut Protection) -> Visited {
    let mut look = Look { guarded, found };
    let conditions = select.filter.iter_mut().chain(&mut select.having);
    conditions.into_iter().try_for_each(|condition| look.expr(condition))?;
    select.from.iter_mut().try_for_each(|item| look.joins(item))
}

struct Look<'g, 'c> {
    guarded: &'g [Guarded<'c>],
    found: &'g mut Protection,
}

impl Visitor for Look<'_, '_> {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        if let Expr::Column(path) = &*expr
            && let [alias, column] = path.as_slice()
            && let Some(one) = self.guarded.iter().find(|one| one.alias == alias.text)
            && let Some((_, Some(mask))) = one.column(&column.text)
        {
            let at = alias.at;
            self.compared(one, &column.text, mask, at)?;
        }
        walk::expr(self, expr)
    }
}

impl Look<'_, '_> {
    fn joins(&mut self, item: &mut FromItem) -> Visited {
        let FromItem::Join(join) = item else { return Ok(()) };
        self.joins(&mut join.left)?;
        self.joins(&mut join.right)?;
        match &mut join.on {
            JoinOn::Nothing => Ok(()),
            JoinOn::Condition(condition) => self.expr(condition),
            JoinOn::Using { columns, alias: _ } => {
                for column in columns {
                    self.merged(|name| name == column.text, column.at)?;
                }
                Ok(())
            }
            // Whichever columns it finds.
            JoinOn::Natural => self.merged(|_| true, None),
        }
    }

    fn merged(&mut self, is_merged: impl Fn(&str) -> bool, at: Option<Position>) -> Visited {
        for one in self.guarded {
            for (name, _, mask) in &one.shown {
                if let Some(mask) = mask.filter(|_| is_merged(name)) {
                    self.compared(one, name, mask, at)?;
                }
            }
        }
        Ok(())
    }

    fn compared(&mut self, one: &Guarded<'_>, column: &str, mask: &Mask, at: Option<Position>) -> Visited {
        let column = format!("{}.{column}", one.alias);
        if mask.predicates {
            let message = format!("`{column}` is masked ({}): conditions see the mask", mask.kind);
            let notice =
                Diagnostic::new(Source::Pgwarden, SqlState::parse("01000"), message).rule(&mask.name);
            if !self.found.notices.contains(&notice) {
                self.found.notices.push(notice);
            }
            return Ok(());
        }
        let refusal = Diagnostic::refused(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("column `{column}` is masked and cannot be compared with anything"),
        )
        .rule(&mask.name)
        .hint("leave the condition out, or use another column");
        Err(match at {
            Some(at) => refusal.at(at),
            None => refusal,
        })
    }
}
