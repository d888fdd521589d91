//! Conditions that can tell nothing of a row that a filter hides, whenever PostgreSQL evaluates them: comparisons of
//! columns with constants, or with columns of a kindred type, by operators of pg_catalog that cannot raise an error.

use std::collections::BTreeMap;

use super::condition::{comparison, in_list};
use super::level::{Level, Source};
use crate::catalog::{Catalog, TypeKind};
use crate::pg::Oid;
use crate::pg::{Diagnostic, SqlState};
use crate::sql::CheckContext;
use crate::sql::ast::walk::{self, Visited, Visitor};
use crate::sql::ast::{
    Body, Distinct, Expr, FromItem, Item, JoinOn, Keyword, OrderItem, Query, Select, Statement, TypeName,
};
use crate::sql::resolve::Accesses;

const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

/// Types of pg_catalog whose comparisons, among themselves, cannot fail (pg_type.dat).
const FAMILIES: [&[u32]; 11] = [
    &[20, 21, 23],
    &[25, 1043],
    &[1082, 1114, 1184],
    &[16],
    &[17],
    &[19],
    &[1042],
    &[1083],
    &[1186],
    &[1700],
    &[2950],
];

/// The types of columns, by what FROM brings at each level.
pub struct Types<'l, 'c> {
    pub levels: &'l [Level<'c>],
}

impl<'c> Types<'_, 'c> {
    /// `None` where it is not known, or where two levels have the alias.
    fn of(&self, expr: &Expr) -> Option<Oid> {
        self.source(expr).and_then(|(source, column)| source.type_of(column))
    }

    /// Two collations in one comparison are an error, for every row that comes to it.
    fn collation(&self, expr: &Expr) -> Option<Oid> {
        self.source(expr).and_then(|(source, column)| source.collation_of(column))
    }

    fn source<'e>(&self, expr: &'e Expr) -> Option<(&Source<'c>, &'e str)> {
        let Expr::Column(path) = expr else { return None };
        let [alias, column] = path.as_slice() else { return None };
        let mut found = self.levels.iter().flat_map(|level| &level.sources).filter(|s| s.alias == alias.text);
        match (found.next(), found.next()) {
            (Some(source), None) => Some((source, &column.text)),
            _ => None,
        }
    }
}

/// No condition of the statement, at any level, can tell of a hidden row.
pub fn cannot_tell<'c>(
    statement: &mut Statement,
    cx: &'c CheckContext<'c>,
    accesses: &'c Accesses<'c>,
) -> bool {
    let mut proof = Proof { cx, accesses, levels: Vec::new() };
    walk::statement(&mut proof, statement).is_ok()
}

/// How often each parameter stands in the statement.
pub fn parameters(statement: &mut Statement) -> BTreeMap<u32, usize> {
    let mut count = Count::default();
    // Nothing in it refuses.
    let _ = walk::statement(&mut count, statement);
    count.0
}

#[derive(Default)]
struct Count(BTreeMap<u32, usize>);

impl Visitor for Count {
    fn expr(&mut self, expr: &mut Expr) -> Visited {
        if let Expr::Parameter(number) = expr {
            let times = self.0.entry(*number).or_default();
            *times = times.saturating_add(1);
        }
        walk::expr(self, expr)
    }
}

/// A filter with a subquery may become a join, and what stands in the statement for each row (a LATERAL function, a sort
/// key) may then run before it.
pub fn has_subquery(condition: &mut Expr) -> bool {
    struct NoQuery;
    impl Visitor for NoQuery {
        fn query(&mut self, _: &mut Query) -> Visited {
            unproved()
        }
    }
    NoQuery.expr(condition).is_err()
}

/// Fails with an error that nobody reads at the first condition that is not known to be harmless.
struct Proof<'c> {
    cx: &'c CheckContext<'c>,
    accesses: &'c Accesses<'c>,
    levels: Vec<Level<'c>>,
}

impl Visitor for Proof<'_> {
    fn select(&mut self, select: &mut Select, order_by: &mut Vec<OrderItem>) -> Visited {
        self.levels.push(Level::of(&select.from, self.cx, self.accesses));
        let conditions = select.filter.iter().chain(&select.having);
        let harmless = conditions.into_iter().all(|condition| self.is_harmless(condition))
            && select.from.iter().all(|item| self.joins_are_harmless(item));
        let visited = if harmless { walk::select(self, select, order_by) } else { unproved() };
        self.levels.pop();
        visited
    }
}

