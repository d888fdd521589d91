//! Decisions, one kind of object a file.
//!
//! `relation` and `column` say what of a relation a caller may read, `view` and `family` look at what stands behind
//! and beside it, `write` what of it may be written, `routine` and `types` say what may run.

mod column;
mod column_rules;
mod decision;
mod family;
mod relation;
mod routine;
mod types;
mod view;
mod write;

pub use column::{Access, ColumnAccess};
pub use decision::Decision;

/// PostgreSQL's own schemas, and those of temporary objects.
pub fn is_system_schema(schema: &str) -> bool {
    schema == "information_schema" || schema.starts_with("pg_")
}
