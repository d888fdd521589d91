//! Types, as far as checking a cast and printing a value need them.

use serde::{Deserialize, Serialize};

use crate::pg::{Oid, QualifiedName};

/// `pg_type.typtype`, arrays told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TypeKind {
    Base,
    Array,
    Composite,
    Domain,
    Enum,
    Range,
    Multirange,
    Pseudo,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Type {
    pub oid: Oid,
    pub name: QualifiedName,
    pub kind: TypeKind,
    /// As `format_type(oid, NULL)` prints it: `integer`, `timestamp with time zone`, `shop.mood`.
    pub display: String,
    /// Element of an array, base of a domain, subtype of a range or multirange.
    pub inner: Option<Oid>,
    /// The relation whose row type this is, or a free-standing composite's own `pg_class` entry.
    pub relation: Option<Oid>,
    /// For composites: field names with their types, in order.
    pub fields: Vec<(String, Oid)>,
    /// The output function (`pg_type.typoutput`): `textin(output(x))` is what psql prints.
    pub output: QualifiedName,
    /// A cast to `text` goes through a function, or takes the bytes as they are where printing would not: `x::text`
    /// need not be what psql prints.
    pub text_cast_is_function: bool,
    /// Functions behind user-defined casts from or to this type and behind the CHECKs of a domain.
    pub hidden_routines: Vec<Oid>,
    pub enum_labels: Vec<String>,
    pub comment: Option<String>,
    /// The extension it belongs to.
    pub extension: Option<String>,
}
