//! Beside all callers: how far the primary has written and what the replicas have replayed, twice a second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use super::Replicas;
use super::marks::{self, Marks, Written};
use super::standing::PATIENCE;
use crate::db::error;
use crate::db::pool::Pool;
use crate::pg::Diagnostic;

const TICK: Duration = Duration::from_millis(500);
/// While replicas come after a write.
const SOON: Duration = Duration::from_millis(50);
/// How long they are asked so often.
const COMING: Duration = Duration::from_secs(2);

/// Ends with the replicas, or when they are closed.
pub(super) async fn watch(replicas: Weak<Replicas>, primary: Pool) {
    while let Some(these) = replicas.upgrade() {
        these.look(&primary).await;
        let pause = if these.come_after_a_write() { SOON } else { TICK };
        let (nudged, closed) = (Arc::clone(&these.nudged), these.closed.clone());
        drop(these);
        tokio::select! {
            () = closed.cancelled() => return,
            () = nudged.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Replicas {
    /// One look at all of them. The primary is asked first: what replicas say then may hold what it said.
    pub(super) async fn look(&self, primary: &Pool) {
        let asked = Instant::now();
        if let Ok(Ok(written)) = timeout(PATIENCE, written(primary)).await {
            let mut marks = self.marks();
            match written {
                Some(written) => {
                    let marks = marks.get_or_insert_with(|| Marks::new(written.system));
                    marks.add(asked, &written, self.limit);
                }
                // `url` leads to a standby: of what, nobody can say.
                None => *marks = None,
            }
        }
        let system = self.marks().as_ref().map(Marks::system);
        let looks = self.all.iter().map(|replica| replica.look(&self.database, system));
        join_all(looks).await;
    }

    fn come_after_a_write(&self) -> bool {
        let Some(wrote) = self.wrote().filter(|wrote| wrote.elapsed() < COMING) else { return false };
        let needed = self.marks().as_ref().and_then(|marks| marks.needed(wrote));
        let behind = |needed| !self.all.iter().any(|replica| replica.standing().meets(&needed));
        needed.is_none_or(behind)
    }
}

async fn written(primary: &Pool) -> Result<Option<Written>, Diagnostic> {
    let mut lease = primary.lease(PATIENCE).await?;
    let link = lease.link().ok_or_else(error::lost)?;
    let written = marks::written(link.client()).await.map_err(|e| error::diagnostic(&e))?;
    lease.keep();
    Ok(written)
}
