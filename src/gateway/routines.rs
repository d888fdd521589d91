//! Functions of the database that a statement of the caller may call; PostgreSQL's own are not among them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::visible::Visible;
use crate::catalog::{Routine, RoutineKind};
use crate::pg::QualifiedName;

/// One overload. The result's type is left out where it would name what is hidden.
#[derive(Serialize)]
pub(super) struct Signature<'c> {
    /// As SQL takes it.
    pub routine: String,
    pub kind: &'static str,
    pub arguments: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<&'c str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub returns_set: bool,
    /// Of `FROM f()`.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub columns: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<&'c str>,
}

/// By name, with every overload.
pub(super) fn routines<'c>(visible: &Visible<'c>) -> BTreeMap<&'c QualifiedName, Vec<&'c Routine>> {
    let mut found: BTreeMap<&QualifiedName, Vec<&Routine>> = BTreeMap::new();
    for routine in visible.routines() {
        found.entry(&routine.name).or_default().push(routine);
    }
    found
}

impl<'c> Signature<'c> {
    pub(super) fn new(visible: &Visible<'c>, routine: &'c Routine) -> Self {
        Self {
            routine: routine.name.to_string(),
            kind: match routine.kind {
                RoutineKind::Function => "function",
                RoutineKind::Procedure => "procedure",
                RoutineKind::Aggregate => "aggregate function",
                RoutineKind::Window => "window function",
            },
            arguments: &routine.arguments,
            returns: visible.result(routine),
            returns_set: routine.returns_set,
            columns: &routine.out_columns,
            extension: routine.extension.as_deref(),
        }
    }
}
