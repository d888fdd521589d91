//! The configuration and the files that it names change while the server runs: by SIGHUP, and when they do. SIGHUP opens the
//! audit log's file anew, too.

mod edge;
mod place;
mod proposed;
mod restart;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::arguments::Target;
use super::setup::{Setup, config_file, environment};
use crate::config::{Config, ExternalProvider};
use crate::gateway::Live;
use proposed::{Proposed, Read};

pub(super) use edge::Edge;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(2);
/// Files that change are left until they have not changed for so long: a text that is just being written may lack the
/// half that denies.
const SETTLE: Duration = Duration::from_millis(250);
/// Files that never settle are read nevertheless.
const MOST_CHANGES: usize = 20;

/// Watches until `stop` fires.
pub(super) fn watch(
    live: Live,
    (target, setup): (&Target, &Setup),
    edge: Edge,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let started = Arc::new(setup.config.clone());
    let file = config_file(target.config.clone(), &environment);
    let text = text_of(file.as_deref(), &started);
    let target = target.clone();
    let mut watcher = Watcher { live, edge, target, started, file, text, is_refused: false };
    tokio::spawn(async move {
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK) => false,
            };
            if asked && let Some(audit) = &watcher.edge.audit {
                audit.reopen();
            }
            watcher.look(asked).await;
        }
    });
    Ok(())
}

struct Watcher {
    live: Live,
    edge: Edge,
    target: Target,
    /// What cannot become another without a restart is held against it.
    started: Arc<Config>,
    file: Option<PathBuf>,
    /// A number for what the configuration's file, and those of secrets, held at the last look.
    text: u64,
    /// It was not taken.
    is_refused: bool,
}

impl Watcher {
    async fn look(&mut self, asked: bool) {
        let text = self.text_now().await;
        if asked || self.is_refused || text != self.text {
            self.text = text;
            self.is_refused = !self.whole(asked).await;
            return;
        }
        let changed = self.blocking(|live| live.now().files_changed()).await;
        if changed {
            self.settle().await;
        }
        if changed || self.live.now().has_faults() {
            self.live.now().reload(asked).await;
        }
    }

    /// Everything is read again. Whether it was taken.
    async fn whole(&mut self, asked: bool) -> bool {
        let mut proposed = self.propose().await;
        for _ in 0..MOST_CHANGES {
            let before = self.texts_of(&proposed).await;
            tokio::time::sleep(SETTLE).await;
            self.text = self.text_now().await;
            if self.texts_of(&proposed).await == before {
                break;
            }
            proposed = self.propose().await;
        }
        let now = self.live.now();
        match proposed {
            Ok(Read { proposal, turned }) => {
                let taken = now.adopt(*proposal, asked).await;
                if taken {
                    self.edge.turn(&turned);
                }
                taken
            }
            Err(faults) => {
                now.keep(faults, asked);
                false
            }
        }
    }

    async fn propose(&self) -> Proposed {
        let (live, target, started) = (self.live.clone(), self.target.clone(), Arc::clone(&self.started));
        let file = self.file.clone();
        let read = spawn_blocking(move || proposed::read(&live, &target, file.as_deref(), &started)).await;
        // Of a fault of our own the log has told already.
        read.unwrap_or_else(|_| Err(Vec::new()))
    }

    /// A number for what the files hold now that this was made of.
    async fn texts_of(&self, proposed: &Proposed) -> (u64, u64) {
        let served = proposed.as_ref().map(|read| read.proposal.served.clone()).ok();
        let texts = self.blocking(move |live| match served {
            Some(served) => crate::gateway::texts_of(&served),
            None => live.now().texts(),
        });
        (self.text_now().await, texts.await)
    }

    /// Waits until the files are the same twice.
    async fn settle(&self) {
        let mut before = self.blocking(|live| live.now().texts()).await;
        for _ in 0..MOST_CHANGES {
            tokio::time::sleep(SETTLE).await;
            let now = self.blocking(|live| live.now().texts()).await;
            if now == before {
                return;
            }
            before = now;
        }
    }

    async fn text_now(&self) -> u64 {
        let (file, started) = (self.file.clone(), Arc::clone(&self.started));
        spawn_blocking(move || text_of(file.as_deref(), &started)).await.unwrap_or_default()
    }

    async fn blocking<T: Send + Default + 'static>(
        &self,
        work: impl FnOnce(Live) -> T + Send + 'static,
    ) -> T {
        let live = self.live.clone();
        spawn_blocking(move || work(live)).await.unwrap_or_default()
    }
}

/// Providers stay those of the start, and so do the places of their secrets.
fn text_of(file: Option<&Path>, started: &Config) -> u64 {
    let mut hasher = DefaultHasher::new();
    let secrets = started.auth.external.iter().flat_map(ExternalProvider::secret_files);
    for file in file.into_iter().chain(secrets) {
        let text = std::fs::read_to_string(file).map(Zeroizing::new);
        text.as_deref().map(String::as_str).map_err(ToString::to_string).hash(&mut hasher);
    }
    hasher.finish()
}