impl Proof<'_> {
    fn joins_are_harmless(&self, item: &FromItem) -> bool {
        let FromItem::Join(join) = item else { return true };
        let on = match &join.on {
            JoinOn::Nothing => true,
            JoinOn::Condition(condition) => self.is_harmless(condition),
            JoinOn::Using { columns, alias: _ } => {
                columns.iter().all(|column| self.is_one_type(&column.text))
            }
            JoinOn::Natural => false,
        };
        on && self.joins_are_harmless(&join.left) && self.joins_are_harmless(&join.right)
    }

    /// Every column of that name at this level is a relation's, of one safe type.
    fn is_one_type(&self, column: &str) -> bool {
        let Some(level) = self.levels.last() else { return false };
        if level.sources.iter().any(|source| source.relation.is_none()) {
            return false;
        }
        let typed = |source: &Source<'_>| Some((source.type_of(column)?, source.collation_of(column)));
        let mut types = level.sources.iter().filter_map(typed);
        let Some(first) = types.next() else { return false };
        is_safe(first.0) && types.all(|other| other == first)
    }

    fn is_harmless(&self, condition: &Expr) -> bool {
        let types = Types { levels: &self.levels };
        match condition {
            Expr::And(left, right) | Expr::Or(left, right) => {
                self.is_harmless(left) && self.is_harmless(right)
            }
            Expr::Not(inner) => self.is_harmless(inner),
            Expr::Is(inner, ..) => types.of(inner).is_some_and(is_safe),
            Expr::Boolean(_) | Expr::Null => true,
            Expr::Column(_) => types.of(condition).is_some_and(|oid| oid.0 == 16),
            Expr::Exists(query) => self.is_bare(query),
            Expr::InQuery(left, query, _) => {
                types.of(left).is_some_and(is_safe) && self.gives_columns_like(left, query)
            }
            other => strict(other, &types) || self.is_enum_comparison(other, &types),
        }
    }

    /// The subquery's one column is a relation's, of the type of `left`.
    fn gives_columns_like(&self, left: &Expr, query: &Query) -> bool {
        let Body::Select(select) = &query.body else { return false };
        let inner = [Level::of(&select.from, self.cx, self.accesses)];
        let outer = Types { levels: &self.levels };
        let [Item::Expr { expr, alias: _ }] = select.items.as_slice() else { return false };
        let inner = Types { levels: &inner };
        let found = inner.of(expr);
        self.is_bare(query)
            && found.is_some()
            && found == outer.of(left)
            && inner.collation(expr) == outer.collation(left)
    }

    /// Columns of stored relations and nothing that is computed: in a condition it runs for hidden rows too, and may
    /// refer to them. Its own conditions are looked at when the walk comes there.
    fn is_bare(&self, query: &Query) -> bool {
        let Query { with: None, body: Body::Select(select), order_by, limit: None, offset: None } = query
        else {
            return false;
        };
        let Select {
            distinct: Distinct::No,
            items,
            from,
            filter: _,
            group_by,
            having: None,
            windows,
            group_distinct: _,
        } = &**select
        else {
            return false;
        };
        let bare = |item: &Item| match item {
            Item::Star | Item::TableStar(_) => true,
            Item::Expr { expr, alias: _ } => {
                matches!(
                    expr,
                    Expr::Column(_) | Expr::Null | Expr::Boolean(_) | Expr::Number(_) | Expr::String(_)
                )
            }
            Item::RowStar(_) => false,
        };
        order_by.is_empty()
            && group_by.is_empty()
            && windows.is_empty()
            && items.iter().all(bare)
            && from.iter().all(is_sampled_nowhere)
            && Level::of(from, self.cx, self.accesses).sources.iter().all(Source::is_stored)
    }

    /// Labels of an enum are compared by their number.
    fn is_enum_comparison(&self, condition: &Expr, types: &Types<'_, '_>) -> bool {
        let label = |expr: &Expr| matches!(expr, Expr::String(_) | Expr::Parameter(_));
        let is_enum = |expr: &Expr| {
            types.of(expr).is_some_and(|oid| kind(oid, self.cx.catalog) == Some(TypeKind::Enum))
        };
        match condition {
            Expr::Infix(left, operator, right) => {
                matches!(operator.symbol.as_str(), "=" | "<>") && is_enum(left) && label(right)
            }
            Expr::InList(inner, list, _) => is_enum(inner) && list.iter().all(label),
            _ => false,
        }
    }
}

/// A comparison that is not true where its column is NULL, of safe types.
pub fn strict(condition: &Expr, types: &Types<'_, '_>) -> bool {
    match condition {
        Expr::Infix(left, operator, right) => {
            let comparison = COMPARISONS.contains(&operator.symbol.as_str());
            let kindred = match (types.of(left), types.of(right)) {
                (Some(one), Some(other)) => {
                    are_kindred(one, other) && types.collation(left) == types.collation(right)
                }
                (Some(one), None) => is_constant_for(right, one),
                (None, Some(other)) => is_constant_for(left, other),
                (None, None) => false,
            };
            comparison && kindred
        }
        Expr::InList(inner, list, _) => {
            types.of(inner).is_some_and(|oid| list.iter().all(|value| is_constant_for(value, oid)))
        }
        Expr::Between { expr, low, high, negated: _, symmetric: false } => {
            types.of(expr).is_some_and(|oid| [low, high].into_iter().all(|value| is_constant_for(value, oid)))
        }
        _ => false,
    }
}

