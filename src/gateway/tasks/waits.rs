//! Why a run does not get on: another session's lock, in words that tell its owner nothing new.

use super::desk::Here;
use crate::catalog::Catalog;
use crate::db::{LockWait, Phase};
use crate::gateway::Gateway;
use crate::pg::QualifiedName;

impl Gateway {
    /// Looks at those runs of this process that have no row so far.
    pub(super) async fn look_for_waits(&self) {
        let runs: Vec<Here> = self.desk.here().values().cloned().collect();
        for run in &runs {
            let words = match run.live.progress.phase() {
                Phase::Running => self.waits_of(run, &runs).await,
                Phase::Waiting | Phase::Streaming => None,
            };
            run.live.set_waits(words);
        }
    }

    async fn waits_of(&self, run: &Here, runs: &[Here]) -> Option<String> {
        let progress = &run.live.progress;
        // Backends of a replica are no backends of the primary.
        let backend = progress.backend().filter(|_| progress.replica().is_none())?;
        let served = self.served(run.database.as_deref()).ok()?;
        // Whatever goes wrong here, the run goes on.
        let wait = served.database.lock_wait(backend).await.ok()??;
        let catalog = served.database.catalog()?;
        let own = runs.iter().filter(|other| other.owner == run.owner);
        let own: Vec<i32> = own.filter_map(|other| other.live.progress.backend()).collect();
        let named = run.live.relations.get().map(Vec::as_slice).unwrap_or_default();
        Some(words(&wait, &own, named, &catalog))
    }
}

/// `own` are the backends of the same owner's runs; `named` the relations that the statement names itself.
fn words(wait: &LockWait, own: &[i32], named: &[QualifiedName], catalog: &Catalog) -> String {
    let relation = wait.relation.and_then(|oid| catalog.relation_by_oid(oid));
    let relation = relation.filter(|relation| named.contains(&relation.name));
    let on = relation.map_or_else(String::new, |relation| format!(" on {}", relation.name));
    let holder = match wait.blockers.iter().any(|blocker| own.contains(blocker)) {
        true => "another query of yours",
        false => "another session",
    };
    format!("waiting for {} s for a lock{on} that {holder} holds", wait.waited.as_secs())
}
