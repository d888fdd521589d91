//! One relation as a caller sees it.

use serde::Serialize;

use crate::catalog::{Column, ForeignKey, Relation};
use crate::gateway::visible::{Said, Visible};
use crate::pg::shown_ident;

/// Empty lists and unknown values are left out.
#[derive(Serialize)]
pub(in crate::gateway) struct Shape<'c> {
    /// As SQL takes it.
    pub(in crate::gateway) relation: String,
    pub(in crate::gateway) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) comment: Option<&'c str>,
    #[serde(flatten)]
    pub(in crate::gateway) said: Said<'c>,
    /// From the last ANALYZE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) row_estimate: Option<u64>,
    /// That the policy shows only some rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) filtered: Option<String>,
    /// PostgreSQL shows only some rows, by policies of its own.
    #[serde(skip_serializing_if = "is_false")]
    pub(in crate::gateway) row_security: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) partition_of: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(in crate::gateway) partitions: usize,
    pub(in crate::gateway) columns: Vec<ColumnShape<'c>>,
    /// The primary key first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) keys: Vec<Key<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) foreign_keys: Vec<Link>,
    /// Foreign keys of other relations that point here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) referenced_by: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) indexes: Vec<&'c str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::gateway) checks: Vec<&'c str>,
}

#[derive(Serialize)]
pub(in crate::gateway) struct ColumnShape<'c> {
    pub(in crate::gateway) name: &'c str,
    #[serde(rename = "type")]
    pub(in crate::gateway) type_name: &'c str,
    #[serde(skip_serializing_if = "is_false")]
    pub(in crate::gateway) not_null: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) default: Option<&'c str>,
    #[serde(skip_serializing_if = "is_false")]
    pub(in crate::gateway) generated: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(in crate::gateway) identity: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) comment: Option<&'c str>,
    #[serde(flatten)]
    pub(in crate::gateway) said: Said<'c>,
    /// What stands in the place of its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) masked: Option<String>,
    /// The only values, in their order.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(in crate::gateway) enum_labels: &'c [String],
}

#[derive(Serialize)]
pub(in crate::gateway) struct Key<'c> {
    pub(in crate::gateway) primary: bool,
    pub(in crate::gateway) columns: &'c [String],
}

/// A foreign key seen from one end.
#[derive(Serialize)]
pub(in crate::gateway) struct Link {
    /// The relation at the other end.
    pub(in crate::gateway) relation: String,
    /// What the other end is called in `join`, where both have the same name.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub(in crate::gateway) alias: Option<String>,
    /// Ready to stand behind ON, where FROM names the relations with or without their schema.
    pub(in crate::gateway) join: String,
}

impl<'c> Shape<'c> {
    pub(in crate::gateway) fn new(visible: &Visible<'c>, relation: &'c Relation) -> Self {
        let mut keys: Vec<Key<'c>> = relation
            .keys
            .iter()
            .filter(|key| key.columns.iter().all(|column| visible.has_column(relation, column)))
            .map(|key| Key { primary: key.primary, columns: &key.columns })
            .collect();
        keys.sort_by_key(|key| !key.primary);
        let parent = relation.parents.iter().find_map(|parent| visible.by_oid(*parent));
        Self {
            relation: relation.name.to_string(),
            kind: relation.kind.words(),
            comment: relation.comment.as_deref(),
            said: visible.said_of(relation),
            row_estimate: visible.row_estimate(relation),
            filtered: filtered(visible, relation),
            row_security: relation.row_security,
            partition_of: parent.filter(|_| relation.is_partition).map(|parent| parent.name.to_string()),
            partitions: visible.partitions(relation),
            columns: visible
                .columns(relation)
                .map(|column| column_shape(visible, relation, column))
                .collect(),
            keys,
            foreign_keys: visible
                .foreign_keys(relation)
                .map(|(key, to)| link(relation, key, to, End::Far))
                .collect(),
            referenced_by: referenced_by(visible, relation),
            indexes: relation
                .indexes
                .iter()
                .filter(|index| index.valid)
                .map(|index| index.definition.as_str())
                .filter(|definition| visible.may_show(relation, definition))
                .filter(|definition| !holds_values(visible, relation, definition))
                .collect(),
            checks: relation
                .checks
                .iter()
                .map(String::as_str)
                .filter(|check| visible.may_show(relation, check))
                .filter(|check| !holds_values(visible, relation, check))
                .collect(),
        }
    }
}

fn column_shape<'c>(visible: &Visible<'c>, relation: &'c Relation, column: &'c Column) -> ColumnShape<'c> {
    ColumnShape {
        name: &column.name,
        type_name: &column.type_name,
        not_null: column.not_null,
        default: column
            .default
            .as_deref()
            .filter(|default| visible.may_show(relation, default))
            .filter(|default| !holds_values(visible, relation, default)),
        generated: column.generated,
        identity: column.identity,
        comment: column.comment.as_deref(),
        said: visible.said_of_column(relation, &column.name),
        masked: visible.mask(relation, column).map(str::to_owned),
        enum_labels: visible.enum_labels(column),
    }
}

/// A constant in an expression of a relation of which rows or values are kept back may be one of those.
fn holds_values(visible: &Visible<'_>, relation: &Relation, expression: &str) -> bool {
    let constant = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let words = || expression.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    visible.keeps_back(relation) && (expression.contains('\'') || words().any(constant))
}

/// By which filters, not how: a condition may name what is hidden.
fn filtered(visible: &Visible<'_>, relation: &Relation) -> Option<String> {
    let names = visible.filters(relation);
    (!names.is_empty()).then(|| format!("only some rows are visible to you ({})", names.join(", ")))
}

fn referenced_by<'c>(visible: &Visible<'c>, relation: &'c Relation) -> Vec<Link> {
    let keys =
        visible.folded().flat_map(|from| visible.foreign_keys(from).map(move |(key, to)| (from, key, to)));
    keys.filter(|(_, _, to)| to.oid == relation.oid)
        .map(|(from, key, to)| link(from, key, to, End::Near))
        .collect()
}

/// Which end of a foreign key is the other relation.
#[derive(Clone, Copy)]
enum End {
    Near,
    Far,
}

/// The link over `key` of `from`.
fn link(from: &Relation, key: &ForeignKey, to: &Relation, other: End) -> Link {
    let (mut near, mut far) = (shown_ident(&from.name.name), shown_ident(&to.name.name));
    let alias = (near == far).then(|| shown_ident(&format!("{}_2", to.name.name)));
    let (relation, called) = match other {
        End::Near => (&from.name, &mut near),
        End::Far => (&to.name, &mut far),
    };
    if let Some(alias) = &alias {
        called.clone_from(alias);
    }
    let terms: Vec<String> = key
        .columns
        .iter()
        .zip(&key.referenced_columns)
        .map(|(here, there)| format!("{near}.{} = {far}.{}", shown_ident(here), shown_ident(there)))
        .collect();
    Link { relation: relation.to_string(), alias, join: terms.join(" AND ") }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &usize) -> bool {
    *value == 0
}
