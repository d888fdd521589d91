//! The catalog as a login sees it whom PostgreSQL refuses nothing: what is left out then, the policy leaves out.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::pg::Oid;

pub(super) fn opened(catalog: &Catalog) -> Catalog {
    let mut contents = catalog.contents().clone();
    for schema in &mut contents.schemas {
        schema.usable = true;
    }
    let row_security: BTreeSet<Oid> = contents
        .relations
        .iter()
        .filter(|relation| relation.row_security)
        .map(|relation| relation.oid)
        .collect();
    for relation in &mut contents.relations {
        for column in &mut relation.columns {
            column.selectable = true;
        }
        if let Some(view) = &mut relation.view {
            // Rows past a row security of the tables behind it stay out of reach, whatever the grants.
            view.shows_more = view.shows_more && view.relations.iter().any(|oid| row_security.contains(oid));
        }
    }
    Catalog::new(contents)
}
