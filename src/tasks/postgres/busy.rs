//! Who has open tasks: asked for again only after something was told to have changed. A caller who has none, and that is
//! almost every one, costs the store nothing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Mutex, MutexGuard};

use super::PostgresStore;
use super::statements::BUSY;
use crate::pg::Diagnostic;
use crate::store::fault;
use crate::tasks::{Change, Owner};

/// Changes come in crowds: so long one answer holds for all.
const FRESH: Duration = Duration::from_millis(100);
/// What was told may have been lost.
const STALE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Busy(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    owners: HashSet<Owner>,
    changes: Receiver<Change>,
    changed: bool,
    at: Option<Instant>,
}

impl Busy {
    pub(super) fn new(changes: Receiver<Change>) -> Self {
        Self(Mutex::new(Seen { owners: HashSet::new(), changes, changed: false, at: None }))
    }

    /// This process has made one of its tasks.
    pub(super) async fn add(&self, owner: Owner) {
        self.0.lock().await.owners.insert(owner);
    }
}

impl PostgresStore {
    /// `false`: the owner had no open task a moment ago.
    pub(super) async fn may_be_busy(&self, owner: &Owner) -> Result<bool, Diagnostic> {
        let mut seen = self.busy.0.lock().await;
        if seen.is_old() {
            self.look(&mut seen).await?;
        }
        Ok(seen.owners.contains(owner))
    }

    async fn look(&self, seen: &mut MutexGuard<'_, Seen>) -> Result<(), Diagnostic> {
        let mut owners = HashSet::new();
        for record in self.read(BUSY, &[]).await? {
            let text = |column| record.text(column).map_err(fault);
            owners.insert(Owner { issuer: text(0)?, subject: text(1)?, client: text(2)? });
        }
        seen.owners = owners;
        seen.changed = false;
        seen.at = Some(Instant::now());
        Ok(())
    }
}

impl Seen {
    fn is_old(&mut self) -> bool {
        while let Ok(_) | Err(TryRecvError::Lagged(_)) = self.changes.try_recv() {
            self.changed = true;
        }
        match self.at.map(|at| at.elapsed()) {
            None => true,
            Some(age) => age >= STALE || self.changed && age >= FRESH,
        }
    }
}
