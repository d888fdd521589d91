//! What the configuration settles for the authorization server.

use chrono::TimeDelta;

use crate::auth::{Scope, Scopes};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// A bare origin, as in `https://db.example`.
    pub issuer: String,
    /// The canonical URI of what tokens are for, as in `https://db.example/mcp`.
    pub resource: String,
    pub clients: Vec<StaticClient>,
    /// Whose client metadata documents are fetched.
    pub trusted: TrustedHosts,
    /// Clients may register themselves (RFC 7591).
    pub registration: bool,
    /// What everybody who can log in may have.
    pub scopes: Scopes,
    /// What only members of these roles may have.
    pub scope_roles: Vec<(Scope, Vec<String>)>,
    pub lifetimes: Lifetimes,
    /// A proved password stays, sealed, for as long as its grant: callers log in to PostgreSQL as themselves.
    pub keep_login: bool,
}

/// A client that the configuration names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticClient {
    pub id: String,
    /// For people.
    pub name: String,
    pub redirect_uris: Vec<String>,
    /// Of its secret; a client without one is public.
    pub secret_sha256: Option<[u8; 32]>,
}

/// Hosts whose documents (Client ID Metadata Documents) make clients.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrustedHosts {
    /// These, and none below them: below a host there may be what its users wrote.
    Listed(Vec<String>),
    /// Every host of the public internet.
    Any,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    pub code: TimeDelta,
    pub access: TimeDelta,
    /// A refresh token that is not used for so long ends.
    pub refresh: TimeDelta,
    /// From the consent on, however often it was refreshed.
    pub grant: TimeDelta,
    /// How long a client that did not get the answer may use the same refresh token again.
    pub grace: TimeDelta,
    pub session: TimeDelta,
    /// A browser session that is not used for so long ends.
    pub session_idle: TimeDelta,
    /// How long a consent is remembered.
    pub consent: TimeDelta,
}

impl Settings {
    pub fn new(issuer: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            resource: resource.into(),
            clients: Vec::new(),
            trusted: TrustedHosts::default(),
            registration: false,
            scopes: Scope::Write.into(),
            scope_roles: Vec::new(),
            lifetimes: Lifetimes::default(),
            keep_login: false,
        }
    }

    /// What a client may ask for.
    pub fn offered(&self) -> Scopes {
        self.scopes.iter().chain(self.scope_roles.iter().map(|(scope, _)| *scope)).collect()
    }
}

impl TrustedHosts {
    /// ChatGPT, Claude and Visual Studio Code.
    pub const DEFAULT: [&str; 4] = ["chatgpt.com", "claude.ai", "claude.com", "vscode.dev"];

    pub fn has(&self, host: &str) -> bool {
        match self {
            Self::Listed(hosts) => hosts.iter().any(|listed| listed == host),
            Self::Any => true,
        }
    }
}

impl Default for TrustedHosts {
    fn default() -> Self {
        Self::Listed(Self::DEFAULT.map(str::to_owned).to_vec())
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: TimeDelta::seconds(60),
            access: TimeDelta::minutes(10),
            refresh: TimeDelta::days(7),
            grant: TimeDelta::days(30),
            grace: TimeDelta::seconds(30),
            session: TimeDelta::hours(8),
            session_idle: TimeDelta::hours(1),
            consent: TimeDelta::days(90),
        }
    }
}
