//! What happened, as events. Call sites emit an [`Event`]; where it goes (log, audit, metrics) is decided here.

mod authorization;
mod event;
pub mod metrics;
mod statement;
pub mod trace;
mod who;
mod witness;

use std::fmt;
use std::sync::Arc;

pub use authorization::Authorization;
pub use event::{Act, Answer, ApprovalStep, Event, Limit, Outcome, Stopped};
pub use statement::Statement;
pub use who::Who;
pub use witness::{Kept, Witness};

use crate::pg::Diagnostic;
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
    witness: Option<Arc<dyn Witness>>,
    tracing: Tracing,
}

impl Telemetry {
    /// The log is always one of them.
    pub fn new(sinks: Vec<Arc<dyn Sink>>) -> Self {
        Self { sinks: sinks.into(), ..Self::default() }
    }

    /// The same, with one that must not miss anything.
    pub fn with_witness(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
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
        self.tell(event);
        if let Some(witness) = &self.witness {
            witness.take(event);
        }
    }

    /// As [`Self::emit`]; done once the witness has it where it stays. Refused with `audit.failed` where that is not to be had:
    /// what the event announces must not begin then.
    pub async fn keep(&self, event: &Event<'_>) -> Result<(), Diagnostic> {
        self.tell(event);
        match &self.witness {
            Some(witness) => witness.keep(event).await,
            None => Ok(()),
        }
    }

    /// Refused with `audit.failed` where a read would go without its record, and must not.
    pub fn may_read(&self) -> Result<(), Diagnostic> {
        self.witness.as_ref().map_or(Ok(()), |witness| witness.may_read())
    }

    /// Refused with `audit.failed` where a write would go without its record.
    pub fn may_write(&self) -> Result<(), Diagnostic> {
        self.witness.as_ref().map_or(Ok(()), |witness| witness.may_write())
    }

    fn tell(&self, event: &Event<'_>) {
        event.log();
        for sink in self.sinks.iter() {
            sink.take(event);
        }
    }
}
