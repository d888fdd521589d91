//! What happened, as events. Call sites emit an [`Event`]; where it goes (log, audit, metrics) is decided here.

mod authorization;
mod event;
pub mod metrics;
pub mod trace;

use std::fmt;
use std::sync::Arc;

pub use authorization::Authorization;
pub use event::{Answer, ApprovalStep, Event, Limit, Outcome, Stopped};
use metrics::Source;
use trace::Tracing;

/// Takes events, besides the log.
pub trait Sink: Send + Sync + fmt::Debug {
    /// Never blocks; what it cannot do with the event, it says elsewhere.
    fn take(&self, event: &Event<'_>);

    /// From now on there is somebody who tells of what is not an event.
    fn watch(&self, _source: Arc<dyn Source>) {}
}

/// Sends events to their sinks. Cheap to clone, no global state.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    sinks: Arc<[Arc<dyn Sink>]>,
    tracing: Tracing,
}

impl Telemetry {
    /// The log is always one of them.
    pub fn new(sinks: Vec<Arc<dyn Sink>>) -> Self {
        Self { sinks: sinks.into(), tracing: Tracing::default() }
    }

    /// The same, and events go to `sink` too.
    pub fn with_sink(self, sink: Arc<dyn Sink>) -> Self {
        Self { sinks: self.sinks.iter().cloned().chain([sink]).collect(), ..self }
    }

    pub fn with_tracing(self, tracing: Tracing) -> Self {
        Self { tracing, ..self }
    }

    /// How calls are traced.
    pub fn tracing(&self) -> &Tracing {
        &self.tracing
    }

    /// Shows `source` to the sinks.
    pub fn watch(&self, source: &Arc<dyn Source>) {
        self.sinks.iter().for_each(|sink| sink.watch(Arc::clone(source)));
    }

    /// Emits one event. Never blocks and never fails the caller's request.
    pub fn emit(&self, event: &Event<'_>) {
        event.log();
        for sink in self.sinks.iter() {
            sink.take(event);
        }
    }
}
