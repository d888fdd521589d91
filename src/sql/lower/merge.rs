//! MERGE, as PostgreSQL 15 has it.

use sqlparser::ast::{
    self as sp, MergeClause, MergeClauseKind, MergeInsertExpr, MergeInsertKind, MergeUpdateExpr,
    MergeUpdateKind,
};

use super::expr::expr;
use super::from::factor;
use super::insert::rows;
use super::write::{one_name, set, target};
use super::{Lowered, absent, all, refuse};
use crate::sql::ast::write::{Change, Merge, MergeAction, When, Write};

pub fn merge(merge: sp::Merge) -> Lowered<Write> {
    let sp::Merge { merge_token: _, optimizer_hints, into, table, source, on, clauses, output } = merge;
    absent(optimizer_hints.is_empty() && into, "MERGE without INTO")?;
    if output.is_some() {
        return refuse("MERGE with RETURNING", "leave RETURNING out, and query the rows afterwards");
    }
    let merge = Merge {
        target: target(factor(table)?)?,
        source: factor(source)?,
        on: expr(*on)?,
        whens: all(clauses, when)?,
    };
    Ok(Write { with: None, change: Change::Merge(Box::new(merge)), returning: Vec::new() })
}

fn when(clause: MergeClause) -> Lowered<When> {
    let MergeClause { when_token: _, clause_kind, predicate, action } = clause;
    let matched = match clause_kind {
        MergeClauseKind::Matched => true,
        MergeClauseKind::NotMatched => false,
        MergeClauseKind::NotMatchedByTarget => {
            return refuse("WHEN NOT MATCHED BY TARGET", "write WHEN NOT MATCHED");
        }
        MergeClauseKind::NotMatchedBySource => {
            return refuse("WHEN NOT MATCHED BY SOURCE", "write an UPDATE or DELETE with NOT EXISTS");
        }
    };
    Ok(When { matched, condition: predicate.map(expr).transpose()?, action: self::action(action)? })
}

fn action(action: sp::MergeAction) -> Lowered<MergeAction> {
    Ok(match action {
        sp::MergeAction::DoNothing { do_token: _, nothing_token: _ } => MergeAction::Nothing,
        sp::MergeAction::Delete { delete_token: _ } => MergeAction::Delete,
        sp::MergeAction::Update(MergeUpdateExpr {
            update_token: _,
            kind,
            update_predicate,
            delete_predicate,
        }) => {
            absent(update_predicate.is_none() && delete_predicate.is_none(), "WHERE within MERGE")?;
            match kind {
                MergeUpdateKind::Set(assignments) => MergeAction::Update(set(assignments)?),
                MergeUpdateKind::Wildcard => return refuse("UPDATE SET *", "name the columns"),
            }
        }
        sp::MergeAction::Insert(MergeInsertExpr {
            insert_token: _,
            columns,
            kind_token: _,
            kind,
            insert_predicate,
        }) => {
            absent(insert_predicate.is_none(), "WHERE within MERGE")?;
            let values = match kind {
                MergeInsertKind::Values(values) => rows(values)?,
                MergeInsertKind::Row | MergeInsertKind::Wildcard => {
                    return refuse("INSERT ROW and INSERT *", "write INSERT (columns) VALUES (..)");
                }
            };
            let mut values = values.into_iter();
            let (Some(values), None) = (values.next(), values.next()) else {
                return refuse("several rows in INSERT within MERGE", "write one row of values");
            };
            MergeAction::Insert { columns: all(columns, one_name)?, values }
        }
    })
}
