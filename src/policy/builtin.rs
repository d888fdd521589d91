//! The policy in force.

use super::Decision;
use crate::catalog::{Catalog, Relation};

/// A compiled policy. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct Policy {
    version: String,
}

impl Policy {
    /// All schemas but the system's, read-only; no user function, no catalog.
    pub fn builtin() -> Self {
        Self { version: "builtin".to_owned() }
    }

    /// Tells one compiled policy from another, in logs and audit.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// May a SELECT name this relation? Views are allowed only if everything behind them is.
    pub fn decide_select(&self, _relation: &Relation, _catalog: &Catalog) -> Decision {
        todo!("skeleton")
    }
}
