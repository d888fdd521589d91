//! The front door of `serve`: by which tokens callers prove who they are, who gives them out, and the pages where people
//! log in, allow and approve.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use chrono::Utc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::revoked;
use super::setup::{Setup, shared_store};
use crate::approvals::Codes;
use crate::auth::external::{Login, ProviderSettings, Providers};
use crate::auth::server::{
    AuthorizationServer, Clock, GrantStore, Lifetimes, MemoryGrants, Parts, PostgresGrants, Sessions,
    Settings, WebFetcher,
};
use crate::auth::{Authenticator, Credentials, Issuer, PublicUrl, Target, TokenStore, Verifier};
use crate::config::{Config, DatabaseEntry, EmbeddedAuth, ExternalProvider};
use crate::db::Proof;
use crate::gateway::{Live, RunAs};
use crate::mcp::{self, ApprovalPage, Authentication};
use crate::pg::Diagnostic;
use crate::store::MasterKey;
use crate::web::{LoopbackParts, Pages, PagesParts};

/// Between two looks at what has ended in the store.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Who is let in, and what they see.
pub(super) struct Front {
    pub(super) authentication: Authentication,
    pub(super) pages: Pages,
    /// Whose secrets may become others.
    pub(super) providers: Vec<ProviderSettings>,
}

/// `settings` get to know who gives out tokens, and where people approve.
pub(super) async fn over_http(
    setup: &Setup,
    gateway: &Live,
    tokens: Option<Arc<TokenStore>>,
    settings: &mut mcp::Settings,
    stop: &CancellationToken,
) -> anyhow::Result<Front> {
    let auth = &setup.config.auth;
    let mut verifiers: Vec<Arc<dyn Verifier>> = Vec::new();
    verifiers.extend(tokens.map(|tokens| tokens as Arc<dyn Verifier>));
    let kept = if auth.embedded.is_some() || !auth.external.is_empty() {
        Kept::open(&setup.config).await?
    } else {
        Kept::in_memory(Lifetimes::default())?
    };
    let server = match &auth.embedded {
        Some(embedded) => Some(server(setup, embedded, &kept)?),
        None => None,
    };
    if let Some(server) = &server {
        settings.http.issuers.push(Issuer::new(server.settings().issuer.clone()));
        verifiers.push(Arc::clone(server) as Arc<dyn Verifier>);
        revoked::listen(gateway.clone(), server.endings());
        tokio::spawn(Arc::clone(server).watch(stop.clone()));
    }
    let (mut logins, mut kept_providers) = (Vec::new(), Vec::new());
    let mut issuers: Vec<String> = server.iter().map(|server| server.settings().issuer.clone()).collect();
    if !auth.external.is_empty() {
        let providers = auth.external.iter().map(ExternalProvider::with_secrets);
        let providers: Vec<ProviderSettings> = providers.collect::<Result<_, _>>()?;
        settings.http.issuers.extend(providers.iter().map(ProviderSettings::as_issuer));
        issuers.extend(providers.iter().filter(|p| p.login.is_some()).map(|p| p.issuer.clone()));
        kept_providers.clone_from(&providers);
        let providers = Providers::new(providers)?;
        logins = providers.logins();
        verifiers.push(Arc::new(providers));
    }
    let pages = match &setup.config.server.public_url {
        Some(public) if server.is_some() || !logins.is_empty() => {
            settings.approvals = ApprovalPage::public(public.origin());
            if server.is_none() {
                kept.sweep_until(stop.clone());
            }
            settings.credentials = credentials(setup, issuers, gateway, server.as_deref())?;
            let (logins, credentials) = ((server, logins), settings.credentials.clone());
            kept.pages(&setup.config, public, logins, gateway, credentials)
        }
        _ => Pages::default(),
    };
    let authentication = match verifiers.is_empty() {
        true => Authentication::Open(setup.caller()),
        false => Authentication::Bearer(Authenticator::new(verifiers)),
    };
    Ok(Front { authentication, pages, providers: kept_providers })
}

/// Beside a client on stdio: pages on loopback, opened when a person is asked for something.
pub(super) fn on_stdio(
    setup: &Setup,
    gateway: &Live,
    settings: &mut mcp::Settings,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    settings.credentials = credentials(setup, vec![setup.caller().issuer], gateway, None)?;
    let codes = Arc::new(Codes::new(gateway.now().approval_settings().ttl));
    let parts = LoopbackParts {
        gateway: gateway.clone(),
        caller: setup.caller(),
        codes: Arc::clone(&codes),
        credentials: settings.credentials.clone(),
        key: MasterKey::random().map_err(words)?,
    };
    let pages = move |address| Pages::loopback(address, parts.clone());
    settings.approvals = ApprovalPage::loopback(pages, codes, stop.clone());
    Ok(())
}

