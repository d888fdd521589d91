//! Does a statement list one relation from its first row to its last? Then what the catalog knows of its size is what there
//! is to come.

use super::ast::{Body, Distinct, Expr, FromItem, Item, Query};
use crate::pg::QualifiedName;

/// The relation of `SELECT .. FROM relation [ORDER BY ..]`, once names are resolved. With any call in the select list it may
/// have one row, or more than the relation.
pub fn relation(query: &Query) -> Option<QualifiedName> {
    let Query { with: None, body: Body::Select(select), limit: None, offset: None, .. } = query else {
        return None;
    };
    let plain = matches!(select.distinct, Distinct::No)
        && select.filter.is_none()
        && select.group_by.is_empty()
        && select.having.is_none();
    let columns = select.items.iter().all(|item| match item {
        Item::Star | Item::TableStar(_) => true,
        Item::Expr { expr, .. } => matches!(expr, Expr::Column(_)),
        Item::RowStar(_) => false,
    });
    match select.from.as_slice() {
        [FromItem::Relation(item)] if plain && columns && !item.only && item.sample.is_none() => {
            match item.name.as_slice() {
                [schema, name] => Some(QualifiedName::new(&schema.text, &name.text)),
                _ => None,
            }
        }
        _ => None,
    }
}