/// The condition over other names: `own` for columns of the relation, `outer` for those of a query around it. `None`
/// where it has another column, or none of the relation. Operators are pg_catalog's.
pub fn rewritten(
    condition: &Expr,
    own: &dyn Fn(&Expr) -> Option<Expr>,
    outer: &dyn Fn(&Expr) -> Option<Expr>,
) -> Option<Expr> {
    let other = |expr: &Expr| if is_constant(expr) { Some(expr.clone()) } else { outer(expr) };
    match condition {
        Expr::Infix(left, operator, right) => {
            let (left, right) = match (own(left), own(right)) {
                (Some(left), None) => (left, other(right)?),
                (None, Some(right)) => (other(left)?, right),
                _ => return None,
            };
            Some(comparison(left, &operator.symbol, right))
        }
        // Values of several kinds take one type together, which each by itself would not.
        Expr::InList(inner, list, negated) if are_of_one_kind(list) => {
            Some(in_list(&own(inner)?, list.clone(), *negated))
        }
        Expr::Between { expr, low, high, negated: false, symmetric: false } => {
            let from = comparison(own(expr)?, ">=", (**low).clone());
            let to = comparison(own(expr)?, "<=", (**high).clone());
            Some(Expr::And(Box::new(from), Box::new(to)))
        }
        _ => None,
    }
}

/// The share of a sample is an expression.
fn is_sampled_nowhere(item: &FromItem) -> bool {
    match item {
        FromItem::Relation(relation) => relation.sample.is_none(),
        FromItem::Join(join) => is_sampled_nowhere(&join.left) && is_sampled_nowhere(&join.right),
        FromItem::Subquery { .. } | FromItem::Function(_) => false,
    }
}

fn is_constant_for(expr: &Expr, oid: Oid) -> bool {
    match expr {
        Expr::String(_) | Expr::Parameter(_) | Expr::Null => is_safe(oid),
        Expr::Number(_) => matches!(oid.0, 20 | 21 | 23 | 1700),
        Expr::Prefix(operator, inner) => {
            operator.symbol == "-" && matches!(**inner, Expr::Number(_)) && is_constant_for(inner, oid)
        }
        Expr::Boolean(_) => oid.0 == 16,
        Expr::Keyword(Keyword::CurrentDate | Keyword::CurrentTimestamp | Keyword::LocalTimestamp, _) => {
            matches!(oid.0, 1082 | 1114 | 1184)
        }
        Expr::Cast(inner, to) => {
            matches!(**inner, Expr::String(_) | Expr::Number(_) | Expr::Parameter(_))
                && builtin_oid(to).is_some_and(|cast| are_kindred(cast, oid))
        }
        _ => false,
    }
}

fn are_of_one_kind(list: &[Expr]) -> bool {
    let [first, rest @ ..] = list else { return false };
    let alike = |value: &Expr| match (first, value) {
        (Expr::Cast(_, one), Expr::Cast(_, other)) => one == other,
        (Expr::String(_), Expr::String(_)) => true,
        (Expr::Number(_) | Expr::Prefix(..), Expr::Number(_) | Expr::Prefix(..)) => true,
        _ => false,
    };
    rest.iter().all(alike)
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Prefix(_, inner) | Expr::Cast(inner, _) => is_constant(inner),
        Expr::String(_)
        | Expr::Number(_)
        | Expr::Parameter(_)
        | Expr::Null
        | Expr::Boolean(_)
        | Expr::Keyword(..) => true,
        _ => false,
    }
}

/// The types that casts of constants are written with.
fn builtin_oid(to: &TypeName) -> Option<Oid> {
    let [schema, name] = to.name.as_slice() else { return None };
    if schema.text != "pg_catalog" || to.array || to.interval_fields.is_some() {
        return None;
    }
    let oid = match name.text.as_str() {
        "bool" => 16,
        "int8" => 20,
        "int2" => 21,
        "int4" => 23,
        "text" => 25,
        "varchar" => 1043,
        "date" => 1082,
        "time" => 1083,
        "timestamp" => 1114,
        "timestamptz" => 1184,
        "interval" => 1186,
        "numeric" => 1700,
        "uuid" => 2950,
        _ => return None,
    };
    Some(Oid(oid))
}

fn is_safe(oid: Oid) -> bool {
    are_kindred(oid, oid)
}

fn are_kindred(one: Oid, other: Oid) -> bool {
    FAMILIES.iter().any(|family| family.contains(&one.0) && family.contains(&other.0))
}

fn kind(oid: Oid, catalog: &Catalog) -> Option<TypeKind> {
    catalog.type_by_oid(oid).map(|found| found.kind)
}

fn unproved() -> Visited {
    Err(Diagnostic::refused(SqlState::INTERNAL_ERROR, "not known to be harmless"))
}
