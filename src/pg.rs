//! PostgreSQL's words as values: names, SQLSTATEs, positions, diagnostics. No I/O, no decisions.

mod diagnostic;
pub mod keywords;
mod name;
mod sqlstate;

pub use diagnostic::{Diagnostic, Position, Source};
pub use name::{Oid, QualifiedName, identifiers, push_quoted_ident, quote_ident, shown_ident};
pub use sqlstate::SqlState;
