//! INSERT, UPDATE and DELETE, with WITH before them.

use sqlparser::ast::{
    self as sp, Assignment, AssignmentTarget, ConflictTarget, Delete, DoUpdate, Expr as SpExpr, FromTable,
    Insert, OnConflict, OnConflictAction, OnInsert, SelectItem, SetExpr, Statement as Sp,
    TableAliasWithoutColumns, TableObject, Update, UpdateTableFromKind, Values,
};

use super::expr::expr;
use super::from::from_item;
use super::name::{self, Role, ident};
use super::{Lowered, absent, all, merge, query, refuse, select, statement};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::write::{self, Change, Conflict, ConflictUpdate, Given, InsertSource, Write};
use crate::sql::ast::{Alias, Expr, FromItem, Ident, Item, RelationItem};

pub fn write(statement: Sp) -> Lowered<Write> {
    match statement {
        Sp::Insert(inner) => insert(inner),
        Sp::Update(inner) => update(inner),
        Sp::Delete(inner) => delete(inner),
        Sp::Merge(inner) => merge::merge(inner),
        Sp::Query(inner) => behind_with(*inner),
        other => Err(statement::no_write(&other)),
    }
}

/// `WITH .. UPDATE ..` reaches us as a query whose body is the statement.
fn behind_with(query: sp::Query) -> Lowered<Write> {
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
    let inner = match *body {
        SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) | SetExpr::Merge(inner) => {
            inner
        }
        SetExpr::Select(_)
        | SetExpr::Query(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Table(_) => return Err(statement::reads_only()),
    };
    let alone = order_by.is_none() && limit_clause.is_none() && fetch.is_none() && locks.is_empty();
    let alone = alone && for_clause.is_none() && settings.is_none() && format_clause.is_none();
    absent(alone && pipe_operators.is_empty(), "this clause behind a statement that writes")?;
    let mut write = write(inner)?;
    absent(write.with.is_none(), "WITH behind WITH")?;
    write.with = with.map(query::with).transpose()?;
    Ok(write)
}

fn insert(insert: Insert) -> Lowered<Write> {
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
        columns: all(columns, |column| one_name(column))?,
        source: source.map_or(Ok(InsertSource::Defaults), |source| self::source(*source))?,
        conflict: on.map(conflict).transpose()?,
    };
    Ok(Write { with: None, change: Change::Insert(Box::new(insert)), returning: self::returning(returning)? })
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

fn update(update: Update) -> Lowered<Write> {
    let Update {
        update_token: _,
        optimizer_hints,
        table,
        assignments,
        from,
        selection,
        returning,
        output,
        or,
        order_by,
        limit,
    } = update;
    let plain = optimizer_hints.is_empty() && output.is_none() && or.is_none();
    absent(plain && order_by.is_empty() && limit.is_none(), "this clause of UPDATE")?;
    let from = match from {
        None => Vec::new(),
        Some(UpdateTableFromKind::AfterSet(from)) => all(from, from_item)?,
        Some(UpdateTableFromKind::BeforeSet(_)) => return refuse("FROM before SET", "write it behind SET"),
    };
    let update = write::Update {
        target: target(from_item(table)?)?,
        set: set(assignments)?,
        from,
        filter: selection.map(expr).transpose()?,
    };
    Ok(Write { with: None, change: Change::Update(Box::new(update)), returning: self::returning(returning)? })
}

fn delete(delete: Delete) -> Lowered<Write> {
    let Delete {
        delete_token: _,
        optimizer_hints,
        tables,
        from,
        using,
        selection,
        returning,
        output,
        order_by,
        limit,
    } = delete;
    let plain = optimizer_hints.is_empty() && tables.is_empty() && output.is_none();
    absent(plain && order_by.is_empty() && limit.is_none(), "this clause of DELETE")?;
    let FromTable::WithFromKeyword(from) = from else {
        return refuse("DELETE without FROM", "write DELETE FROM");
    };
    let mut from = from.into_iter();
    let (Some(table), None) = (from.next(), from.next()) else {
        return refuse("DELETE from several tables", "write DELETE FROM table USING others");
    };
    let delete = write::Delete {
        target: target(from_item(table)?)?,
        using: all(using.unwrap_or_default(), from_item)?,
        filter: selection.map(expr).transpose()?,
    };
    Ok(Write { with: None, change: Change::Delete(Box::new(delete)), returning: self::returning(returning)? })
}

/// A relation, with an alias that renames no columns.
pub fn target(item: FromItem) -> Lowered<RelationItem> {
    match item {
        FromItem::Relation(RelationItem { name, only, alias, sample: None })
            if alias.as_ref().is_none_or(|alias| alias.columns.is_empty()) =>
        {
            Ok(RelationItem { name, only, alias, sample: None })
        }
        FromItem::Relation(_) | FromItem::Subquery { .. } | FromItem::Function(_) | FromItem::Join(_) => {
            refuse("writing to this", "name one table, with a plain alias or none")
        }
    }
}

pub fn set(assignments: Vec<Assignment>) -> Lowered<Vec<write::Assignment>> {
    let mut out = Vec::with_capacity(assignments.len());
    for Assignment { target, value } in assignments {
        let columns = match target {
            AssignmentTarget::ColumnName(column) => {
                out.push(write::Assignment { columns: vec![one_name(column)?], value: given(value)? });
                continue;
            }
            AssignmentTarget::Tuple(columns) => all(columns, |column| one_name(column))?,
        };
        match expr(value)? {
            value @ Expr::Subquery(_) => out.push(write::Assignment { columns, value: Some(value) }),
            Expr::Row { explicit: _, fields } if fields.len() == columns.len() => {
                out.extend(
                    columns.into_iter().zip(fields).map(|(column, field)| write::Assignment {
                        columns: vec![column],
                        value: Some(field),
                    }),
                );
            }
            Expr::Row { .. } => return Err(miscounted()),
            _ => {
                return refuse(
                    "this value for several columns",
                    "write (a, b) = (1, 2) or (a, b) = (SELECT ..)",
                );
            }
        }
    }
    Ok(out)
}

fn miscounted() -> Diagnostic {
    Diagnostic::refused(SqlState::SYNTAX_ERROR, "the number of columns does not match the number of values")
        .rule("sql.parse")
}

/// DEFAULT is a key word where nothing else could stand.
pub fn given(value: SpExpr) -> Lowered<Given> {
    match &value {
        SpExpr::Identifier(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("default") =>
        {
            Ok(None)
        }
        _ => expr(value).map(Some),
    }
}

/// Columns that are written have no table before them.
pub fn one_name(column: sp::ObjectName) -> Lowered<Ident> {
    let mut parts = name::name(column, Role::Column, 3)?.into_iter();
    match (parts.next(), parts.next()) {
        (Some(column), None) => Ok(column),
        _ => refuse("a dot in the name of a column that is written", "write the column's name alone"),
    }
}

fn returning(items: Option<Vec<SelectItem>>) -> Lowered<Vec<Item>> {
    all(items.unwrap_or_default(), select::item)
}
