//! Whoever has no valid token left leaves nothing behind: running tasks end, answers are forgotten, and so are own logins.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::auth::server::Revoked;
use crate::auth::{Caller, Ending, TokenStore};
use crate::gateway::Live;

/// Between two looks at the tokens.
const LOOK: Duration = Duration::from_secs(2);

/// Watches until `stop` fires.
pub(super) fn watch(live: Live, tokens: Arc<TokenStore>, stop: CancellationToken) {
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
                match live.now().forget(&Caller::local(subject)).await {
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

/// The same for whoever's authorization was taken back, until the server of authorizations is gone.
pub(super) fn listen(live: Live, mut endings: Receiver<Revoked>) {
    tokio::spawn(async move {
        loop {
            match endings.recv().await {
                Ok(Revoked { caller, was_last }) => {
                    let forgotten = match was_last {
                        true => live.now().forget(&caller).await,
                        false => live.now().forget_tasks(&caller).await,
                    };
                    if let Err(error) = forgotten {
                        warn!(
                            subject = caller.subject,
                            error = error.message,
                            "tasks could not be forgotten"
                        );
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    warn!(missed, "endings were missed: their tasks expire by themselves")
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}

/// What runs under a login that a person gave ends with the token that it was given for.
pub(super) fn close(live: Live, mut endings: Receiver<Ending>) {
    tokio::spawn(async move {
        loop {
            match endings.recv().await {
                Ok(Ending { person, database }) => live.now().close_login(&person, &database),
                Err(RecvError::Lagged(missed)) => {
                    warn!(missed, "endings were missed: their connections close when they are idle");
                }
                Err(RecvError::Closed) => return,
            }
        }
    });
}
