//! sqlparser's tree to ours: a walk that names every field and every variant.
//!
//! Structs are destructured without `..` and expression enums matched variant by variant, so that a new sqlparser
//! stops the build until someone decides. What PostgreSQL has not, or what cannot be checked, is refused here.

mod access;
mod change;
mod datatype;
mod expr;
mod from;
mod function;
mod insert;
mod literal;
mod merge;
mod name;
mod operator;
mod query;
mod select;
mod star;
mod statement;
mod window;
mod write;

use super::parse::unsupported;
use crate::pg::Diagnostic;

pub use change::mentions;
pub use name::{Role, ident, name};
pub use statement::statement;
pub use write::write;

type Lowered<T> = Result<T, Diagnostic>;

/// Refuses a construct of another SQL dialect or one without a node in our tree.
fn refuse<T>(what: &str, instead: &str) -> Lowered<T> {
    Err(unsupported(what, instead))
}

/// Requires that something which PostgreSQL does not have is absent.
fn absent(is_absent: bool, what: &str) -> Lowered<()> {
    if is_absent { Ok(()) } else { refuse(what, "write PostgreSQL's own syntax") }
}

fn all<T, U>(items: Vec<T>, lower: impl FnMut(T) -> Lowered<U>) -> Lowered<Vec<U>> {
    items.into_iter().map(lower).collect()
}
