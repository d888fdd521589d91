//! When tokens end: what they began ends with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

/// What a token began ends after it at the latest.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) type Fingerprint = [u8; 32];

pub(super) fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}

/// By the tokens' hashes. Only tokens that are good come here, and each leaves at its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends(Arc<Mutex<HashMap<Fingerprint, CancellationToken>>>);

impl Ends {
    /// What fires when the token ends, `left` from now.
    pub(super) fn of(&self, token: Fingerprint, left: Duration) -> CancellationToken {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ends.get(&token);
        if let Some(known) = known {
            return known.clone();
        }
        let ended = CancellationToken::new();
        ends.insert(token, ended.clone());
        drop(ends);
        let (this, fires) = (self.clone(), ended.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(left.min(LONGEST)) => this.end(&token),
                () = fires.cancelled() => {}
            }
        });
        ended
    }

    /// It ends now.
    pub(super) fn end(&self, token: &Fingerprint) {
        let ended = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
        if let Some(ended) = ended {
            ended.cancel();
        }
    }
}
