//! What the people who operate the server see of it, and may do: the use cases of the operations page.

mod acts;
mod connected;
mod latency;
mod recent;
mod running;
mod snapshot;
mod text;
mod trial;

use std::sync::{Arc, OnceLock};

use running::Running;

pub use acts::{Acted, Stoppable};
pub use connected::{Connected, SessionView};
pub use latency::Latency;
pub use recent::{CallerView, Recent, RecentDecision, Told};
pub use running::RunningView;
pub(super) use running::{Doing, Entered};
pub use snapshot::{DatabaseView, PolicyView, QueuedView, Snapshot, Unrecorded};
pub use text::Worded;
pub use trial::{Trial, TrialRequest, Tried, cost};

/// What a gateway knows of itself for them.
#[derive(Debug, Default)]
pub(super) struct Operations {
    running: Arc<Running>,
    /// Where the page is served.
    recent: OnceLock<Arc<Recent>>,
    connected: OnceLock<Arc<dyn Connected>>,
}

impl Operations {
    pub(super) fn enter(&self, database: &Arc<str>, doing: &Doing<'_>) -> Entered {
        self.running.enter(database, doing, self.recent.get().map(|recent| recent.statements()))
    }

    /// Operators have ended what still runs as `query_id`.
    pub(super) fn has_stopped(&self, query_id: &str) -> bool {
        self.running.has_stopped(query_id)
    }
}

impl super::Gateway {
    /// What `recent` was told is shown from here on. It is a sink of the events too.
    pub fn show_recent(&self, recent: Arc<Recent>) {
        // There is one page in a process.
        let _ = self.operations.recent.set(recent);
    }

    /// Who is connected is asked of `connected` from here on.
    pub fn show_connected(&self, connected: Arc<dyn Connected>) {
        let _ = self.operations.connected.set(connected);
    }
}
