//! A provider's keys as they were fetched last: one fetch at a time, and none for the asking.
//!
//! Keys rotate: an unknown one is a reason to look, once a minute, since whoever forges tokens can make up as many as they
//! like. While the provider is down its keys hold on for a day.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::algorithm::Algorithm;
use super::fetch::{FetchError, Fetcher};
use super::keys::KeySet;
use super::metadata::{Metadata, MetadataError};
use super::settings::{ProviderSettings, Timing};

#[derive(Debug)]
pub(super) struct Jwks {
    name: String,
    issuer: String,
    uri: Option<String>,
    timing: Timing,
    fetcher: Fetcher,
    state: Mutex<State>,
    /// Held by whoever fetches.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<(Arc<KeySet>, Instant)>,
    tried: Option<Instant>,
    failed: bool,
}

/// No keys can be had at the moment.
#[derive(Debug)]
pub(super) struct NoKeys;

#[derive(Debug, thiserror::Error)]
enum JwksError {
    #[error("its metadata: {0}")]
    Metadata(#[from] MetadataError),
    #[error("its metadata names no `jwks_uri`")]
    NoUri,
    #[error("its keys: {0}")]
    Fetch(#[from] FetchError),
    #[error("its key set has no usable key")]
    NoKey,
}

impl Jwks {
    pub(super) fn new(settings: &ProviderSettings, fetcher: Fetcher) -> Self {
        Self {
            name: settings.name.clone(),
            issuer: settings.issuer.clone(),
            uri: settings.jwks_uri.clone(),
            timing: settings.timing.clone(),
            fetcher,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The provider's keys, fetched anew where they are old or have none for `id` and `algorithm`. They may still have
    /// none then.
    pub(super) async fn keys(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<KeySet>, NoKeys> {
        if let Some(keys) = self.good(id, algorithm) {
            return Ok(keys);
        }
        // While the provider is down nobody waits to hear it again.
        if let Some(keys) = self.kept_on(id, algorithm) {
            drop(self.fetch_apart());
            return Ok(keys);
        }
        // It goes on when the caller goes away: otherwise whoever asks and leaves could have it begin for ever.
        if let Some(fetching) = self.fetch_apart() {
            let _ = fetching.await;
        }
        let keys = self.kept().ok_or(NoKeys)?;
        // Whether a key is unknown only a provider that answers can say.
        if self.state().failed && !keys.has(id, algorithm) { Err(NoKeys) } else { Ok(keys) }
    }

    /// How many keys the provider has now.
    pub(super) async fn examine(&self) -> Result<usize, String> {
        self.fetched().await.map(|keys| keys.len()).map_err(|error| error.to_string())
    }

    fn kept(&self) -> Option<Arc<KeySet>> {
        let state = self.state();
        let (keys, at) = state.keys.as_ref()?;
        (at.elapsed() < self.timing.keep).then(|| Arc::clone(keys))
    }

    fn kept_on(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<KeySet>> {
        let failed = self.state().failed;
        self.kept().filter(|keys| failed && keys.has(id, algorithm))
    }

    /// None where it is not time for it. Of those that ask at once one fetches, and all can wait for it.
    fn fetch_apart(self: &Arc<Self>) -> Option<JoinHandle<()>> {
        let this = self.may_fetch().then(|| Arc::clone(self))?;
        Some(tokio::spawn(async move {
            let _turn = this.turn.lock().await;
            if this.may_fetch() {
                this.fetch().await;
            }
        }))
    }

    fn good(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<KeySet>> {
        let state = self.state();
        let (keys, at) = state.keys.as_ref()?;
        (at.elapsed() < self.timing.fresh && keys.has(id, algorithm)).then(|| Arc::clone(keys))
    }

    fn may_fetch(&self) -> bool {
        let state = self.state();
        let Some(tried) = state.tried else { return true };
        let stale = state.keys.as_ref().is_none_or(|(_, at)| at.elapsed() >= self.timing.fresh);
        let pause: Duration = if stale || state.failed { self.timing.retry } else { self.timing.unknown_key };
        tried.elapsed() >= pause
    }

    async fn fetch(&self) {
        let fetched = self.fetched().await;
        let mut state = self.state();
        state.tried = Some(Instant::now());
        state.failed = fetched.is_err();
        match fetched {
            Ok(keys) => {
                info!(provider = self.name, keys = keys.len(), "keys of a provider fetched");
                state.keys = Some((Arc::new(keys), Instant::now()));
            }
            Err(error) => warn!(provider = self.name, %error, "keys of a provider cannot be had"),
        }
    }

    async fn fetched(&self) -> Result<KeySet, JwksError> {
        let uri = match &self.uri {
            Some(uri) => uri.clone(),
            None => {
                let metadata = Metadata::fetch(&self.fetcher, &self.issuer).await?;
                metadata.jwks_uri.ok_or(JwksError::NoUri)?
            }
        };
        KeySet::parse(&self.fetcher.read(&uri).await?).ok_or(JwksError::NoKey)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
