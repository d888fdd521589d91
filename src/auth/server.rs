//! The embedded authorization server: who may connect a client, and the tokens that the client gets (OAuth 2.1).
//!
//! No HTTP and no pages: what a browser or a client sent comes in as values, and what it shall get goes out as values.
//!
//! INVARIANT: the store gets hashes of secrets, what is personal sealed under the store's key, and a person's password
//! only sealed under a key that their live code, tokens or browser session open.

mod address;
mod asked;
mod authenticate;
mod authorize;
mod client;
mod clients;
mod clock;
mod consent;
mod document;
mod event;
mod exchange;
mod faults;
mod fetch;
mod grant;
mod grants;
mod identity;
mod login;
mod memory;
mod metadata;
mod parameters;
mod pkce;
mod postgres;
mod proving;
mod redirect;
mod refresh;
mod registration;
mod resolve;
mod revoke;
mod seal;
mod secret;
mod sessions;
mod settings;
mod standing;
mod store;
mod sweep;
mod throttle;
mod token;
mod verify;

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::store::MasterKey;
use crate::telemetry::Telemetry;

pub use address::is_global;
pub use asked::Asked;
pub use authorize::Pending;
pub use client::ClientKind;
pub use clock::Clock;
pub use faults::{AuthorizeError, LoginError, RegisterError, TokenError};
pub use fetch::{FetchError, Fetched, Fetcher, Resolver, SystemResolver, WebFetcher};
pub use grants::GrantView;
pub use identity::Identity;
pub use memory::MemoryGrants;
pub use postgres::PostgresGrants;
pub use proving::Roles;
pub(super) use proving::{Proving, Unproved};
pub use redirect::is_redirect_uri;
pub use secret::Opaque;
pub use sessions::{Session, Sessions};
pub use settings::{Lifetimes, Settings, StaticClient, TrustedHosts};
pub use store::{ClientRow, GrantRow, GrantStore, SessionRow, TokenKind, TokenRow};
pub use throttle::{Rate, Throttle};
pub use token::{TokenAnswer, TokenRequest};
pub use verify::Revoked;

use clients::Clients;
pub(super) use seal::LoginKey;
use seal::Seal;
use standing::Standings;
use verify::Admissions;

/// What the server is composed of.
#[derive(Debug)]
pub struct Parts {
    pub store: Arc<dyn GrantStore>,
    /// The store's key, the same for all replicas.
    pub key: MasterKey,
    /// Where a login is proved.
    pub roles: Arc<dyn Roles>,
    /// How clients' documents are read.
    pub fetcher: Arc<dyn Fetcher>,
    pub telemetry: Telemetry,
    pub clock: Clock,
}

/// Share it in an `Arc`.
pub struct AuthorizationServer {
    settings: Settings,
    store: Arc<dyn GrantStore>,
    seal: Seal,
    roles: Arc<dyn Roles>,
    clients: Clients,
    proving: Arc<Proving>,
    sessions: Sessions,
    standings: Standings,
    admissions: Admissions,
    /// Of each grant.
    refreshes: Rate,
    telemetry: Telemetry,
    clock: Clock,
}

impl AuthorizationServer {
    pub fn new(settings: Settings, parts: Parts) -> Self {
        let Parts { store, key, roles, fetcher, telemetry, clock } = parts;
        let sessions = Sessions::new(Arc::clone(&store), &key, &settings.lifetimes, clock.clone());
        Self {
            clients: Clients::new(&settings, Arc::clone(&store), &key, fetcher, clock.clone()),
            proving: Arc::new(Proving::new(clock.clone())),
            standings: Standings::default(),
            admissions: Admissions::default(),
            refreshes: Rate::new(refresh::MOST_A_MINUTE, TimeDelta::minutes(1)),
            seal: Seal::new(&key),
            settings,
            store,
            roles,
            sessions,
            telemetry,
            clock,
        }
    }

    pub(super) fn proving(&self) -> Arc<Proving> {
        Arc::clone(&self.proving)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Those of the browsers that people are logged in with.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").field("issuer", &self.settings.issuer).finish_non_exhaustive()
    }
}
