//! The target of an UPDATE or DELETE as a subquery that also gives the places of its rows, and the row as it was.

use super::level::Guarded;
use super::wrap::{INNER, column_of};
use super::{Protector, unreplaced};
use crate::pg::Diagnostic;
use crate::policy::ColumnAccess;
use crate::sql::ast::{
    Alias, Body, Call, Expr, FromItem, Ident, Item, Operator, Query, RelationItem, Select,
};
use crate::sql::resolve::Target;
use crate::sql::write::WriteOptions;

/// The place of a row, its table, and the row as it was: columns of the target's subquery that no name reaches.
const PLACE: &str = "pgwarden_ctid";
const TABLE: &str = "pgwarden_tableoid";
const BEFORE: &str = "pgwarden_before";
/// Within the expression for the row as it was.
const OLD: &str = "pgwarden_old";

impl<'c> Protector<'c> {
    /// The target as a subquery with the places of its rows, if it has to be read through one.
    pub fn place(
        &self,
        place: Option<FromItem>,
        guarded: &Option<Guarded<'c>>,
        target: &Target<'c>,
        wanted: WriteOptions,
        checked: bool,
    ) -> Result<Option<Place>, Diagnostic> {
        let query = match place {
            Some(FromItem::Subquery { lateral: false, query, alias: _ }) => *query,
            Some(FromItem::Relation(_)) if guarded.is_some() => return Err(unreplaced()),
            Some(FromItem::Relation(_)) if !checked && !wanted.before => return Ok(None),
            Some(FromItem::Relation(relation)) => self.whole(relation, target),
            _ => return Err(unreplaced()),
        };
        let Query { with: None, body: Body::Select(mut select), order_by: _, limit: None, offset } = query
        else {
            return Err(unreplaced());
        };
        let system =
            |column: &str, name: &str| Item::Expr { expr: column_of(column), alias: Some(Ident::new(name)) };
        select.items.extend([system("ctid", PLACE), system("tableoid", TABLE)]);
        if wanted.before {
            select.items.push(Item::Expr { expr: self.old_row(target), alias: Some(Ident::new(BEFORE)) });
        }
        let query = Query { offset, ..Query::of(*select) };
        Ok(Some(Place { query, alias: target.alias.clone(), before: wanted.before }))
    }

    /// Of a target of which nothing is kept back.
    fn whole(&self, relation: RelationItem, target: &Target<'c>) -> Query {
        let columns = self.columns(target, ColumnAccess::is_visible);
        let items = columns.map(|name| Item::Expr { expr: column_of(name), alias: None });
        let RelationItem { name, only, alias: _, sample } = relation;
        let relation = RelationItem { name, only, alias: Some(inner()), sample };
        Query::of(Select::of(items.collect(), vec![FromItem::Relation(relation)]))
    }

    fn columns(
        &self,
        target: &Target<'c>,
        wanted: fn(&ColumnAccess<'c>) -> bool,
    ) -> impl Iterator<Item = &'c str> {
        let access = self.accesses.get(&target.relation.oid);
        let access = access.map(|access| access.columns.as_slice()).unwrap_or_default();
        let columns = target.relation.columns.iter().zip(access);
        columns.filter(move |(_, access)| wanted(access)).map(|(column, _)| column.name.as_str())
    }

    /// All that the login may read of the row, unmasked: it is kept, and never shown to a caller.
    fn old_row(&self, target: &Target<'c>) -> Expr {
        let columns = self.columns(target, |access| *access != ColumnAccess::Unreadable);
        let items = columns.map(|name| Item::Expr { expr: column_of(name), alias: None });
        let row = Query::of(Select::of(items.collect(), Vec::new()));
        let row = FromItem::Subquery {
            lateral: false,
            query: Box::new(row),
            alias: Some(Alias { name: Ident::new(OLD), columns: Vec::new() }),
        };
        let call = Call::builtin("to_jsonb", vec![Expr::WholeRow(vec![Ident::new(OLD)])]);
        let item = Item::Expr { expr: Expr::Call(Box::new(call)), alias: None };
        Expr::Subquery(Box::new(Query::of(Select::of(vec![item], vec![row]))))
    }
}

/// The target's subquery.
pub struct Place {
    query: Query,
    alias: String,
    before: bool,
}

impl Place {
    pub fn before(&self, alias: &str) -> Option<Expr> {
        self.before.then(|| Expr::Column(vec![Ident::new(alias), Ident::new(BEFORE)]))
    }

    /// The statement writes to the table under a name of ours, beside the subquery under the caller's.
    pub fn into_from(self, target: &mut RelationItem, from: &mut Vec<FromItem>, filter: &mut Option<Expr>) {
        let same = |system: &str, column: &str| {
            let theirs = Expr::Column(vec![Ident::new(&self.alias), Ident::new(column)]);
            let equal = Operator::of_pg_catalog("=");
            Expr::Infix(Box::new(column_of(system)), equal, Box::new(theirs))
        };
        let found = Expr::And(Box::new(same("ctid", PLACE)), Box::new(same("tableoid", TABLE)));
        *filter = Some(match filter.take() {
            None => found,
            Some(condition) => Expr::And(Box::new(found), Box::new(condition)),
        });
        let alias = Some(Alias { name: Ident::new(&self.alias), columns: Vec::new() });
        from.insert(0, FromItem::Subquery { lateral: false, query: Box::new(self.query), alias });
        target.alias = Some(inner());
    }
}

/// Our name of the target.
pub fn inner() -> Alias {
    Alias { name: Ident::new(INNER), columns: Vec::new() }
}
