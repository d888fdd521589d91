//! One SELECT.

use sqlparser::ast::{
    self as sp, GroupByExpr, GroupByWithModifier, Select, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, WildcardAdditionalOptions,
};

use super::expr::{expr, exprs};
use super::from::from_item;
use super::name::{self, Role, ident};
use super::{Lowered, absent, all, function, refuse, window};
use crate::sql::ast::{self, Distinct, GroupItem, Item};
use crate::sql::parse::marker;

pub fn select(select: Select) -> Lowered<ast::Select> {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct,
        projection,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    if into.is_some() {
        return Err(super::statement::writes("SELECT INTO"));
    }
    absent(optimizer_hints.is_empty() && select_modifiers.is_none(), "hints and modifiers behind SELECT")?;
    absent(top.is_none() && !top_before_distinct, "TOP")?;
    absent(exclude.is_none(), "EXCLUDE")?;
    absent(lateral_views.is_empty() && prewhere.is_none() && connect_by.is_empty(), "this clause")?;
    absent(
        cluster_by.is_empty() && distribute_by.is_empty() && sort_by.is_empty(),
        "CLUSTER BY and its kin",
    )?;
    absent(qualify.is_none(), "QUALIFY")?;
    absent(value_table_mode.is_none(), "SELECT AS VALUE and AS STRUCT")?;
    absent(matches!(flavor, SelectFlavor::Standard), "FROM before SELECT")?;
    let (group_by, group_distinct) = self::group_by(group_by)?;
    Ok(ast::Select {
        distinct: self::distinct(distinct)?,
        items: all(projection, item)?,
        from: all(from, from_item)?,
        filter: selection.map(expr).transpose()?,
        group_by,
        group_distinct,
        having: having.map(expr).transpose()?,
        windows: all(named_window, window::named)?,
    })
}

fn distinct(distinct: Option<sp::Distinct>) -> Lowered<Distinct> {
    Ok(match distinct {
        None | Some(sp::Distinct::All) => Distinct::No,
        Some(sp::Distinct::Distinct) => Distinct::Rows,
        Some(sp::Distinct::On(keys)) => Distinct::On(exprs(keys)?),
    })
}

pub fn item(item: SelectItem) -> Lowered<Item> {
    Ok(match item {
        SelectItem::UnnamedExpr(value) => super::star::item(value)?,
        SelectItem::ExprWithAlias { expr: value, alias } => {
            Item::Expr { expr: expr(value)?, alias: Some(ident(alias, Role::Label)?) }
        }
        SelectItem::Wildcard(options) => {
            no_options(options)?;
            Item::Star
        }
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(relation), options) => {
            no_options(options)?;
            Item::TableStar(name::name(relation, Role::Column, 3)?)
        }
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(row), options) => {
            no_options(options)?;
            Item::RowStar(expr(row)?)
        }
        SelectItem::ExprWithAliases { .. } => {
            return refuse("several aliases for one column", "give one alias");
        }
    })
}

fn no_options(options: WildcardAdditionalOptions) -> Lowered<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    let none = opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none();
    absent(none, "options behind `*`")
}

/// The keys, and whether DISTINCT stands before them.
fn group_by(group_by: GroupByExpr) -> Lowered<(Vec<GroupItem>, bool)> {
    let (mut keys, modifiers) = match group_by {
        GroupByExpr::All(_) => return refuse("GROUP BY ALL", "name the columns to group by"),
        GroupByExpr::Expressions(keys, modifiers) => (keys, modifiers),
    };
    let distinct =
        matches!(keys.first(), Some(sp::Expr::Identifier(first)) if marker::is(first, marker::DISTINCT));
    if distinct {
        keys.remove(0);
    }
    let mut items = all(keys, group_item)?;
    for modifier in modifiers {
        match modifier {
            GroupByWithModifier::GroupingSets(sets) => items.push(group_item(sets)?),
            GroupByWithModifier::Rollup | GroupByWithModifier::Cube | GroupByWithModifier::Totals => {
                return refuse("GROUP BY .. WITH", "write GROUP BY ROLLUP (..)");
            }
        }
    }
    Ok((items, distinct))
}

fn group_item(key: sp::Expr) -> Lowered<GroupItem> {
    Ok(match key {
        sp::Expr::Rollup(sets) => GroupItem::Rollup(all(sets, exprs)?),
        sp::Expr::Cube(sets) => GroupItem::Cube(all(sets, exprs)?),
        sp::Expr::GroupingSets(sets) => {
            let nested = sets.iter().flatten().any(function::is_grouping);
            absent(!nested, "ROLLUP and CUBE within GROUPING SETS")?;
            GroupItem::Sets(all(sets, exprs)?)
        }
        key => GroupItem::Expr(expr(key)?),
    })
}
