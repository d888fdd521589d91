//! The subquery in a guarded relation's place: the columns that the caller sees, masks over them, the filter's rows.

use super::enforce::Enforcement;
use super::level::Guarded;
use super::{Enforced, Protector, mask, quals};
use crate::pg::Diagnostic;
use crate::sql::ast::{Alias, Expr, FromItem, Ident, Item, Query, RelationItem, Select};

/// The relation's name inside. Conditions and masks are written over it; no alias of a caller or a condition is the
/// same.
pub const INNER: &str = "pgwarden_row";

/// All of the subquery but the relation itself.
#[derive(Debug)]
pub struct Wrapped {
    items: Vec<Item>,
    filter: Option<Expr>,
    fenced: bool,
}

impl Protector<'_> {
    pub fn wrap(&mut self, one: &Guarded<'_>, select: &Select) -> Result<Wrapped, Diagnostic> {
        let mut items = Vec::with_capacity(one.shown.len());
        for (_, column, mask) in &one.shown {
            let value = column_of(&column.name);
            let Some(mask) = mask else {
                items.push(Item::Expr { expr: value, alias: None });
                continue;
            };
            self.note(&mask.name);
            let found = &mut self.read;
            let expr = mask::masked(mask, column, one.relation, self.cx, &mut self.bound, found)?;
            items.push(Item::Expr { expr, alias: Some(Ident::new(&column.name)) });
        }
        let mut by = self.enforcement(one);
        let mut conditions = Vec::new();
        for filter in &one.filters {
            self.note(&filter.name);
            match by {
                Enforcement::RowSecurity => self.settings_of(filter, one.relation)?,
                Enforcement::Plain | Enforcement::Fence => {
                    conditions.push(self.filter(filter, one.relation)?);
                }
            }
        }
        if by == Enforcement::Plain && conditions.iter_mut().any(quals::has_subquery) {
            by = Enforcement::Fence;
        }
        for filter in &one.filters {
            let relation = one.relation.name.clone();
            self.found.enforced.push(Enforced { relation, rule: filter.name.clone(), by });
        }
        let fenced = by == Enforcement::Fence && !conditions.is_empty();
        if fenced {
            conditions.extend(self.copies(select.filter.as_ref(), one));
        }
        let both = |left: Expr, right: Expr| Expr::And(Box::new(left), Box::new(right));
        Ok(Wrapped { items, filter: conditions.into_iter().reduce(both), fenced })
    }

    pub fn note(&mut self, rule: &str) {
        if !self.found.rules.iter().any(|known| known == rule) {
            self.found.rules.push(rule.to_owned());
        }
    }
}

impl Wrapped {
    /// ONLY and TABLESAMPLE go inside with the relation; the alias and its column list stay outside.
    pub fn around(self, relation: &mut RelationItem) -> FromItem {
        let Self { items, filter, fenced } = self;
        let RelationItem { name, only, alias, sample } = relation;
        let inner = RelationItem {
            name: std::mem::take(name),
            only: *only,
            alias: Some(Alias { name: Ident::new(INNER), columns: Vec::new() }),
            sample: sample.take(),
        };
        let select = Select { filter, ..Select::of(items, vec![FromItem::Relation(inner)]) };
        let offset = fenced.then(|| Expr::Number("0".to_owned()));
        let query = Query { offset, ..Query::of(select) };
        FromItem::Subquery { lateral: false, query: Box::new(query), alias: alias.take() }
    }
}

pub fn column_of(name: &str) -> Expr {
    Expr::Column(vec![Ident::new(INNER), Ident::new(name)])
}
