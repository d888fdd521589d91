//! What callers may do. Pure and total: a decision always carries the rule that made it.
//!
//! `file` reads a policy, `decide` answers questions about one object, `functions.txt` is the list of PostgreSQL's
//! own functions that may be called.

mod decide;
mod file;
mod functions;
mod pattern;

pub use decide::{Decision, Policy, is_system_schema};
pub use file::PolicyError;
