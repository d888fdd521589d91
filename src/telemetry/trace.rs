//! One call as OpenTelemetry shows it: a span of the server, and below it one for each statement.
//!
//! A call's context is kept in the `tracing` span that it runs in: what it logs has its trace id, and what it asks of
//! PostgreSQL is a part of it, without being handed down. Nothing here holds a row, a parameter or a statement's text.

mod context;
mod exporter;
mod otlp;
mod queue;
mod span;

use std::fmt;
use std::time::SystemTime;

pub use context::{Context, TARGET};
pub use exporter::{Exporter, ExporterError};
pub use queue::Queue;
pub use span::{DatabaseSpan, Span};

use context::Parent;
use span::Kind;

/// How calls are traced.
#[derive(Clone, Debug, Default)]
pub struct Tracing {
    /// How many of a million calls are exported.
    pub millionths: u32,
    /// Statements of a traced call say so to PostgreSQL.
    pub comment: bool,
    /// Where spans go; without it none are made.
    pub queue: Option<Queue>,
}

/// What came with a request. Whoever sent it chose it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    /// In the request's `_meta`.
    pub traceparent: Option<&'a str>,
    pub tracestate: Option<&'a str>,
    /// In the header of HTTP.
    pub http: Option<&'a str>,
}

/// The trace of one call. Without one, everything here does nothing.
pub struct Call {
    entered: tracing::Span,
    span: Option<Span>,
}

impl Tracing {
    /// Begins the span of a call, if it is sampled. Neither the caller's wish nor their trace id decides that.
    pub fn call(&self, given: &Given<'_>) -> Call {
        let parent = given.traceparent.and_then(Parent::parse);
        let sampled = self.queue.is_some() && random_u64() % 1_000_000 < u64::from(self.millionths);
        if parent.is_none() && !sampled {
            return Call { entered: tracing::Span::none(), span: None };
        }
        let trace = parent.map_or_else(random_u128, |parent| parent.trace);
        let queue = self.queue.clone().filter(|_| sampled);
        let context = Context { trace, span: random_u64(), comment: self.comment, queue };
        let entered = context.enter();
        let span = context.queue.is_some().then(|| {
            let state = given.tracestate.filter(|state| parent.is_some() && context::is_state(state));
            Span {
                parent: parent.map(|parent| parent.span),
                state: state.map(str::to_owned),
                link: given.http.and_then(Parent::parse).filter(|http| Some(*http) != parent),
                kind: Kind::Server,
                ..Span::new(context, SystemTime::now())
            }
        });
        Call { entered, span }
    }
}

impl Call {
    /// What the call runs in.
    pub fn entered(&self) -> &tracing::Span {
        &self.entered
    }

    /// It ended: the span goes to its collector. `with` adds what is known of it, where there is one.
    pub fn end(&mut self, with: impl FnOnce(&mut Span)) {
        if let Some(mut span) = self.span.take() {
            with(&mut span);
            span.end();
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?})", self.span)
    }
}

/// Never 0: that is no id.
fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    // Without random bytes there are no ids, and whatever is traced can be told apart by nobody; calls go on.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes).max(1)
}

fn random_u128() -> u128 {
    u128::from(random_u64()) << 64 | u128::from(random_u64())
}
