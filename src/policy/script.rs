//! The SQL that gives a database the same policy: a login with grants by column, row security, settings.
//!
//! [`Plan`] is what one login should have; `apply` and `reverse` print it as a script, `compare` holds it against what a
//! role has. Pure: it prints SQL and knows neither a connection nor a parser of it.

mod apply;
mod builtins;
mod compare;
mod condition;
mod literal;
mod opened;
mod plan;
mod reverse;
mod writes;

pub use builtins::DANGEROUS_BUILTINS;
pub use compare::{Difference, DifferenceKind};
pub use plan::{Plan, PlanOptions};
