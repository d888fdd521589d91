//! The audit log: each event as one line of JSON, chained by hashes, in a file, on stdout or in PostgreSQL.
//!
//! [`Audit`] takes events into a bounded queue; a thread of its own prints, chains and appends them (`writer`). What must not
//! happen without its record waits for it. `verify` reads what is there again.

mod chain;
mod fault;
mod file;
mod folder;
mod key;
mod place;
mod queue;
mod read;
mod record;
mod rotation;
mod settings;
mod stdout;
mod store;
mod tail;
mod verify;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

pub use chain::Head;
pub use key::Key;
pub use read::{AuditStore, files_of, first_of};
pub use settings::{At, Required, Settings, Statements};
pub use verify::{Break, Report, Verifier};

use crate::pg::Diagnostic;
use crate::telemetry::{Event, Kept, Sink, Witness};
use fault::Fault;
use queue::{Queue, Task};
use record::Draft;

/// A record that is not there to stay by then is missing: what it announces does not begin.
const PATIENCE: Duration = Duration::from_secs(5);
/// For what is queued when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Between two looks for a place in the queue.
const LOOK: Duration = Duration::from_millis(10);

/// Where the events of this process are recorded.
#[derive(Debug)]
pub struct Audit {
    queue: Arc<Queue>,
    required: Required,
    statements: ArcSwap<Statements>,
}

impl Audit {
    /// Looks at what is there, and appends the record of this start. Fails where that cannot be done.
    pub async fn open(settings: Settings) -> Result<Arc<Self>, Diagnostic> {
        let (required, statements) = (settings.required, settings.statements);
        let begun = Draft::started(&settings);
        let place = place::open(settings).await.map_err(|fault| fault.at_start())?;
        let (queue, tasks) = Queue::new();
        let queue = Arc::new(queue);
        writer::start(place, Arc::clone(&queue), tasks).map_err(|fault| fault.at_start())?;
        let audit = Arc::new(Self { queue, required, statements: ArcSwap::from_pointee(statements) });
        audit.kept(begun).await.map_err(|fault| fault.at_start())?;
        Ok(audit)
    }

    /// Records that much of statements from here on.
    pub fn record_statements(&self, statements: Statements) {
        self.statements.store(Arc::new(statements));
    }

    /// Lets go of the file and opens the one of that name, as after `logrotate`.
    pub fn reopen(&self) {
        // Where there is no place, the file's name is looked at all the same.
        let _ = self.queue.order(Task::Reopen);
    }

    /// Appends what is queued, and the record of this end.
    pub async fn close(&self) {
        let (done, ended) = oneshot::channel();
        let stopping = async {
            self.queue.put(Draft::stopped(), None);
            let mut stop = Task::Stop(done);
            while let Err(again) = self.queue.order(stop) {
                stop = again;
                tokio::time::sleep(LOOK).await;
            }
            ended.await
        };
        if tokio::time::timeout(LAST_WORDS, stopping).await.is_err() {
            tracing::error!("the audit log cannot be written: records of the last calls are lost");
        }
    }

    /// Waits until its record is there to stay.
    async fn kept(&self, draft: Draft) -> Result<(), Fault> {
        let (done, kept) = oneshot::channel();
        if !self.queue.put(draft, Some(done)) {
            return Err(self.queue.failing().unwrap_or_default());
        }
        match tokio::time::timeout(PATIENCE, kept).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) | Err(_) => Err(self.queue.failing().unwrap_or_default()),
        }
    }
}

impl Sink for Audit {
    fn take(&self, event: &Event<'_>) {
        if let Some(draft) = Draft::of(event, **self.statements.load()) {
            self.queue.put(draft, None);
        }
    }
}

impl Witness for Audit {
    fn keep(&self, event: &Event<'_>) -> Kept<'_> {
        if let Some(fault) = self.queue.failing() {
            // What does not begin leaves its decision and its refusal; of what has begun, the end is owed.
            if !matches!(event, Event::Write { .. }) {
                self.take(event);
            }
            return async move { Err(fault.refusal()) }.boxed();
        }
        let draft = Draft::of(event, **self.statements.load());
        async move {
            match draft {
                Some(draft) => self.kept(draft).await.map_err(|fault| fault.refusal()),
                None => Ok(()),
            }
        }
        .boxed()
    }

    fn may_read(&self) -> Result<(), Diagnostic> {
        match self.required {
            Required::Writes => Ok(()),
            Required::All => self.may_write(),
        }
    }

    fn may_write(&self) -> Result<(), Diagnostic> {
        self.queue.failing().map_or(Ok(()), |fault| Err(fault.refusal()))
    }
}
