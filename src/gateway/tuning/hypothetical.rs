//! Indexes that a caller supposes: read, allowed, spread over partitions.

use crate::catalog::{Relation, RelationKind, closest};
use crate::gateway::visible::Visible;
use crate::pg::{Diagnostic, SqlState, shown_ident};
use crate::sql::IndexDefinition;

/// Of one call.
pub(super) const MOST: usize = 20;
/// Partitions that one index is spread over.
const PARTITIONS: usize = 200;

/// One index as it was asked for, and what PostgreSQL has to suppose for it: one for each partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Hypothetical {
    pub definition: IndexDefinition,
    pub parts: Vec<IndexDefinition>,
}

pub(super) fn read(texts: &[String], visible: &Visible<'_>) -> Result<Vec<Hypothetical>, Diagnostic> {
    if texts.len() > MOST {
        let message = format!("{} hypothetical indexes, up to {MOST} are possible", texts.len());
        return Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("name those that the statement could use"));
    }
    texts.iter().map(|text| one(text, visible)).collect()
}

fn one(text: &str, visible: &Visible<'_>) -> Result<Hypothetical, Diagnostic> {
    let mut found = None;
    let definition = IndexDefinition::parse(text, |name| {
        let relation = visible.resolve(name)?;
        found = Some(relation);
        Ok(relation.name.clone())
    })?;
    let relation =
        found.ok_or_else(|| Diagnostic::refused(SqlState::INTERNAL_ERROR, "an index without a relation"))?;
    if let Some(column) = definition.columns().find(|column| !visible.has_column(relation, column)) {
        return Err(missing(column, relation, visible));
    }
    let open =
        leaves(relation, visible).into_iter().chain([relation]).all(|part| visible.shows_estimates(part));
    if !open {
        let message =
            format!("of `{}` the policy keeps something back: nothing is estimated over it", relation.name);
        return Err(Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .rule("sql.explain_hidden")
            .hint("suppose indexes of other relations"));
    }
    if !matches!(
        relation.kind,
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::MaterializedView
    ) {
        let message = format!("`{}` is a {}, which has no indexes", relation.name, relation.kind.words());
        return Err(Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message)
            .rule("sql.index")
            .hint("name the table behind it"));
    }
    spread(definition, relation, visible)
}

/// Hypothetical indexes stand on single tables: one of a partitioned table is one of each partition.
pub(super) fn spread(
    definition: IndexDefinition,
    relation: &Relation,
    visible: &Visible<'_>,
) -> Result<Hypothetical, Diagnostic> {
    if relation.kind != RelationKind::PartitionedTable {
        return Ok(Hypothetical { parts: vec![definition.clone()], definition });
    }
    // One that the caller does not see, PostgreSQL would name in its refusal.
    let leaves: Vec<&Relation> =
        leaves(relation, visible).into_iter().filter(|leaf| visible.relation(&leaf.name).is_some()).collect();
    if leaves.len() > PARTITIONS {
        let message =
            format!("`{}` has {} partitions, up to {PARTITIONS} are possible", relation.name, leaves.len());
        return Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            .hint("suppose the index on one partition"));
    }
    let parts =
        leaves.into_iter().map(|leaf| IndexDefinition { relation: leaf.name.clone(), ..definition.clone() });
    Ok(Hypothetical { parts: parts.collect(), definition })
}

/// The tables that hold the rows of a relation.
pub(super) fn leaves<'c>(relation: &'c Relation, visible: &Visible<'c>) -> Vec<&'c Relation> {
    let catalog = visible.catalog();
    let (mut open, mut leaves) = (vec![relation], Vec::new());
    while let Some(next) = open.pop() {
        if next.kind != RelationKind::PartitionedTable {
            leaves.push(next);
        }
        let children = catalog.children(next.oid).iter().filter_map(|oid| catalog.relation_by_oid(*oid));
        open.extend(children.filter(|child| child.is_partition));
    }
    leaves
}

/// Hidden and missing columns alike.
fn missing(column: &str, relation: &Relation, visible: &Visible<'_>) -> Diagnostic {
    let message = format!("column `{}` of `{}` does not exist", shown_ident(column), relation.name);
    let refusal = Diagnostic::refused(SqlState::UNDEFINED_COLUMN, message);
    let names: Vec<&str> = visible.columns(relation).map(|column| column.name.as_str()).collect();
    match closest(column, names.iter().copied()) {
        Some(near) => refusal.hint(format!("did you mean `{}`?", shown_ident(near))),
        None => refusal.hint(format!("`describe` shows the columns of `{}`", relation.name)),
    }
}
