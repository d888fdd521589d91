//! Statements that write, with WITH before them; UPDATE and DELETE.

use sqlparser::ast::{
    self as sp, Assignment, AssignmentTarget, Delete, Expr as SpExpr, FromTable, SelectItem, SetExpr,
    Statement as Sp, Update, UpdateTableFromKind,
};

use super::expr::expr;
use super::from::from_item;
use super::name::{self, Role};
use super::{Lowered, absent, all, insert, merge, query, refuse, select, statement};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::ast::write::{self, Change, Given, Write};
use crate::sql::ast::{Expr, FromItem, Ident, Item, RelationItem};

pub fn write(statement: Sp) -> Lowered<Write> {
    match statement {
        Sp::Insert(inner) => insert::insert(inner),
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
            AssignmentTarget::Tuple(columns) => all(columns, one_name)?,
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

pub fn returning(items: Option<Vec<SelectItem>>) -> Lowered<Vec<Item>> {
    all(items.unwrap_or_default(), select::item)
}
