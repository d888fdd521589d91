//! Whoever has no valid token left leaves nothing behind: running tasks end, and answers are forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::auth::TokenStore;
use crate::gateway::Gateway;

/// Between two looks at the tokens.
const LOOK: Duration = Duration::from_secs(2);

/// Watches until `stop` fires.
pub(super) fn watch(gateway: Gateway, tokens: Arc<TokenStore>, stop: CancellationToken) {
    tokio::spawn(async move {
        let mut before = tokens.subjects();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = tokens.subjects();
            let mut left: BTreeSet<String> = BTreeSet::new();
            for subject in before.difference(&now) {
                match gateway.forget(subject).await {
                    Ok(()) => info!(subject, "no token is left: tasks and answers are forgotten"),
                    Err(error) => {
                        warn!(subject, error = error.message, "tasks could not be forgotten: tried again");
                        left.insert(subject.clone());
                    }
                }
            }
            before = now;
            before.append(&mut left);
        }
    });
}
