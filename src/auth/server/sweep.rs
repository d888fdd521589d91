//! What happens by itself: revocations by other processes are noticed, what has ended is forgotten.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::AuthorizationServer;
use super::verify::RECHECK;
use crate::pg::Diagnostic;

const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Tokens that are asked after at once.
const MOST: usize = 500;

impl AuthorizationServer {
    /// Until `stop`.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut swept = Instant::now();
        let mut failing = false;
        while stop.run_until_cancelled(tokio::time::sleep(RECHECK)).await.is_some() {
            let looked = self.end_revoked().await;
            if let (Err(error), false) = (&looked, failing) {
                warn!(sqlstate = error.sqlstate.as_str(), "revocations are not noticed: {}", error.message);
            }
            failing = looked.is_err();
            if swept.elapsed() >= SWEEP_EVERY {
                swept = Instant::now();
                if let Err(error) = self.store.sweep(self.clock.now()).await {
                    warn!(sqlstate = error.sqlstate.as_str(), "nothing is swept: {}", error.message);
                }
            }
        }
    }

    async fn end_revoked(&self) -> Result<(), Diagnostic> {
        let (hashes, now) = (self.admissions.hashes(), self.clock.now());
        for some in hashes.chunks(MOST) {
            let standing: HashSet<_> = self.store.standing(some).await?.into_iter().collect();
            some.iter()
                .filter(|hash| !standing.contains(*hash))
                .for_each(|hash| self.admissions.end_token(hash, now));
        }
        Ok(())
    }
}
