//! A pure snapshot of what exists in one database: relations, routines, types, operators.
//!
//! `db::introspect` reads it from the server; `sql` resolves names against it and `policy` decides over it.
//! It knows nothing of connections, and a snapshot never changes: a refresh makes a new one.

mod reach;
mod relation;
mod rights;
mod routine;
mod row_policy;
mod search;
mod snapshot;
mod types;

pub use relation::{Column, ForeignKey, Index, KeyConstraint, Relation, RelationKind, ViewBody};
pub use rights::{Attributes, RelationRights, Rights, SchemaRights};
pub use routine::{Routine, RoutineKind};
pub use row_policy::RowPolicy;
pub use search::closest;
pub use snapshot::{Catalog, CatalogContents, Extension, Operator, Schema};
pub use types::{Type, TypeKind};
