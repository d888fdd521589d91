//! A query whose plan is asked for.
//!
//! It is checked as if it were to run, and refused where its plan would tell of what is hidden. EXPLAIN is put in front of
//! its text here, so that what is planned is what was checked.

use super::ast::walk::{self, Visited, Visitor};
use super::ast::{Expr, Statement};
use super::check::{CheckContext, Checked, explainable, passed, with_stack};
use super::uses::{self, TableUse};
use super::{lower, parse, render};
use crate::pg::{Diagnostic, SqlState};

/// PostgreSQL's name for the statement while a plan for any value of its parameters is made.
const PREPARED: &str = "pgwarden_plan";

/// INVARIANT: made only by [`explained`]; its texts are that of a [`Checked`] behind fixed words.
#[derive(Debug)]
pub struct Explained {
    checked: Checked,
    tables: Vec<TableUse>,
    analyze: bool,
    without_values: String,
}

/// Checks one query, with or without EXPLAIN before it, for its plan. `analyze` asks to run it, too.
pub fn explained(sql: &str, analyze: bool, cx: &CheckContext<'_>) -> Result<Explained, Diagnostic> {
    with_stack(sql, || {
        let statement = match lower::statement(parse::parse(sql)?)? {
            Statement::Explain { query, options: _ } | Statement::Query(query) => Statement::Query(query),
        };
        let (checked, mut statement) = passed(statement, cx)?;
        explainable(checked.reach(), checked.runs_user_code(), cx)?;
        if analyze {
            may_analyze(&checked, cx)?;
        }
        let tables = uses::of(&mut statement);
        let without_values = without_values(&mut statement)?;
        Ok(Explained { checked, tables, analyze, without_values })
    })
}

struct Values;

impl Visitor for Values {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        match expr {
            Expr::Number(_) | Expr::String(_) | Expr::Bits(..) | Expr::Parameter(_) => {
                *expr = Expr::Parameter(1);
                Ok(())
            }
            _ => walk::expr(self, expr),
        }
    }
}

fn without_values(statement: &mut Statement) -> Result<String, Diagnostic> {
    walk::statement(&mut Values, statement)?;
    render::render(statement).map(|(text, _)| text)
}

fn may_analyze(checked: &Checked, cx: &CheckContext<'_>) -> Result<(), Diagnostic> {
    if !cx.policy.may_explain_analyze() {
        let message = "the policy does not allow `analyze`: it runs the statement";
        return Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .rule("policy.explain_analyze")
            .hint("ask without `analyze`: the plan comes with PostgreSQL's estimates"));
    }
    if checked.parameters() > 0 {
        let message = "the statement has parameters, and `analyze` would run it without their values";
        return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("write the values into the statement, or ask without `analyze`"));
    }
    Ok(())
}

impl Explained {
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// Each relation of the query, as often as it is named, and what is done with its columns.
    pub fn tables(&self) -> &[TableUse] {
        &self.tables
    }

    /// The query with `$1` in the place of every constant and parameter: for those who may know its relations, not its
    /// values.
    pub fn without_values(&self) -> &str {
        &self.without_values
    }

    pub fn analyzes(&self) -> bool {
        self.analyze
    }

    /// Asks for the plan, as JSON. Of a query with parameters: that for any values, after [`Self::prepared`].
    pub fn text(&self) -> String {
        let explain = "EXPLAIN (FORMAT JSON, SETTINGS)";
        match self.checked.parameters() {
            0 => format!("{explain} {}", self.checked.text()),
            many => format!("{explain} EXECUTE {PREPARED}({})", vec!["NULL"; many].join(", ")),
        }
    }

    /// Names the query, where it has parameters.
    pub fn prepared(&self) -> Option<String> {
        (self.checked.parameters() > 0).then(|| format!("PREPARE {PREPARED} AS {}", self.checked.text()))
    }

    /// Runs the query and tells what each step of the plan did; only where that was asked for and allowed.
    pub fn analyzed(&self) -> Option<String> {
        let explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON, SETTINGS)";
        self.analyze.then(|| format!("{explain} {}", self.checked.text()))
    }
}
