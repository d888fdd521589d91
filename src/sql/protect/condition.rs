//! Conditions and mask expressions: SQL of a policy's author, over the columns of a relation and the caller's claims.
//!
//! A claim is a parameter, never text. Every operator is printed as pg_catalog's own, so that no schema of the search
//! path can offer a closer match; forms that would look one up by themselves are written out or refused.

use super::Protector;
use super::bound::{Bound, Found};
use super::wrap::{INNER, column_of};
use crate::catalog::{Column, Relation};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::{Check, ColumnAccess, Expression, Filter, Policy, PolicyError};
use crate::sql::ast::walk::{self, Visited, Visitor};
use crate::sql::ast::{
    Body, Distinct, Expr, Item, Limit, Operator, Quantified, Query, Select, Special, Statement,
};
use crate::sql::{CheckContext, lower, parse, resolve};

/// In conditions, what stands before the name of a claim.
const CALLER: &str = "caller";
/// What stands before it in the name of a setting.
pub const SETTINGS: &str = "pgwarden.";
/// In mask expressions, the column's value.
const VALUE: &str = "value";

impl Protector<'_> {
    /// The filter's condition over the relation as it is known inside its wrap.
    pub fn filter(&mut self, filter: &Filter, relation: &Relation) -> Result<Expr, Diagnostic> {
        let found = &mut self.read;
        compile(&filter.condition, relation, None, self.cx, &mut self.bound, found)
            .map_err(|error| unusable(&filter.name, error))
    }

    /// What must be true of a row that is written, over the same.
    pub fn check(&mut self, check: &Check, relation: &Relation) -> Result<Expr, Diagnostic> {
        let found = &mut self.read;
        compile(&check.condition, relation, None, self.cx, &mut self.bound, found)
            .map_err(|error| unusable(&check.name, error))
    }

    /// Row security reads claims from settings of the session: those that the filter's condition names.
    pub fn settings_of(&mut self, filter: &Filter, relation: &Relation) -> Result<(), Diagnostic> {
        let mut claims = Bound::behind(0);
        compile(&filter.condition, relation, None, self.cx, &mut claims, &mut self.read)
            .map_err(|error| unusable(&filter.name, error))?;
        for (name, value) in claims.into_pairs() {
            let setting = (name.replacen(&format!("{CALLER}."), SETTINGS, 1), value);
            if !self.found.settings.contains(&setting) {
                self.found.settings.push(setting);
            }
        }
        Ok(())
    }
}

/// A mask's own expression over `value` and the columns of the row.
pub fn expression(
    text: &Expression,
    column: &Column,
    relation: &Relation,
    cx: &CheckContext<'_>,
    bound: &mut Bound,
    found: &mut Found,
) -> Result<Expr, Diagnostic> {
    compile(text, relation, Some(column), cx, bound, found)
}

fn compile(
    text: &Expression,
    relation: &Relation,
    value: Option<&Column>,
    cx: &CheckContext<'_>,
    bound: &mut Bound,
    found: &mut Found,
) -> Result<Expr, Diagnostic> {
    let mut expr = match text.read_once(only_expression) {
        Some(read) => read.clone()?,
        None => only_expression(text)?,
    };
    bound.enter(format!("{} {text}", relation.name));
    Claims { cx, bound, value }.expr(&mut expr)?;
    let readable = relation.columns.iter().filter(|column| column.selectable);
    let columns = readable.map(|column| column.name.clone()).collect();
    let within = CheckContext { policy: cx.policy.of_conditions(), ..*cx };
    let resolution = resolve::condition(&mut expr, INNER, columns, &within)?;
    found.oids.extend(resolution.oids);
    found.operator_schemas.extend(resolution.operator_schemas);
    Qualify.expr(&mut expr)?;
    Ok(expr)
}

