//! Where a client is known from: the configuration, its registration, its document.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::client::{Client, ClientKind};
use super::document::{self, DocumentFault};
use super::fetch::Fetcher;
use super::seal::{Seal, What};
use super::secret::{Hash, sha256};
use super::store::GrantStore;
use super::throttle::Rate;
use super::{Clock, Settings, TrustedHosts};
use crate::pg::Diagnostic;
use crate::store::MasterKey;

/// Documents in memory.
const MOST_CACHED: usize = 256;
const SHORTEST: TimeDelta = TimeDelta::minutes(5);
const LONGEST: TimeDelta = TimeDelta::days(1);
/// A document that was not good is not asked for again so soon.
const FAULTY_FOR: TimeDelta = TimeDelta::minutes(1);
/// A registered client that is not used for so long ends.
pub(super) const UNUSED: TimeDelta = TimeDelta::days(90);

pub(super) struct Clients {
    configured: HashMap<String, Client>,
    trusted: TrustedHosts,
    pub(super) registration: bool,
    pub(super) store: Arc<dyn GrantStore>,
    pub(super) seal: Seal,
    fetcher: Arc<dyn Fetcher>,
    cache: Mutex<HashMap<String, Cached>>,
    by_person: Rate,
    by_host: Rate,
    pub(super) by_address: Rate,
    pub(super) clock: Clock,
}

struct Cached {
    read: Result<Client, DocumentFault>,
    until: DateTime<Utc>,
}

impl Clients {
    pub(super) fn new(
        settings: &Settings,
        store: Arc<dyn GrantStore>,
        key: &MasterKey,
        fetcher: Arc<dyn Fetcher>,
        clock: Clock,
    ) -> Self {
        let configured = settings.clients.iter().map(|client| {
            let known = Client {
                id: client.id.clone(),
                name: client.name.clone(),
                kind: ClientKind::Configured,
                redirect_uris: client.redirect_uris.clone(),
                secret: client.secret_sha256,
            };
            (client.id.clone(), known)
        });
        Self {
            configured: configured.collect(),
            trusted: settings.trusted.clone(),
            registration: settings.registration,
            store,
            seal: Seal::new(key),
            fetcher,
            cache: Mutex::default(),
            by_person: Rate::new(20, TimeDelta::minutes(10)),
            by_host: Rate::new(60, TimeDelta::minutes(10)),
            by_address: Rate::new(10, TimeDelta::hours(1)),
            clock,
        }
    }

    /// One that is known without a look at the network.
    pub(super) async fn known(&self, id: &str) -> Result<Option<Client>, Diagnostic> {
        if let Some(client) = self.configured.get(id) {
            return Ok(Some(client.clone()));
        }
        if !self.registration || !id.starts_with(super::registration::PREFIX) {
            return Ok(None);
        }
        let (hash, now) = (sha256(id.as_bytes()), self.clock.now());
        let row = self.store.client(hash).await?.filter(|row| row.ends > now);
        row.map(|row| self.seal.open(&hash, What::Client, &row.body)).transpose()
    }

    /// A registered client was given a token: it stays.
    pub(super) async fn used(&self, id: &str) -> Result<(), Diagnostic> {
        if !self.registration || !id.starts_with(super::registration::PREFIX) {
            return Ok(());
        }
        self.store.keep_client(sha256(id.as_bytes()), self.clock.now() + UNUSED).await
    }

    /// Where the document of `client_id` is; or why nobody goes there.
    pub(super) fn document_url(&self, client_id: &str) -> Result<Url, &'static str> {
        let Some(url) = document::url(client_id) else {
            return Err(
                "the client is not known: its client_id is neither registered nor the URL of a metadata document",
            );
        };
        match url.host_str().is_some_and(|host| self.trusted.has(host)) {
            true => Ok(url),
            false => {
                Err("the client is not trusted here: its host is not among those whose clients may connect")
            }
        }
    }

    /// The client of a document, for somebody who has logged in.
    pub(super) async fn document(&self, url: &Url, person: &Hash) -> Result<Client, DocumentFault> {
        let now = self.clock.now();
        if let Some(read) = self.cached(url, now) {
            return read;
        }
        let person: String = person.iter().map(|byte| format!("{byte:02x}")).collect();
        let host = url.host_str().unwrap_or_default();
        if !self.by_person.allows(&person, now) || !self.by_host.allows(host, now) {
            return Err(DocumentFault::TooOften);
        }
        let fetched = self.fetcher.fetch(url).await.map_err(DocumentFault::Fetch);
        let (read, lasts) = match fetched {
            Ok(fetched) => {
                let lasts = fetched.max_age.unwrap_or(SHORTEST).clamp(SHORTEST, LONGEST);
                (document::client(url, &fetched.body, &self.trusted), lasts)
            }
            Err(fault) => (Err(fault), FAULTY_FOR),
        };
        let lasts = if read.is_err() { FAULTY_FOR } else { lasts };
        self.keep(url, Cached { read: read.clone(), until: now + lasts });
        read
    }

    fn cached(&self, url: &Url, now: DateTime<Utc>) -> Option<Result<Client, DocumentFault>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(url.as_str()).filter(|cached| cached.until > now).map(|cached| cached.read.clone())
    }

    fn keep(&self, url: &Url, cached: Cached) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= MOST_CACHED {
            let first = cache.iter().min_by_key(|(_, cached)| cached.until).map(|(url, _)| url.clone());
            first.map(|first| cache.remove(&first));
        }
        cache.insert(url.as_str().to_owned(), cached);
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clients({} configured)", self.configured.len())
    }
}
