//! A sink that is asked before something happens.

use futures_util::future::BoxFuture;

use super::{Event, Sink};
use crate::pg::Diagnostic;

/// Whether the record of an event is where it stays.
pub type Kept<'w> = BoxFuture<'w, Result<(), Diagnostic>>;

/// Keeps records that nothing is done without. Its refusals name the rule `audit.failed`.
pub trait Witness: Sink {
    /// Takes the event at once; the future waits, for a bounded time, until its record outlives a crash of the machine.
    fn keep(&self, event: &Event<'_>) -> Kept<'_>;

    /// An error while records cannot be kept, and reads may not go without.
    fn may_read(&self) -> Result<(), Diagnostic>;

    /// An error while records cannot be kept.
    fn may_write(&self) -> Result<(), Diagnostic>;
}
