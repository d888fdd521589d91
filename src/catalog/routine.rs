//! Functions, aggregates, window functions and procedures.

use serde::{Deserialize, Serialize};

use crate::pg::{Oid, QualifiedName};

/// `pg_proc.prokind`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoutineKind {
    Function,
    Procedure,
    Aggregate,
    Window,
}

/// One overload.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Routine {
    pub oid: Oid,
    pub name: QualifiedName,
    pub kind: RoutineKind,
    /// Argument types as `pg_get_function_identity_arguments` prints them; empty for `pg_catalog`.
    pub arguments: String,
    /// Names of the OUT, INOUT and TABLE arguments: the columns of `FROM f()`. Empty where the result is one value
    /// or a row type.
    pub out_columns: Vec<String>,
    /// The result type.
    pub result: Oid,
    pub returns_set: bool,
    pub security_definer: bool,
    /// `provolatile` is `v`.
    pub volatile: bool,
    /// The extension it belongs to.
    pub extension: Option<String>,
}
