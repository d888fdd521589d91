//! Expressions: the walk that reaches every name in them.

use super::scope::Env;
use super::{Resolved, Resolver, typeof_call};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::{
    Expr, Frame, FrameBound, Ident, Like, Over, Quantified, Query, Special, Subscript, Window,
};

impl Resolver<'_> {
    pub fn expr(&mut self, expr: &mut Expr, env: Env<'_>) -> Resolved<()> {
        match expr {
            Expr::Column(path) => self.column(path, env),
            Expr::WholeRow(path) => self.whole_row_argument(path, env),
            Expr::Null | Expr::Boolean(_) | Expr::Number(_) | Expr::String(_) | Expr::Bits(..) => Ok(()),
            Expr::Keyword(..) => Ok(()),
            Expr::Parameter(number) => {
                let number = usize::try_from(*number).unwrap_or(usize::MAX);
                self.found.parameters = self.found.parameters.max(number);
                Ok(())
            }
            Expr::Not(inner) | Expr::Is(inner, ..) | Expr::IsJson(inner, ..) => self.expr(inner, env),
            Expr::IsDistinct(left, right, _) => {
                self.implied(&["="]);
                self.expr(left, env)?;
                self.expr(right, env)
            }
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.expr(left, env)?;
                self.expr(right, env)
            }
            Expr::Prefix(operator, inner) => {
                self.operator(&operator.symbol)?;
                self.expr(inner, env)
            }
            Expr::Infix(left, operator, right) => {
                self.operator(&operator.symbol)?;
                self.expr(left, env)?;
                self.expr(right, env)
            }
            Expr::InList(inner, list, _) => {
                self.implied(&["=", "<>"]);
                self.expr(inner, env)?;
                self.exprs(list, env)
            }
            Expr::InQuery(inner, query, _) => {
                self.implied(&["="]);
                self.expr(inner, env)?;
                self.subquery_expr(query, env)
            }
            Expr::Between { expr, low, high, negated: _, symmetric: _ } => {
                self.implied(&["<", "<=", ">", ">="]);
                self.expr(expr, env)?;
                self.expr(low, env)?;
                self.expr(high, env)
            }
            Expr::Like(like) => self.like(like, env),
            Expr::Quantified { left, operator, all: _, right } => {
                self.operator(&operator.symbol)?;
                self.expr(left, env)?;
                match &mut **right {
                    Quantified::Query(query) => self.subquery_expr(query, env),
                    Quantified::Array(array) => self.expr(array, env),
                }
            }
            Expr::Exists(query) | Expr::Subquery(query) | Expr::ArrayQuery(query) => {
                self.subquery_expr(query, env)
            }
            Expr::Array(elements) => self.exprs(elements, env),
            Expr::Row { explicit: _, fields } => self.exprs(fields, env),
            Expr::Case(case) => {
                if let Some(operand) = &mut case.operand {
                    self.implied(&["="]);
                    self.expr(operand, env)?;
                }
                for (when, then) in &mut case.whens {
                    self.expr(when, env)?;
                    self.expr(then, env)?;
                }
                case.otherwise.as_mut().map_or(Ok(()), |otherwise| self.expr(otherwise, env))
            }
            Expr::Cast(inner, type_name) => {
                match &mut **inner {
                    Expr::Call(call) if typeof_call::is_typeof(call) && typeof_call::is_text(type_name) => {
                        self.call(call, env)?
                    }
                    inner => self.expr(inner, env)?,
                }
                self.type_name(type_name)
            }
            Expr::Collate(inner, collation) => {
                self.expr(inner, env)?;
                collation_of_pg_catalog(collation)
            }
            Expr::Subscript(base, steps) => {
                self.expr(base, env)?;
                steps.iter_mut().try_for_each(|step| self.subscript(step, env))
            }
            Expr::Field(base, field) => {
                let known = self.is_field_of_row(base, &field.text, env);
                self.expr(base, env)?;
                if known || self.names_no_function(&field.text) {
                    return Ok(());
                }
                Err(self.missing_column(std::slice::from_ref(field), &[]))
            }
            Expr::Call(call) => {
                self.call(call, env)?;
                if typeof_call::is_typeof(call) {
                    *expr = typeof_call::as_text(std::mem::replace(expr, Expr::Null));
                }
                Ok(())
            }
            Expr::Special(special, args) => {
                match special {
                    Special::NullIf => self.implied(&["="]),
                    // By the order of the type, not by an operator's name.
                    Special::Greatest | Special::Least => {}
                    Special::Coalesce | Special::Grouping => {}
                }
                self.exprs(args, env)
            }
        }
    }

    pub fn exprs(&mut self, exprs: &mut [Expr], env: Env<'_>) -> Resolved<()> {
        exprs.iter_mut().try_for_each(|expr| self.expr(expr, env))
    }

    fn subquery_expr(&mut self, query: &mut Query, env: Env<'_>) -> Resolved<()> {
        self.query(query, env).map(|_| ())
    }

    fn like(&mut self, like: &mut Like, env: Env<'_>) -> Resolved<()> {
        self.implied_by_like(like);
        self.expr(&mut like.expr, env)?;
        self.expr(&mut like.pattern, env)?;
        like.escape.as_mut().map_or(Ok(()), |escape| self.expr(escape, env))
    }

    fn subscript(&mut self, step: &mut Subscript, env: Env<'_>) -> Resolved<()> {
        match step {
            Subscript::Index(index) => self.expr(index, env),
            Subscript::Slice(low, high) => {
                [low, high].into_iter().flatten().try_for_each(|bound| self.expr(bound, env))
            }
        }
    }

    pub fn over(&mut self, over: &mut Over, env: Env<'_>) -> Resolved<()> {
        match over {
            Over::Name(_) => Ok(()),
            Over::Window(window) => self.window(window, env),
        }
    }

    pub fn window(&mut self, window: &mut Window, env: Env<'_>) -> Resolved<()> {
        let Window { base: _, partition_by, order_by, frame } = window;
        self.exprs(partition_by, env)?;
        self.order_by(order_by, env)?;
        let Some(Frame { unit: _, start, end, exclude: _ }) = frame else { return Ok(()) };
        for bound in std::iter::once(start).chain(end) {
            match bound {
                FrameBound::CurrentRow | FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => {}
                FrameBound::Preceding(by) | FrameBound::Following(by) => self.expr(by, env)?,
            }
        }
        Ok(())
    }
}

/// Collations of pg_catalog only: they are data, not code.
fn collation_of_pg_catalog(path: &mut Vec<Ident>) -> Resolved<()> {
    match path.as_slice() {
        [_] => path.insert(0, Ident::new("pg_catalog")),
        [schema, _] if schema.text == "pg_catalog" => {}
        _ => {
            let name = path.last().map_or("", |part| part.text.as_str());
            return Err(Diagnostic::refused(
                SqlState::UNDEFINED_OBJECT,
                format!("collation `{name}` does not exist"),
            )
            .rule("default.collations")
            .hint("use one of PostgreSQL's own collations"));
        }
    }
    Ok(())
}
