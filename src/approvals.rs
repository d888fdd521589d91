//! A person's word before anything is written: what is to be approved, by whom, what they said, and that it is used once.
//!
//! An [`Approval`] is one row of an [`ApprovalStore`]. What the caller asked and what a preview has shown are opaque here:
//! the layer above writes and reads them.

mod approval;
mod binding;
mod code;
mod memory;
pub mod postgres;
mod settings;
mod store;

use crate::store::Id;

pub use approval::{Approval, ApprovalRule, ApprovalState, Asked, NewApproval, Person, Word};
pub use binding::{Binding, Requester};
pub use code::{Checked, Codes};
pub use memory::MemoryApprovals;
pub use postgres::PostgresApprovals;
pub use settings::ApprovalSettings;
pub use store::ApprovalStore;

/// What an [`ApprovalId`] names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfApproval {}

pub type ApprovalId = Id<OfApproval>;
