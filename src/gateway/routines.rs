//! Functions of the database that a statement of the caller may call; PostgreSQL's own are not among them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::visible::Visible;
use crate::catalog::{Routine, RoutineKind};
use crate::pg::QualifiedName;
use crate::policy::{Policy, is_system_schema};

/// One overload. Types are left out where they would name what is hidden.
#[derive(Serialize)]
pub(super) struct Signature<'c> {
    /// As SQL takes it.
    pub routine: String,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<&'c str>,
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

/// By name, with every overload that a SELECT can call.
pub(super) fn routines<'c>(
    visible: &Visible<'c>,
    policy: &Policy,
) -> BTreeMap<&'c QualifiedName, Vec<&'c Routine>> {
    let catalog = visible.catalog();
    let usable = |schema: &str| catalog.schema(schema).is_some_and(|schema| schema.usable);
    let mut found: BTreeMap<&QualifiedName, Vec<&Routine>> = BTreeMap::new();
    for routine in &catalog.contents().routines {
        let name = &routine.name;
        if !is_system_schema(&name.schema) && usable(&name.schema) && is_callable(visible, routine) {
            found.entry(name).or_default().push(routine);
        }
    }
    found.retain(|name, _| policy.decide_execute(name, catalog).allowed);
    found
}

/// Procedures are for CALL, trigger functions for triggers.
fn is_callable(visible: &Visible<'_>, routine: &Routine) -> bool {
    let result = visible.catalog().type_by_oid(routine.result);
    let fires = result.is_some_and(|result| {
        result.name.schema == "pg_catalog" && matches!(result.name.name.as_str(), "trigger" | "event_trigger")
    });
    routine.kind != RoutineKind::Procedure && !fires
}

impl<'c> Signature<'c> {
    pub(super) fn new(visible: &Visible<'c>, routine: &'c Routine) -> Self {
        let result = visible.catalog().type_by_oid(routine.result).map(|result| result.display.as_str());
        let shown = |text: &&str| visible.may_name(text);
        Self {
            routine: routine.name.to_string(),
            kind: match routine.kind {
                RoutineKind::Function => "function",
                RoutineKind::Procedure => "procedure",
                RoutineKind::Aggregate => "aggregate function",
                RoutineKind::Window => "window function",
            },
            arguments: Some(routine.arguments.as_str()).filter(shown),
            returns: result.filter(shown),
            returns_set: routine.returns_set,
            columns: &routine.out_columns,
            extension: routine.extension.as_deref(),
        }
    }
}
