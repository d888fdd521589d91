//! What happened, as events. Call sites emit an [`Event`]; where it goes (log, audit, metrics) is decided here.

mod event;

pub use event::{ApprovalStep, Event, Outcome};

/// Sends events to their sinks. Cheap to clone, no global state.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {}

impl Telemetry {
    /// Emits one event. Never blocks and never fails the caller's request.
    pub fn emit(&self, event: &Event<'_>) {
        event.log();
    }
}
