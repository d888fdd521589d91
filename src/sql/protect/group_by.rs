//! GROUP BY a primary key: PostgreSQL then lets the relation's other columns stand ungrouped. It does not see the key
//! behind a subquery, so these columns are added to GROUP BY, which makes no other groups.

use super::level::Guarded;
use crate::catalog::Relation;
use crate::pg::Oid;
use crate::sql::CheckContext;
use crate::sql::ast::walk::{self, Visited, Visitor};
use crate::sql::ast::{Call, Distinct, Expr, GroupItem, Ident, Item, OrderItem, Select, Subscript};

/// Types of pg_catalog that nothing can be grouped by: json, xml, point, line, lseg, path, box, polygon, circle.
const WITHOUT_EQUALITY: [u32; 9] = [114, 142, 600, 628, 601, 602, 603, 604, 718];

pub fn repair(
    select: &mut Select,
    order_by: &mut [OrderItem],
    guarded: &[Guarded<'_>],
    cx: &CheckContext<'_>,
) {
    for one in guarded {
        if !is_grouped_by_key(select, one) {
            continue;
        }
        let mut used = Used { alias: &one.alias, found: Vec::new(), row: false };
        // Nothing in it refuses.
        let _ = used.after_grouping(select, order_by);
        let star = |item: &Item| match item {
            Item::Star => true,
            Item::TableStar(path) => path.last().is_some_and(|alias| alias.text == one.alias),
            Item::RowStar(_) | Item::Expr { .. } => false,
        };
        if select.items.iter().any(star) {
            used.found.extend(one.shown.iter().map(|(name, ..)| name.clone()));
        }
        if used.row {
            select.group_by.push(GroupItem::Expr(Expr::Column(vec![Ident::new(&one.alias)])));
        }
        for name in used.found {
            let Some((column, _)) = one.column(&name) else { continue };
            if stands_in(select, one, &name) {
                continue;
            }
            if has_equality(column.type_oid, cx) {
                select.group_by.push(GroupItem::Expr(reference(one, &name)));
            } else {
                let _ = Replace { alias: &one.alias, column: &name }.after_grouping(select, order_by);
            }
        }
    }
}

fn reference(one: &Guarded<'_>, column: &str) -> Expr {
    Expr::Column(vec![Ident::new(&one.alias), Ident::new(column)])
}

/// Every grouping has all columns of the primary key, as they are.
fn is_grouped_by_key(select: &Select, one: &Guarded<'_>) -> bool {
    let Some(key) = primary_key(one.relation) else { return false };
    let shown =
        |name: &String| one.shown.iter().find(|(_, column, mask)| column.name == *name && mask.is_none());
    key.iter().all(|name| {
        shown(name).is_some_and(|(shown, ..)| {
            let reference = reference(one, shown);
            select.group_by.iter().any(|item| match item {
                GroupItem::Expr(expr) => meant(expr, &select.items) == &reference,
                GroupItem::Sets(sets) => !sets.is_empty() && sets.iter().all(|set| set.contains(&reference)),
                // Both have the empty set.
                GroupItem::Rollup(_) | GroupItem::Cube(_) => false,
            })
        })
    })
}

/// A number in GROUP BY, or the name of a result column, stands for what is selected there.
fn meant<'e>(key: &'e Expr, items: &'e [Item]) -> &'e Expr {
    let selected = match key {
        Expr::Number(digits) if items.iter().all(|item| matches!(item, Item::Expr { .. })) => {
            let at = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            at.and_then(|at| items.get(at))
        }
        Expr::Column(path) => match path.as_slice() {
            [name] => items
                .iter()
                .find(|item| matches!(item, Item::Expr { alias: Some(alias), .. } if alias == name)),
            _ => None,
        },
        _ => None,
    };
    match selected {
        Some(Item::Expr { expr, .. }) => expr,
        _ => key,
    }
}

fn primary_key(relation: &Relation) -> Option<&[String]> {
    let key = relation.keys.iter().find(|key| key.primary)?;
    Some(key.columns.as_slice()).filter(|columns| !columns.is_empty())
}

/// A column that a grouping set has stays as it is: it is NULL in the others.
fn stands_in(select: &Select, one: &Guarded<'_>, column: &str) -> bool {
    let reference = reference(one, column);
    select.group_by.iter().any(|item| match item {
        GroupItem::Expr(expr) => meant(expr, &select.items) == &reference,
        GroupItem::Sets(sets) | GroupItem::Rollup(sets) | GroupItem::Cube(sets) => {
            sets.iter().flatten().any(|expr| *expr == reference)
        }
    })
}

fn has_equality(oid: Oid, cx: &CheckContext<'_>) -> bool {
    let mut next = Some(oid);
    for _ in 0..8 {
        let Some(oid) = next else { break };
        if WITHOUT_EQUALITY.contains(&oid.0) {
            return false;
        }
        next = cx.catalog.type_by_oid(oid).and_then(|found| found.inner);
    }
    true
}

/// Walks what is evaluated after grouping: the select list, HAVING, ORDER BY, DISTINCT ON.
trait AfterGrouping: Visitor {
    fn after_grouping(&mut self, select: &mut Select, order_by: &mut [OrderItem]) -> Visited {
        for item in &mut select.items {
            match item {
                Item::Star | Item::TableStar(_) => {}
                Item::RowStar(expr) | Item::Expr { expr, alias: _ } => self.expr(expr)?,
            }
        }
        if let Distinct::On(keys) = &mut select.distinct {
            keys.iter_mut().try_for_each(|key| self.expr(key))?;
        }
        select.having.iter_mut().try_for_each(|having| self.expr(having))?;
        order_by.iter_mut().try_for_each(|item| self.expr(&mut item.expr))
    }
}

impl<V: Visitor> AfterGrouping for V {}

/// Columns of one alias. In subqueries too: an inner alias of the same name adds a column more, which changes nothing.
struct Used<'a> {
    alias: &'a str,
    found: Vec<String>,
    /// The whole row is used too.
    row: bool,
}

