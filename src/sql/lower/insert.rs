//! INSERT, with VALUES, a query or neither, and ON CONFLICT.

use sqlparser::ast::{
    self as sp, ConflictTarget, DoUpdate, Insert, OnConflict, OnConflictAction, OnInsert, SetExpr,
    TableAliasWithoutColumns, TableObject, Values,
};

use super::expr::expr;
use super::name::{self, Role, ident};
use super::write::{given, one_name, set};
use super::{Lowered, absent, all, query, refuse};
use crate::sql::ast::write::{self, Change, Conflict, ConflictUpdate, Given, InsertSource, Write};
use crate::sql::ast::{Alias, RelationItem};

pub fn insert(insert: Insert) -> Lowered<Write> {
    let Insert {
        insert_token: _,
        optimizer_hints,
        or,
        ignore,
        into,
        table,
        table_alias,
        columns,
        overwrite,
        source,
        assignments,
        partitioned,
        after_columns,
        has_table_keyword,
        on,
        returning,
        output,
        replace_into,
        priority,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses,
        multi_table_when_clauses,
        multi_table_else_clause,
    } = insert;
    let plain = optimizer_hints.is_empty() && or.is_none() && !ignore && into && !overwrite && !replace_into;
    let plain = plain && assignments.is_empty() && partitioned.is_none() && after_columns.is_empty();
    let plain =
        plain && !has_table_keyword && output.is_none() && priority.is_none() && insert_alias.is_none();
    let plain = plain && settings.is_none() && format_clause.is_none() && multi_table_insert_type.is_none();
    let plain = plain && multi_table_into_clauses.is_empty() && multi_table_when_clauses.is_empty();
    absent(plain && multi_table_else_clause.is_none(), "this kind of INSERT")?;
    let TableObject::TableName(table) = table else {
        return refuse("INSERT into this", "name a table");
    };
    let alias = table_alias.map(|TableAliasWithoutColumns { explicit, alias }| {
        absent(explicit, "an alias without AS here")?;
        Ok(Alias { name: ident(alias, Role::Column)?, columns: Vec::new() })
    });
    let target = RelationItem {
        name: name::name(table, Role::Column, 3)?,
        only: false,
        alias: alias.transpose()?,
        sample: None,
    };
    let insert = write::Insert {
        target,
        columns: all(columns, one_name)?,
        source: source.map_or(Ok(InsertSource::Defaults), |source| self::source(*source))?,
        conflict: on.map(conflict).transpose()?,
    };
    Ok(Write {
        with: None,
        change: Change::Insert(Box::new(insert)),
        returning: super::write::returning(returning)?,
    })
}

/// DEFAULT may stand in VALUES that is nothing else than that.
fn source(query: sp::Query) -> Lowered<InsertSource> {
    let sp::Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    let alone = with.is_none() && order_by.is_none() && limit_clause.is_none() && fetch.is_none();
    let alone = alone && locks.is_empty() && for_clause.is_none() && settings.is_none();
    let alone = alone && format_clause.is_none() && pipe_operators.is_empty();
    match *body {
        SetExpr::Values(values) if alone => Ok(InsertSource::Values(rows(values)?)),
        body => {
            let body = Box::new(body);
            let query = sp::Query {
                with,
                body,
                order_by,
                limit_clause,
                fetch,
                locks,
                for_clause,
                settings,
                format_clause,
                pipe_operators,
            };
            Ok(InsertSource::Query(Box::new(query::query(query)?)))
        }
    }
}

pub fn rows(values: Values) -> Lowered<Vec<Vec<Given>>> {
    let Values { explicit_row, value_keyword, rows } = values;
    absent(!explicit_row && !value_keyword, "VALUES ROW")?;
    all(rows, |row| all(row.content, given))
}

fn conflict(on: OnInsert) -> Lowered<Conflict> {
    let OnInsert::OnConflict(OnConflict { conflict_target, action }) = on else {
        return refuse("ON DUPLICATE KEY UPDATE", "write ON CONFLICT (column) DO UPDATE SET ..");
    };
    let columns = match conflict_target {
        None => Vec::new(),
        Some(ConflictTarget::Columns(columns)) => all(columns, |column| ident(column, Role::Column))?,
        Some(ConflictTarget::OnConstraint(_)) => {
            return refuse("ON CONFLICT ON CONSTRAINT", "name the columns: ON CONFLICT (column)");
        }
    };
    let update = match action {
        OnConflictAction::DoNothing => None,
        OnConflictAction::DoUpdate(DoUpdate { assignments, selection }) => {
            Some(ConflictUpdate { set: set(assignments)?, filter: selection.map(expr).transpose()? })
        }
    };
    Ok(Conflict { columns, update })
}