/// Where grants and sessions are kept, and the key that seals them.
struct Kept {
    store: Arc<dyn GrantStore>,
    key: MasterKey,
    lifetimes: Lifetimes,
}

impl Kept {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let lifetimes = config.auth.embedded.as_ref().map(|embedded| embedded.settings.lifetimes.clone());
        let lifetimes = lifetimes.unwrap_or_default();
        Ok(match shared_store(config)? {
            Some(shared) => {
                let store = PostgresGrants::open(shared.connection).await.map_err(words)?;
                Self { store: Arc::new(store), key: shared.key, lifetimes }
            }
            None => Self::in_memory(lifetimes)?,
        })
    }

    fn in_memory(lifetimes: Lifetimes) -> anyhow::Result<Self> {
        let key = MasterKey::random().map_err(words)?;
        Ok(Self { store: Arc::new(MemoryGrants::default()), key, lifetimes })
    }

    fn pages(
        &self,
        config: &Config,
        public: &PublicUrl,
        (server, providers): (Option<Arc<AuthorizationServer>>, Vec<Login>),
        gateway: &Live,
        credentials: Option<Arc<Credentials>>,
    ) -> Pages {
        Pages::new(PagesParts {
            public_url: public.clone(),
            hosts: config.server.allowed_hosts.clone(),
            key: self.key.clone(),
            sessions: Sessions::new(Arc::clone(&self.store), &self.key, &self.lifetimes, Clock::default()),
            server,
            providers,
            gateway: gateway.clone(),
            credentials,
        })
    }

    /// What the authorization server does where there is one.
    fn sweep_until(&self, stop: CancellationToken) {
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            while stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
                if let Err(error) = store.sweep(Utc::now()).await {
                    warn!(sqlstate = error.sqlstate.as_str(), "sessions are not swept: {}", error.message);
                }
            }
        });
    }
}

fn server(setup: &Setup, embedded: &EmbeddedAuth, kept: &Kept) -> anyhow::Result<Arc<AuthorizationServer>> {
    let databases = &setup.config.databases;
    let entry = match (&embedded.database, databases.as_slice()) {
        (Some(name), all) => all.iter().find(|entry| entry.name == *name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let entry = entry.context("`[auth.embedded] database` has to name the entry whose roles log in")?;
    let fetcher = WebFetcher::of_the_system(embedded.ca_file.as_deref());
    let parts = Parts {
        store: Arc::clone(&kept.store),
        key: kept.key.clone(),
        roles: Arc::new(Proof::new(&entry.connection, own_logins(&setup.config))),
        fetcher: Arc::new(fetcher.map_err(words)?),
        telemetry: setup.telemetry.clone(),
        clock: Clock::default(),
    };
    // To other databases it is not shown.
    let keep_login = matches!(entry.run_as, RunAs::OwnLogin(_));
    let settings = Settings { keep_login, ..embedded.settings.clone() };
    Ok(Arc::new(AuthorizationServer::new(settings, parts)))
}

/// Where people give their own logins, if a database is used under them. What runs under a login ends with it.
fn credentials(
    setup: &Setup,
    issuers: Vec<String>,
    gateway: &Live,
    server: Option<&AuthorizationServer>,
) -> anyhow::Result<Option<Arc<Credentials>>> {
    let config = &setup.config;
    let own = config.databases.iter().filter(|entry| matches!(entry.run_as, RunAs::OwnLogin(_)));
    let targets: Vec<Target> = own
        .map(|entry| Target {
            name: entry.name.clone(),
            host: entry.connection.place(),
            roles: Arc::new(Proof::new(&entry.connection, own_logins(config))),
        })
        .collect();
    if targets.is_empty() {
        return Ok(None);
    }
    let credentials = Credentials::new(targets, issuers, setup.telemetry.clone(), Clock::default());
    let credentials = credentials.map_err(words)?;
    let credentials = Arc::new(match server {
        Some(server) => credentials.beside(server),
        None => credentials,
    });
    revoked::close(gateway.clone(), credentials.endings());
    Ok(Some(credentials))
}

/// Those that pgwarden itself connects with: nobody may be one of them.
fn own_logins(config: &Config) -> Vec<String> {
    let of_entry = |entry: &DatabaseEntry| {
        let of_policies = entry.policies.iter().filter_map(|mapped| mapped.login.clone());
        let others = entry.monitor_login.clone().into_iter().chain(of_policies);
        [entry.connection.clone()].into_iter().chain(others).collect::<Vec<_>>()
    };
    let logins = config.databases.iter().flat_map(of_entry).chain(config.store.connection.clone());
    logins.map(|connection| connection.user().to_owned()).collect()
}

fn words(error: Diagnostic) -> anyhow::Error {
    match error.hint {
        Some(hint) => anyhow!("{}\nhint: {hint}", error.message),
        None => anyhow!(error.message),
    }
}
