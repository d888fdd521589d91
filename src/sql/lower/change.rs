//! INSERT, UPDATE and DELETE as the queries in them, to see what they mention. They are never run.

use sqlparser::ast::{
    Assignment, ConflictTarget, Delete, DoUpdate, FromTable, Insert, OnConflict, OnConflictAction, OnInsert,
    Query as SpQuery, SelectItem, SetExpr, Statement as Sp, TableObject, TableWithJoins, Update,
    UpdateTableFromKind,
};

use super::name::{Role, name};
use super::{Lowered, absent, query, refuse};
use crate::sql::ast::{FromItem, Item, Query, RelationItem, Select};
use crate::sql::parse::parse;

/// Queries that mention what `statement` mentions.
pub fn mentions(statement: Sp) -> Lowered<Vec<Query>> {
    match statement {
        Sp::Query(inner) => Ok(vec![query::query(*inner)?]),
        Sp::Insert(insert) => self::insert(insert),
        Sp::Update(update) => Ok(vec![self::update(update)?]),
        Sp::Delete(delete) => Ok(vec![self::delete(delete)?]),
        _ => refuse("this kind of statement", "write a query or a change of rows"),
    }
}

fn update(update: Update) -> Lowered<Query> {
    let Update {
        update_token: _,
        optimizer_hints: _,
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
    absent(
        output.is_none() && or.is_none() && order_by.is_empty() && limit.is_none(),
        "this clause of UPDATE",
    )?;
    let mut tables = vec![table];
    match from {
        Some(UpdateTableFromKind::AfterSet(more)) => tables.extend(more),
        Some(UpdateTableFromKind::BeforeSet(_)) => return refuse("FROM before SET", "write it behind"),
        None => {}
    }
    let items = assigned(assignments).chain(returning.into_iter().flatten()).collect();
    of(items, tables, selection)
}

fn delete(delete: Delete) -> Lowered<Query> {
    let Delete {
        delete_token: _,
        optimizer_hints: _,
        tables,
        from,
        using,
        selection,
        returning,
        output,
        order_by,
        limit,
    } = delete;
    let plain = tables.is_empty() && output.is_none() && order_by.is_empty() && limit.is_none();
    absent(plain, "this clause of DELETE")?;
    let (FromTable::WithFromKeyword(mut tables) | FromTable::WithoutKeyword(mut tables)) = from;
    tables.extend(using.into_iter().flatten());
    of(returning.unwrap_or_default(), tables, selection)
}

fn insert(insert: Insert) -> Lowered<Vec<Query>> {
    let Insert {
        insert_token: _,
        optimizer_hints: _,
        or,
        ignore: _,
        into: _,
        table,
        table_alias: _,
        columns: _,
        overwrite: _,
        source,
        assignments,
        partitioned,
        after_columns: _,
        has_table_keyword: _,
        on,
        returning,
        output,
        replace_into: _,
        priority: _,
        insert_alias,
        settings,
        format_clause,
        multi_table_insert_type,
        multi_table_into_clauses: _,
        multi_table_when_clauses: _,
        multi_table_else_clause: _,
    } = insert;
    let plain = or.is_none() && assignments.is_empty() && partitioned.is_none() && output.is_none();
    let plain = plain && insert_alias.is_none() && settings.is_none() && format_clause.is_none();
    absent(plain && multi_table_insert_type.is_none(), "this clause of INSERT")?;
    let TableObject::TableName(target) = table else {
        return refuse("INSERT into this", "name a relation");
    };
    let name = name(target, Role::Column, 3)?;
    let target = FromItem::Relation(RelationItem { name, only: false, alias: None, sample: None });
    let mut queries = vec![Query::of(Select::of(vec![Item::Star], vec![target]))];
    queries.extend(source.map(|source| query::query(*source)).transpose()?);
    let (assignments, selection) = match on {
        Some(OnInsert::OnConflict(OnConflict { conflict_target, action })) => {
            // Names of columns and constraints.
            let (None | Some(ConflictTarget::Columns(_) | ConflictTarget::OnConstraint(_))) = conflict_target;
            match action {
                OnConflictAction::DoNothing => (Vec::new(), None),
                OnConflictAction::DoUpdate(DoUpdate { assignments, selection }) => (assignments, selection),
            }
        }
        Some(_) => return refuse("this clause of INSERT", "write ON CONFLICT"),
        None => (Vec::new(), None),
    };
    let items = assigned(assignments).chain(returning.into_iter().flatten()).collect();
    queries.push(of(items, Vec::new(), selection)?);
    Ok(queries)
}

fn assigned(assignments: Vec<Assignment>) -> impl Iterator<Item = SelectItem> {
    assignments.into_iter().map(|assignment| SelectItem::UnnamedExpr(assignment.value))
}

/// `SELECT items FROM tables WHERE filter`.
fn of(
    items: Vec<SelectItem>,
    tables: Vec<TableWithJoins>,
    filter: Option<sqlparser::ast::Expr>,
) -> Lowered<Query> {
    let Sp::Query(mut frame) = parse("SELECT NULL")? else { return refuse("this", "write a query") };
    if let SpQuery { body, .. } = &mut *frame
        && let SetExpr::Select(select) = &mut **body
    {
        select.projection.extend(items);
        select.from = tables;
        select.selection = filter;
    }
    query::query(*frame)
}
