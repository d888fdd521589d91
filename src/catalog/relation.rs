//! Relations and what hangs on them.

use serde::{Deserialize, Serialize};

use super::RowPolicy;
use crate::pg::{Oid, QualifiedName};

/// `pg_class.relkind`, as far as a SELECT can read it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    Table,
    PartitionedTable,
    View,
    MaterializedView,
    ForeignTable,
    Sequence,
}

impl RelationKind {
    /// The words that PostgreSQL's documentation uses.
    pub fn words(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::PartitionedTable => "partitioned table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::ForeignTable => "foreign table",
            Self::Sequence => "sequence",
        }
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Relation {
    pub oid: Oid,
    pub name: QualifiedName,
    pub kind: RelationKind,
    pub owner: String,
    pub columns: Vec<Column>,
    pub comment: Option<String>,
    /// `pg_class.reltuples`; `None` where never analyzed.
    pub row_estimate: Option<u64>,
    /// Row level security is enabled.
    pub row_security: bool,
    /// It holds for the login, who is neither exempt as the owner nor by an attribute.
    pub row_security_binds: bool,
    pub row_policies: Vec<RowPolicy>,
    /// Relations that the row security policies read (subqueries in their expressions).
    pub row_security_reads: Vec<Oid>,
    /// Direct parent: partitioned table or inheritance parent (each of several).
    pub parents: Vec<Oid>,
    pub is_partition: bool,
    /// The TOAST relation and the indexes, with the TOAST index: locked along with the relation.
    pub attached: Vec<Oid>,
    /// For views and materialized views.
    pub view: Option<ViewBody>,
    pub keys: Vec<KeyConstraint>,
    pub foreign_keys: Vec<ForeignKey>,
    pub indexes: Vec<Index>,
    /// CHECK constraints as `pg_get_constraintdef` prints them.
    pub checks: Vec<String>,
}

/// What a view's stored query mentions directly (`pg_rewrite.ev_action`), system objects included.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ViewBody {
    pub relations: Vec<Oid>,
    pub routines: Vec<Oid>,
    /// The numbers of the columns that it reads of each relation; 0 stands for the whole row.
    pub columns: Vec<(Oid, Vec<i32>)>,
    /// It shows columns that the login may not read itself, or rows past a row security of its tables.
    pub shows_more: bool,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// `pg_attribute.attnum`: dropped columns leave gaps.
    pub number: i32,
    pub type_oid: Oid,
    /// As `format_type` prints it with its modifier: `numeric(12,2)`, `timestamp with time zone`, `mood[]`.
    pub type_name: String,
    pub not_null: bool,
    /// The default or generation expression as PostgreSQL prints it.
    pub default: Option<String>,
    pub generated: bool,
    pub identity: bool,
    pub comment: Option<String>,
    /// The login may SELECT this column.
    pub selectable: bool,
    /// `None` where its type has none.
    #[serde(default)]
    pub collation: Option<Oid>,
}

/// A primary key or unique constraint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeyConstraint {
    pub name: String,
    pub primary: bool,
    pub columns: Vec<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ForeignKey {
    pub name: String,
    pub columns: Vec<String>,
    pub references: Oid,
    pub referenced_columns: Vec<String>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Index {
    pub name: String,
    pub unique: bool,
    pub valid: bool,
    /// As `pg_get_indexdef` prints it.
    pub definition: String,
}
