//! What one login writes, by a policy: the rights to insert, update and delete, by column.

use super::plan::Read;
use crate::catalog::{Catalog, Relation, RelationKind};
use crate::pg::Oid;
use crate::policy::{Action, Policy};

/// What the login writes of one table.
#[derive(Debug)]
pub(super) struct Writes {
    pub oid: Oid,
    /// With the columns; `None` for the whole.
    pub grants: Vec<(Action, Option<Vec<String>>)>,
    /// UPDATE and DELETE name a row by its place, which a login that reads single columns may not read.
    pub needs_place: bool,
}

impl Writes {
    /// `INSERT`, as PostgreSQL names the right.
    pub fn has(&self, right: &str) -> bool {
        self.grants.iter().any(|(action, _)| word(*action) == right)
    }
}

/// As GRANT writes it.
pub(super) fn word(action: Action) -> &'static str {
    match action {
        Action::Select => "SELECT",
        Action::Insert => "INSERT",
        Action::Update => "UPDATE",
        Action::Delete => "DELETE",
        Action::Execute => "EXECUTE",
    }
}

pub(super) fn writes(
    policy: &Policy,
    relation: &Relation,
    catalog: &Catalog,
    read: Option<&Read>,
) -> Option<Writes> {
    if !matches!(relation.kind, RelationKind::Table | RelationKind::PartitionedTable) {
        return None;
    }
    let mut grants = Vec::new();
    for action in [Action::Insert, Action::Update, Action::Delete] {
        if !policy.decide_write(action, relation, catalog).allowed {
            continue;
        }
        if action == Action::Delete {
            grants.push((action, None));
            continue;
        }
        let may = |name: &String| policy.decide_write_column(action, relation, name, catalog).allowed;
        let columns: Vec<String> =
            relation.columns.iter().map(|column| column.name.clone()).filter(may).collect();
        let whole = columns.len() == relation.columns.len() && !policy.has_column_rules();
        if whole || !columns.is_empty() {
            grants.push((action, (!whole).then_some(columns)));
        }
    }
    let places = grants.iter().any(|(action, _)| *action != Action::Insert);
    let needs_place = places && read.is_none_or(|read| read.columns.is_some());
    (!grants.is_empty()).then_some(Writes { oid: relation.oid, grants, needs_place })
}
