//! One look at the server for all who watch: however many there are, it is asked once a second at the most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maud::{Markup, PreEscaped, html};
use tokio::sync::Mutex;

use super::{connected, databases, recent, running, suspended};
use crate::gateway::{Live, Snapshot, Unrecorded};

const GOOD_FOR: Duration = Duration::from_secs(1);

pub(super) struct Watch {
    gateway: Live,
    last: Mutex<Option<(Instant, Arc<str>)>>,
}

impl Watch {
    pub(super) fn new(gateway: Live) -> Self {
        Self { gateway, last: Mutex::default() }
    }

    /// The panels, the same for everybody.
    pub(super) async fn panels(&self) -> Markup {
        // Held while it is asked: those who come meanwhile share the answer.
        let mut last = self.last.lock().await;
        if let Some((at, html)) = &*last
            && at.elapsed() < GOOD_FOR
        {
            return PreEscaped(html.to_string());
        }
        let panels = panels(&self.gateway.now().snapshot().await);
        *last = Some((Instant::now(), panels.0.as_str().into()));
        panels
    }

    /// Something was done: the next look is a new one.
    pub(super) async fn forget(&self) {
        *self.last.lock().await = None;
    }
}

fn panels(snapshot: &Snapshot) -> Markup {
    let time = snapshot.at.format("%H:%M:%S");
    html! {
        p #moment .quiet.small { "As of " time { (time) " UTC" } }
        @if let Some(unrecorded) = snapshot.unrecorded { (not_recorded(unrecorded)) }
        (suspended::panel(snapshot))
        (databases::panel(snapshot))
        (running::panel(snapshot))
        (recent::decisions(snapshot))
        (connected::panel(snapshot))
        (recent::told(snapshot))
    }
}

fn not_recorded(Unrecorded { reads }: Unrecorded) -> Markup {
    html! {
        p #unrecorded .error role="alert" {
            "The audit log cannot be written. "
            @if reads { "Every statement is refused" } @else { "Whatever writes is refused" }
            ", and nothing can be resumed. What is cancelled or suspended now is done, and recorded only once the log can be \
             written again: not, if this process is killed before."
        }
    }
}
