//! A provider's metadata as logins need it: asked for seldom, however many begin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tracing::warn;

use super::fetch::Fetcher;
use super::metadata::Metadata;
use super::settings::ProviderSettings;

#[derive(Debug)]
pub(super) struct Discovery {
    name: String,
    issuer: String,
    fresh: Duration,
    retry: Duration,
    fetcher: Fetcher,
    /// Held while it is fetched. `None` in it: it could not be.
    last: Mutex<Option<(Option<Arc<Metadata>>, Instant)>>,
}

impl Discovery {
    pub(super) fn new(settings: &ProviderSettings, fetcher: Fetcher) -> Self {
        Self {
            name: settings.name.clone(),
            issuer: settings.issuer.clone(),
            fresh: settings.timing.fresh,
            retry: settings.timing.retry,
            fetcher,
            last: Mutex::default(),
        }
    }

    /// None while the provider does not answer. Asking goes on when the caller goes away.
    pub(super) async fn metadata(self: &Arc<Self>) -> Option<Arc<Metadata>> {
        let this = Arc::clone(self);
        tokio::spawn(async move { this.asked().await }).await.ok().flatten()
    }

    async fn asked(&self) -> Option<Arc<Metadata>> {
        let mut last = self.last.lock().await;
        if let Some((metadata, at)) = &*last
            && at.elapsed() < if metadata.is_some() { self.fresh } else { self.retry }
        {
            return metadata.clone();
        }
        let fetched = Metadata::fetch(&self.fetcher, &self.issuer).await;
        let failed = |error: &_| warn!(provider = self.name, %error, "a provider's metadata cannot be had");
        let metadata = fetched.inspect_err(failed).ok().map(Arc::new);
        *last = Some((metadata.clone(), Instant::now()));
        metadata
    }
}
