//! Policies and saved queries change while the server runs: by SIGHUP, and when their files do. SIGHUP opens the audit log's
//! file anew, too.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::audit::Audit;
use crate::gateway::Gateway;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);
/// Files that change are left until they have not changed for so long: a text that is just being written may lack the
/// half that denies.
const SETTLE: Duration = Duration::from_millis(250);
/// Files that never settle are read nevertheless.
const MOST_CHANGES: usize = 20;

/// Watches until `stop` fires.
pub(super) fn watch(
    gateway: Gateway,
    audit: Option<Arc<Audit>>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            if asked && let Some(audit) = &audit {
                audit.reopen();
            }
            let changed = changed(&gateway).await;
            if changed {
                settle(&gateway).await;
            }
            if asked || changed || gateway.policies_have_faults() || gateway.saved_have_faults() {
                // Policies first: saved queries are held against them.
                gateway.reload(asked).await;
                gateway.reload_saved(asked).await;
            }
        }
    });
    Ok(())
}

async fn changed(gateway: &Gateway) -> bool {
    let gateway = gateway.clone();
    tokio::task::spawn_blocking(move || gateway.policies_changed() || gateway.saved_files_changed())
        .await
        .unwrap_or(false)
}

/// Waits until the files are the same twice.
async fn settle(gateway: &Gateway) {
    let mut before = texts(gateway).await;
    for _ in 0..MOST_CHANGES {
        tokio::time::sleep(SETTLE).await;
        let now = texts(gateway).await;
        if now == before {
            return;
        }
        before = now;
    }
}

async fn texts(gateway: &Gateway) -> (Vec<u64>, Vec<Result<String, String>>) {
    let gateway = gateway.clone();
    tokio::task::spawn_blocking(move || (gateway.policy_texts(), gateway.saved_texts()))
        .await
        .unwrap_or_default()
}
