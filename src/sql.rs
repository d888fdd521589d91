//! From text to a checked statement. The only module that names sqlparser; pure and synchronous.
//!
//! `limits` -> `parse` -> `lower` (into our own tree) -> `resolve` (every name against the catalog and the policy)
//! -> `protect` (what the policy keeps back is put out of reach) -> `growth` -> `render` -> read again and compared
//! -> [`Checked`]. Read `check.rs` for the order of the gates, `write.rs` for that of statements that write: trees and
//! types of their own all the way, [`CheckedWrite`] at its end.

mod ast;
mod check;
mod dialect;
mod explained;
mod growth;
mod index;
mod limits;
mod lower;
mod mentions;
mod parse;
mod project;
mod protect;
mod redact;
mod render;
mod resolve;
mod teach;
mod uses;
mod whole;
mod write;

pub use check::{CheckContext, Checked, StatementKind, THREAD_STACK_BYTES, check};
#[doc(hidden)]
pub use check::{parses, reprint};
pub use explained::{Explained, explained};
pub use index::{IndexDefinition, IndexKey, IndexMethod};
pub use limits::MAX_BYTES;
pub use mentions::{Mentions, mentions};
pub use parse::split;
pub use project::{
    Encoding, Extent, OLD_ROW_TOO_LARGE, Projected, ProjectedColumn, ProjectedWrite, ResultColumn, WITHHELD,
};
pub use protect::{Enforced, Enforcement, policy_errors};
pub use redact::{Literals, reprinted};
pub use uses::TableUse;
pub use write::{CheckedWrite, WriteKind, WriteOptions, check_write};
