//! What stands in FROM: relations, functions, subqueries, joins.

use sqlparser::ast::{
    self as sp, JoinConstraint, JoinOperator, ObjectNamePart, TableAliasColumnDef, TableFactor,
    TableFunctionArgs, TableSampleKind, TableSampleMethod, TableSampleModifier, TableWithJoins,
};

use super::datatype::type_name;
use super::expr::expr;
use super::name::{self, Role, ident};
use super::{Lowered, absent, all, function, literal, query, refuse};
use crate::sql::ast::{
    Alias, AliasColumn, Call, Expr, FromItem, FunctionItem, Ident, Join, JoinKind, JoinOn, RelationItem,
    Sample, SampleMethod,
};
use crate::sql::parse::marker;

pub fn from_item(item: TableWithJoins) -> Lowered<FromItem> {
    let TableWithJoins { relation, joins } = item;
    let mut left = factor(relation)?;
    for join in joins {
        let sp::Join { relation, global, join_operator } = join;
        absent(!global, "GLOBAL joins")?;
        let (kind, on) = operator(join_operator)?;
        left = FromItem::Join(Box::new(Join { left, right: factor(relation)?, kind, on, alias: None }));
    }
    Ok(left)
}

fn operator(operator: JoinOperator) -> Lowered<(JoinKind, JoinOn)> {
    let (kind, constraint) = match operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) => (JoinKind::Inner, on),
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinKind::Left, on),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinKind::Right, on),
        JoinOperator::FullOuter(on) => (JoinKind::Full, on),
        JoinOperator::CrossJoin(JoinConstraint::None) => return Ok((JoinKind::Cross, JoinOn::Nothing)),
        JoinOperator::CrossJoin(_)
        | JoinOperator::Semi(_)
        | JoinOperator::LeftSemi(_)
        | JoinOperator::RightSemi(_)
        | JoinOperator::Anti(_)
        | JoinOperator::LeftAnti(_)
        | JoinOperator::RightAnti(_)
        | JoinOperator::CrossApply
        | JoinOperator::OuterApply
        | JoinOperator::AsOf { .. }
        | JoinOperator::StraightJoin(_)
        | JoinOperator::ArrayJoin
        | JoinOperator::LeftArrayJoin
        | JoinOperator::InnerArrayJoin => {
            return refuse("joins of this kind", "write JOIN .. ON, LEFT JOIN .. ON or CROSS JOIN LATERAL");
        }
    };
    let on = match constraint {
        JoinConstraint::On(condition) => JoinOn::Condition(expr(condition)?),
        JoinConstraint::Using(columns) => using(columns)?,
        JoinConstraint::Natural => JoinOn::Natural,
        JoinConstraint::None => return refuse("joins without ON or USING", "write ON .., or CROSS JOIN"),
    };
    Ok((kind, on))
}

/// The alias comes as a column behind the others, with a mark for its schema.
fn using(mut columns: Vec<sp::ObjectName>) -> Lowered<JoinOn> {
    let is_alias = |column: &sp::ObjectName| matches!(column.0.as_slice(), [ObjectNamePart::Identifier(mark), _] if marker::is(mark, marker::ALIAS));
    let alias = columns.pop_if(|last| is_alias(last)).and_then(|mut column| column.0.pop());
    let alias = alias.map(|alias| using_column(sp::ObjectName(vec![alias]))).transpose()?;
    Ok(JoinOn::Using { columns: all(columns, using_column)?, alias })
}

fn using_column(column: sp::ObjectName) -> Lowered<Ident> {
    let mut parts = name::name(column, Role::Column, 1)?;
    match parts.pop() {
        Some(column) => Ok(column),
        None => refuse("an empty USING", "name a column"),
    }
}

pub fn factor(factor: TableFactor) -> Lowered<FromItem> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } => {
            absent(with_hints.is_empty() && index_hints.is_empty(), "hints")?;
            absent(version.is_none() && partitions.is_empty() && json_path.is_none(), "this table clause")?;
            match args {
                None => relation(name, alias, with_ordinality, sample),
                Some(TableFunctionArgs { args, settings }) => {
                    absent(settings.is_none() && sample.is_none(), "this clause behind a function")?;
                    function_item(function::call_in_from(name, args)?, with_ordinality, alias)
                }
            }
        }
        TableFactor::Function { lateral: _, name, args, with_ordinality, alias } => {
            function_item(function::call_in_from(name, args)?, with_ordinality, alias)
        }
        TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality } => {
            absent(!with_offset && with_offset_alias.is_none(), "WITH OFFSET")?;
            function_item(function::unnest(array_exprs)?, with_ordinality, alias)
        }
        TableFactor::Derived { lateral, subquery, alias, sample } => {
            absent(sample.is_none(), "TABLESAMPLE behind a subquery")?;
            Ok(FromItem::Subquery {
                lateral,
                query: Box::new(query::query(*subquery)?),
                alias: alias.map(self::alias).transpose()?,
            })
        }
        TableFactor::NestedJoin { table_with_joins, alias } => nested(*table_with_joins, alias),
        TableFactor::TableFunction { .. }
        | TableFactor::JsonTable { .. }
        | TableFactor::OpenJsonTable { .. }
        | TableFactor::Pivot { .. }
        | TableFactor::Unpivot { .. }
        | TableFactor::UnpivotExpr { .. }
        | TableFactor::MatchRecognize { .. }
        | TableFactor::XmlTable { .. }
        | TableFactor::SemanticView { .. } => {
            refuse("this in FROM", "use relations, subqueries, functions and joins")
        }
    }
}