impl Used<'_> {
    fn column(&mut self, alias: &Ident, column: &Ident) {
        if alias.text == self.alias && !self.found.contains(&column.text) {
            self.found.push(column.text.clone());
        }
    }
}

impl Visitor for Used<'_> {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        match &*expr {
            Expr::Column(path) => match path.as_slice() {
                [alias] => self.row |= alias.text == self.alias,
                [alias, column] => self.column(alias, column),
                _ => {}
            },
            // `(alias).column` is `alias.column`.
            Expr::Field(base, column) => {
                if let Expr::Column(path) = &**base
                    && let [alias] = path.as_slice()
                {
                    self.column(alias, column);
                }
            }
            _ => {}
        }
        walk::expr(self, expr)
    }
}

/// `x` becomes `(array_agg(x))[1]`: within a group by the key there is one. Not in subqueries nor aggregates.
struct Replace<'a> {
    alias: &'a str,
    column: &'a str,
}

impl Visitor for Replace<'_> {
    fn query(&mut self, _: &mut crate::sql::ast::Query) -> Visited {
        Ok(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Visited {
        let is_it = matches!(&*expr, Expr::Column(path)
            if matches!(path.as_slice(), [alias, column] if alias.text == self.alias && column.text == self.column));
        if is_it {
            let column = std::mem::replace(expr, Expr::Null);
            let all = Expr::Call(Box::new(Call::builtin("array_agg", vec![column])));
            let first = vec![Subscript::Index(Expr::Number("1".to_owned()))];
            *expr = Expr::Subscript(Box::new(all), first);
            return Ok(());
        }
        match expr {
            Expr::Call(call) if is_aggregate(call) => Ok(()),
            _ => walk::expr(self, expr),
        }
    }
}

/// By the names that aggregates have in PostgreSQL; others take no ungrouped column anyway.
fn is_aggregate(call: &Call) -> bool {
    let name = call.name.last().map_or("", |name| name.text.as_str());
    call.star
        || call.distinct
        || !call.order_by.is_empty()
        || !call.within_group.is_empty()
        || call.filter.is_some()
        || name.ends_with("_agg")
        || matches!(
            name,
            "count" | "min" | "max" | "sum" | "avg" | "any_value" | "bool_and" | "bool_or" | "every"
        )
}
