//! When tokens end: what they began ends with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// What a token began ends after it at the latest.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) type Fingerprint = [u8; 32];

pub(super) fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}

/// By the tokens' hashes. Only tokens that are good come here, and each leaves at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends(Arc<Mutex<HashMap<Fingerprint, Known>>>);

#[derive(Debug)]
struct Known {
    ended: CancellationToken,
    /// A provider that is asked about a token may move its end.
    at: watch::Sender<Instant>,
}

impl Ends {
    /// What fires when the token ends, `left` from now.
    pub(super) fn of(&self, token: Fingerprint, left: Duration) -> CancellationToken {
        let end = Instant::now() + left.min(LONGEST);
        let mut ends = self.lock();
        if let Some(known) = ends.get(&token) {
            known.at.send_replace(end);
            return known.ended.clone();
        }
        let (ended, (at, mut moved)) = (CancellationToken::new(), watch::channel(end));
        ends.insert(token, Known { ended: ended.clone(), at });
        drop(ends);
        let (this, fires) = (self.clone(), ended.clone());
        tokio::spawn(async move {
            loop {
                let end = *moved.borrow_and_update();
                tokio::select! {
                    () = fires.cancelled() => return,
                    Ok(()) = moved.changed() => {}
                    () = sleep_until(end) => return this.end(&token),
                }
            }
        });
        ended
    }

    /// It ends now.
    pub(super) fn end(&self, token: &Fingerprint) {
        let known = self.lock().remove(token);
        if let Some(known) = known {
            known.ended.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Fingerprint, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_that_is_moved_is_kept() {
        let (ends, soon) = (Ends::default(), Duration::from_millis(10));
        let (long, short) = (fingerprint("long"), fingerprint("short"));
        let (later, sooner) = (ends.of(long, Duration::from_secs(2)), ends.of(short, LONGEST));
        ends.of(long, LONGEST);
        ends.of(short, soon);
        tokio::time::sleep(Duration::from_millis(2_300)).await;
        assert!(!later.is_cancelled() && sooner.is_cancelled());
        ends.of(long, soon);
        let ended = tokio::time::timeout(Duration::from_secs(10), later.cancelled()).await;
        assert!(ended.is_ok() && ends.lock().is_empty());
    }
}
