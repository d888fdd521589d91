//! The page of one function, and that of all which the caller may call.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::page::inline;
use crate::catalog::Routine;
use crate::gateway::routines::{Signature, routines};
use crate::gateway::visible::Visible;
use crate::pg::QualifiedName;

/// Every overload in name order.
pub(super) fn all<'c>(visible: &Visible<'c>) -> Vec<Signature<'c>> {
    routines(visible).into_values().flatten().map(|routine| Signature::new(visible, routine)).collect()
}

/// The overloads of that name; `None` where there is none that may be called.
pub(super) fn of_name<'c>(visible: &Visible<'c>, name: &QualifiedName) -> Option<Vec<Signature<'c>>> {
    let overloads: Vec<&Routine> = routines(visible).remove(name)?;
    Some(overloads.into_iter().map(|routine| Signature::new(visible, routine)).collect())
}

pub(super) fn page(title: &str, signatures: &[Signature<'_>]) -> String {
    let mut out = format!("# {title}\n\n");
    if signatures.is_empty() {
        out.push_str("None.\n");
    }
    for signature in signatures {
        let called = format!("{}({})", signature.routine, signature.arguments);
        let _ = write!(out, "- {} ({})", inline(&called), signature.kind);
        if let Some(returns) = signature.returns {
            let set = if signature.returns_set { "a set of " } else { "" };
            let _ = write!(out, " returns {set}{}", inline(returns));
        }
        if !signature.columns.is_empty() {
            let _ = write!(out, ", columns {}", inline(&signature.columns.join(", ")));
        }
        if let Some(extension) = signature.extension {
            let _ = write!(out, "; extension {}", inline(extension));
        }
        out.push('\n');
    }
    out
}

pub(super) fn document(signatures: &[Signature<'_>]) -> Value {
    json!({ "routines": signatures })
}