/// The one expression that the text is.
fn only_expression(text: &str) -> Result<Expr, Diagnostic> {
    let statement = lower::statement(parse::parse(&format!("SELECT\n{text}"))?)?;
    let not_one = || {
        let refusal = Diagnostic::refused(SqlState::SYNTAX_ERROR, "this is not one expression");
        Err(refusal.rule("sql.parse"))
    };
    let Statement::Query(Query {
        with: None,
        body: Body::Select(select),
        order_by,
        limit: None,
        offset: None,
    }) = statement
    else {
        return not_one();
    };
    let Select {
        distinct: Distinct::No,
        mut items,
        from,
        filter: None,
        group_by,
        having: None,
        windows,
        group_distinct: _,
    } = *select
    else {
        return not_one();
    };
    let empty = order_by.is_empty() && from.is_empty() && group_by.is_empty() && windows.is_empty();
    match (items.pop(), items.is_empty() && empty) {
        (Some(Item::Expr { expr, alias: None }), true) => Ok(expr),
        _ => not_one(),
    }
}

/// Claims become parameters, `value` the column.
struct Claims<'c, 'b> {
    cx: &'c CheckContext<'c>,
    bound: &'b mut Bound,
    value: Option<&'c Column>,
}

impl Visitor for Claims<'_, '_> {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        match expr {
            Expr::Parameter(_) => {
                let refusal = Diagnostic::refused(SqlState::SYNTAX_ERROR, "a condition has no parameters");
                return Err(refusal.rule("sql.parse").hint("write `caller.name` for a claim"));
            }
            Expr::Column(path) => match path.as_slice() {
                [caller, claim] if caller.text == CALLER => {
                    let name = format!("caller.{}", claim.text);
                    let value = self.cx.claims.get(&claim.text).ok_or_else(|| no_claim(&claim.text))?;
                    *expr = self.bound.parameter(&name, value);
                }
                [value] if value.text == VALUE => {
                    if let Some(column) = self.value {
                        *expr = column_of(&column.name);
                    }
                }
                _ => {}
            },
            _ => walk::expr(self, expr)?,
        }
        Ok(())
    }
}

/// Every operator is pg_catalog's.
struct Qualify;

impl Visitor for Qualify {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        walk::expr(self, expr)?;
        let unsupported = |what: &str, instead: &str| Err(parse::unsupported(what, instead));
        match expr {
            Expr::Infix(_, operator, _) => operator.qualified = true,
            Expr::Quantified { operator, .. } => operator.qualified = true,
            Expr::Prefix(operator, inner)
                if operator.symbol != "-" || !matches!(**inner, Expr::Number(_)) =>
            {
                return unsupported("a prefix operator in a condition", "write a function or `0 - x`");
            }
            Expr::InList(..) => {
                let Expr::InList(inner, list, negated) = std::mem::replace(expr, Expr::Null) else {
                    return Ok(());
                };
                *expr = in_list(&inner, list, negated);
            }
            Expr::InQuery(..) => {
                let Expr::InQuery(left, query, negated) = std::mem::replace(expr, Expr::Null) else {
                    return Ok(());
                };
                let operator = Operator::of_pg_catalog(if negated { "<>" } else { "=" });
                let right = Box::new(Quantified::Query(query));
                *expr = Expr::Quantified { left, operator, all: negated, right };
            }
            Expr::Between { symmetric: true, .. } => {
                return unsupported("BETWEEN SYMMETRIC in a condition", "write `x >= a AND x <= b`");
            }
            Expr::Between { .. } => {
                let Expr::Between { expr: inner, low, high, negated, symmetric: _ } =
                    std::mem::replace(expr, Expr::Null)
                else {
                    return Ok(());
                };
                let from = comparison((*inner).clone(), if negated { "<" } else { ">=" }, *low);
                let to = comparison(*inner, if negated { ">" } else { "<=" }, *high);
                let both = (Box::new(from), Box::new(to));
                *expr = if negated { Expr::Or(both.0, both.1) } else { Expr::And(both.0, both.1) };
            }
            Expr::IsDistinct(..) => {
                return unsupported("IS DISTINCT FROM in a condition", "write `a = b OR a IS NULL`");
            }
            Expr::Like(_) => return unsupported("LIKE in a condition", "write `x ~~ 'pattern'`"),
            Expr::Case(case) if case.operand.is_some() => {
                return unsupported("CASE x WHEN y in a condition", "write CASE WHEN x = y");
            }
            Expr::Special(Special::NullIf, _) => {
                return unsupported("NULLIF in a condition", "write CASE WHEN a = b THEN NULL ELSE a END");
            }
            _ => {}
        }
        Ok(())
    }

    fn query(&mut self, query: &mut Query) -> Visited {
        if matches!(query.limit, Some(Limit::WithTies(_))) {
            return Err(parse::unsupported("WITH TIES in a condition", "write LIMIT"));
        }
        walk::query(self, query)
    }
}