fn nested(inner: TableWithJoins, alias: Option<sp::TableAlias>) -> Lowered<FromItem> {
    let item = from_item(inner)?;
    let Some(alias) = alias else { return Ok(item) };
    match item {
        FromItem::Join(mut join) if join.alias.is_none() => {
            join.alias = Some(self::alias(alias)?);
            Ok(FromItem::Join(join))
        }
        _ => refuse("an alias for this in parentheses", "put the alias inside of the parentheses"),
    }
}

fn relation(
    object: sp::ObjectName,
    alias: Option<sp::TableAlias>,
    with_ordinality: bool,
    sample: Option<TableSampleKind>,
) -> Lowered<FromItem> {
    absent(!with_ordinality, "WITH ORDINALITY behind a relation")?;
    let mut object = object;
    let only = matches!(object.0.as_slice(), [ObjectNamePart::Identifier(mark), _, ..] if marker::is(mark, marker::ONLY));
    if only {
        object.0.remove(0);
    }
    Ok(FromItem::Relation(RelationItem {
        name: name::name(object, Role::Column, 3)?,
        only,
        alias: alias.map(self::alias).transpose()?,
        sample: sample.map(self::sample).transpose()?,
    }))
}

fn function_item(call: Call, ordinality: bool, alias: Option<sp::TableAlias>) -> Lowered<FromItem> {
    // PostgreSQL names the row after the function.
    let alias = alias.map(|alias| match (marker::is(&alias.name, marker::ROW), call.name.last()) {
        (true, Some(name)) => row_alias(alias, Ident::new(&name.text)),
        _ => self::alias(alias),
    });
    let alias = alias.transpose()?;
    Ok(FromItem::Function(Box::new(FunctionItem { call, ordinality, alias })))
}

fn alias(alias: sp::TableAlias) -> Lowered<Alias> {
    let sp::TableAlias { explicit: _, name, columns, at } = alias;
    absent(at.is_none(), "AT behind an alias")?;
    Ok(Alias { name: ident(name, Role::Column)?, columns: all(columns, alias_column)? })
}

fn row_alias(alias: sp::TableAlias, name: Ident) -> Lowered<Alias> {
    let sp::TableAlias { explicit: _, name: _, columns, at } = alias;
    absent(at.is_none(), "AT behind an alias")?;
    absent(columns.iter().all(|column| column.data_type.is_some()), "a column without its type here")?;
    Ok(Alias { name, columns: all(columns, alias_column)? })
}

fn alias_column(column: TableAliasColumnDef) -> Lowered<AliasColumn> {
    let TableAliasColumnDef { name, data_type } = column;
    Ok(AliasColumn { name: ident(name, Role::Column)?, type_name: data_type.map(type_name).transpose()? })
}

fn sample(kind: TableSampleKind) -> Lowered<Sample> {
    let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = kind;
    let sp::TableSample { modifier, name, quantity, seed, bucket, offset } = *sample;
    absent(bucket.is_none() && offset.is_none(), "this kind of sampling")?;
    absent(matches!(modifier, TableSampleModifier::TableSample), "SAMPLE")?;
    let method = match name {
        Some(TableSampleMethod::Bernoulli) => SampleMethod::Bernoulli,
        Some(TableSampleMethod::System) => SampleMethod::System,
        Some(TableSampleMethod::Row | TableSampleMethod::Block) | None => {
            return refuse(
                "this sampling method",
                "write TABLESAMPLE BERNOULLI (percent) or SYSTEM (percent)",
            );
        }
    };
    let Some(sp::TableSampleQuantity { parenthesized: true, value, unit: None }) = quantity else {
        return refuse("this amount to sample", "write TABLESAMPLE SYSTEM (percent)");
    };
    let seed = seed.map(|sp::TableSampleSeed { modifier: _, value }| literal::value(value)).transpose()?;
    let seed = match seed {
        None => None,
        Some(Expr::Number(digits)) => Some(digits),
        Some(_) => return refuse("this seed", "write REPEATABLE (number)"),
    };
    Ok(Sample { method, percent: expr(value)?, seed })
}
