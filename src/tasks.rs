//! Questions that outlive their call: what was asked, by whom, how far it is, what came of it, and the rows that did
//! not fit into the first page.
//!
//! A [`Task`] is one row of a [`Store`], whichever way a client asks for it. Questions and answers are opaque here: the
//! layer above writes and reads them.

mod full;
mod memory;
mod owner;
mod pace;
pub mod postgres;
mod seal;
mod settings;
pub mod spool;
mod store;
mod task;

use crate::store::Id;

pub use memory::MemoryStore;
pub use owner::Owner;
pub use pace::Pace;
pub use postgres::PostgresStore;
pub use settings::TaskSettings;
pub use store::{Cancel, Change, Reply, Store};
pub use task::{End, Holder, Inputs, NewTask, Pages, State, Task, Work};

/// What a [`TaskId`] names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfTask {}

pub type TaskId = Id<OfTask>;