/// Each element for itself, as IN compares them.
pub fn in_list(inner: &Expr, list: Vec<Expr>, negated: bool) -> Expr {
    let one = |value| comparison(inner.clone(), if negated { "<>" } else { "=" }, value);
    let join = |left: Expr, right: Expr| match negated {
        true => Expr::And(Box::new(left), Box::new(right)),
        false => Expr::Or(Box::new(left), Box::new(right)),
    };
    list.into_iter().map(one).reduce(join).unwrap_or(Expr::Boolean(negated))
}

pub fn comparison(left: Expr, symbol: &str, right: Expr) -> Expr {
    Expr::Infix(Box::new(left), Operator::of_pg_catalog(symbol), Box::new(right))
}

fn no_claim(claim: &str) -> Diagnostic {
    Diagnostic::refused(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("the rows that you may see depend on your `{claim}`, and nothing is known of it"),
    )
    .rule("policy.claims")
    .hint(format!("call as somebody whose identity carries the claim `{claim}`"))
}

/// The author's mistake: the caller learns that there is one, the log what it is.
pub fn unusable(rule: &str, error: Diagnostic) -> Diagnostic {
    if error.rule.as_deref() == Some("policy.claims") {
        return error;
    }
    tracing::error!(target: "pgwarden::policy", rule, "{rule} cannot be used: {}", error.message);
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, format!("the policy's rule {rule} cannot be used"))
        .rule("policy.condition")
        .hint("tell the DBA: `pgwarden check` and the log say what is wrong with it")
}

/// Every condition and mask with every relation that it is for.
pub fn errors(policy: &Policy, cx: &CheckContext<'_>) -> Vec<PolicyError> {
    let mut errors = Vec::new();
    let mut bound = Bound::behind(0);
    let known = |error: &Diagnostic| error.rule.as_deref() != Some("policy.claims");
    let said = |rule: &str, relation: &Relation, error: Diagnostic| {
        let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{rule} for `{}`: {}{hint}", relation.name, error.message)
    };
    for relation in cx.catalog.relations() {
        let access = policy.access(relation, cx.catalog);
        let checks = policy.checks_of(relation, cx.catalog);
        let filters = access.filters.iter().map(|filter| (&filter.name, &filter.condition, &filter.place));
        let checks = checks.iter().map(|check| (&check.name, &check.condition, &check.place));
        for (name, condition, place) in filters.chain(checks) {
            let compiled = compile(condition, relation, None, cx, &mut bound, &mut Found::default());
            if let Some(error) = compiled.err().filter(known) {
                errors.push(PolicyError::new(place, said(name, relation, error)));
            }
        }
        for (column, access) in relation.columns.iter().zip(&access.columns) {
            let ColumnAccess::Masked(mask) = access else { continue };
            let masked = super::mask::compile(mask, column, relation, cx, &mut bound, &mut Found::default());
            if let Some(error) = masked.err().filter(known) {
                errors.push(PolicyError::new(&mask.place, said(&mask.name, relation, error)));
            }
        }
    }
    errors
}
