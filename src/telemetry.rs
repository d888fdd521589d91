//! What happened, as events. Call sites emit an [`Event`]; where it goes (log, audit, metrics) is decided here.

mod authorization;
mod event;

use std::fmt;
use std::sync::Arc;

pub use authorization::Authorization;
pub use event::{ApprovalStep, Event, Outcome};

/// Takes events, besides the log.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Never blocks; what it cannot do with the event, it says elsewhere.
    fn take(&self, event: &Event<'_>);
}

/// Sends events to their sinks. Cheap to clone, no global state.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    sinks: Arc<[Arc<dyn Sink>]>,
}

impl Telemetry {
    /// The log is always one of them.
    pub fn new(sinks: Vec<Arc<dyn Sink>>) -> Self {
        Self { sinks: sinks.into() }
    }

    /// Emits one event. Never blocks and never fails the caller's request.
    pub fn emit(&self, event: &Event<'_>) {
        event.log();
        for sink in self.sinks.iter() {
            sink.take(event);
        }
    }
}
