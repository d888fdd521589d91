//! Where approvals are kept.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::{Approval, ApprovalId, ApprovalSettings, NewApproval, Person, Word};
use crate::pg::Diagnostic;

pub type Reply<'a, T> = BoxFuture<'a, Result<T, Diagnostic>>;

/// INVARIANT: an approval goes from pending to approved to used, or ends as refused or expired; what has ended never
/// changes. Each step is one atomic change, so that of several at once one happens.
pub trait ApprovalStore: Send + Sync + Debug {
    fn settings(&self) -> &ApprovalSettings;

    /// Refuses where the requester, or all together, have too many open ones.
    fn create(&self, new: NewApproval) -> Reply<'_, Approval>;

    fn find(&self, id: ApprovalId) -> Reply<'_, Option<Approval>>;

    /// Pending ones, the oldest first; those of one requester, or all.
    fn pending<'a>(&'a self, requester: Option<&'a Person>) -> Reply<'a, Vec<Approval>>;

    /// What `by` says of a pending one, who may say it. `false`: it is not pending, or they have approved it before;
    /// nothing changed.
    fn decide<'a>(&'a self, id: ApprovalId, by: &'a Person, word: &'a Word) -> Reply<'a, bool>;

    /// Takes an approved one with this digest, for good. Of all who try, one is told `true`.
    fn take(&self, id: ApprovalId, digest: [u8; 32]) -> Reply<'_, bool>;

    /// Ends those whose time is over, and tells of each once; forgets those that ended long ago.
    fn expire(&self) -> Reply<'_, Vec<Approval>>;

    /// What changed, also by other processes. One may be missed: whoever waits looks by themselves now and then.
    fn changes(&self) -> broadcast::Receiver<ApprovalId>;
}
