//! Between calls and the exporter. Nobody waits here: what does not fit is dropped, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::span::Span;
use crate::telemetry::metrics::series::SPANS;
use crate::telemetry::metrics::{Page, Source};

/// Spans that wait at the most: a few megabytes.
const PLACES: usize = 4_096;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Queue {
    places: mpsc::Sender<Span>,
    counts: Arc<Counts>,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub exported: AtomicU64,
    pub dropped: AtomicU64,
    pub failed: AtomicU64,
}

impl Queue {
    pub(super) fn new() -> (Self, mpsc::Receiver<Span>) {
        let (places, waiting) = mpsc::channel(PLACES);
        (Self { places, counts: Arc::default() }, waiting)
    }

    pub(super) fn push(&self, span: Span) {
        if self.places.try_send(span).is_err() {
            self.counts.dropped.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }
}

impl Source for Queue {
    fn read(&self) -> BoxFuture<'_, Page> {
        let mut page = Page::default();
        let Counts { exported, dropped, failed } = &*self.counts;
        for (result, count) in [("exported", exported), ("dropped", dropped), ("failed", failed)] {
            page.count(&SPANS, &[result], usize::try_from(count.load(Relaxed)).unwrap_or(usize::MAX));
        }
        async move { page }.boxed()
    }
}
