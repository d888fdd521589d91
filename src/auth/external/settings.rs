//! What can be set about one provider. Plain values: the configuration fills them in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use crate::auth::{Issuer, Scope, Scopes};

/// A provider of identities: whoever it says calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderSettings {
    /// For logs and pages.
    pub name: String,
    /// The issuer identifier, byte for byte as tokens have it in `iss`.
    pub issuer: String,
    /// Tokens have to be for one of these.
    pub audience: Vec<String>,
    pub algorithms: BTreeSet<Algorithm>,
    /// Where its keys are; `None`: where its metadata says.
    pub jwks_uri: Option<String>,
    /// Claims that may hold the scopes; the first that is there does.
    pub scope_claims: Vec<String>,
    /// What clients have to put before its words for scopes; tokens may have it there or not.
    pub scope_prefix: String,
    /// Words of its own, as they are after the prefix.
    pub scopes: BTreeMap<String, Scope>,
    pub subject_claim: String,
    /// Names for the policy, and the claims that they stand for: a name, or a path with dots.
    pub claims: BTreeMap<String, String>,
    /// How far clocks may be apart.
    pub skew: Duration,
    pub introspection: Option<Introspection>,
    /// For browsers: pgwarden is a client of the provider.
    pub login: Option<LoginClient>,
    /// Instead of the system's root certificates.
    pub ca_file: Option<PathBuf>,
    pub timing: Timing,
}

/// Who asks about opaque tokens (RFC 7662), and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Introspection {
    pub url: String,
    pub client: ClientCredentials,
}

/// Who asks for people's identities (OpenID Connect Core, 3.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginClient {
    pub client_id: String,
    /// None for a public client.
    pub client_secret: Option<Secrecy>,
    /// Asked for besides `openid`.
    pub scopes: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientCredentials {
    pub client_id: String,
    pub client_secret: Secrecy,
}

/// A secret of our own at the provider. Debug does not show it. Clones have it in common, also when it becomes another.
#[derive(Clone)]
pub struct Secrecy(Arc<Mutex<Zeroizing<String>>>);

impl Secrecy {
    pub fn new(secret: Zeroizing<String>) -> Self {
        Self(Arc::new(Mutex::new(secret)))
    }

    pub fn reveal(&self) -> Zeroizing<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It is that of `other` from here on. Whether it was another one.
    pub fn follow(&self, other: &Self) -> bool {
        let now = other.reveal();
        let mut own = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *own != now;
        *own = now;
        changed
    }
}

impl PartialEq for Secrecy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || *self.reveal() == *other.reveal()
    }
}

impl Eq for Secrecy {}

/// How long what the provider said holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timing {
    /// Keys are fetched anew after it.
    pub fresh: Duration,
    /// Between two fetches for the sake of unknown keys.
    pub unknown_key: Duration,
    /// After a fetch that failed.
    pub retry: Duration,
    /// Keys are used for so long while the provider does not answer.
    pub keep: Duration,
    /// What introspection said is believed for so long.
    pub introspected: Duration,
}

impl ProviderSettings {
    /// Takes the secrets of `now`, which is the same provider read again.
    pub fn follow_secrets(&self, now: &Self) {
        if let (Some(own), Some(now)) = (&self.introspection, &now.introspection) {
            own.client.client_secret.follow(&now.client.client_secret);
        }
        let of_login = |settings: &Self| settings.login.as_ref()?.client_secret.clone();
        if let (Some(own), Some(now)) = (of_login(self), of_login(now)) {
            own.follow(&now);
        }
    }

    /// With the defaults for `issuer`, and tokens that are for `resource`.
    pub fn new(name: impl Into<String>, issuer: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            audience: vec![resource.into()],
            algorithms: Algorithm::ALL.into_iter().collect(),
            jwks_uri: None,
            scope_claims: vec!["scope".to_owned(), "scp".to_owned()],
            scope_prefix: String::new(),
            scopes: BTreeMap::new(),
            subject_claim: "sub".to_owned(),
            claims: BTreeMap::new(),
            skew: Duration::from_secs(60),
            introspection: None,
            login: None,
            ca_file: None,
            timing: Timing::default(),
        }
    }

    /// The provider's words to ours.
    pub(super) fn granted<'w>(&self, words: impl Iterator<Item = &'w str>) -> Scopes {
        let words = words.map(|word| word.strip_prefix(self.scope_prefix.as_str()).unwrap_or(word));
        words.filter_map(|word| self.scopes.get(word).copied().or_else(|| Scope::parse(word))).collect()
    }

    /// Our words to the provider's.
    pub fn as_issuer(&self) -> Issuer {
        let word = |scope: Scope| {
            let own = self.scopes.iter().find(|(_, meant)| **meant == scope).map(|(word, _)| word.as_str());
            format!("{}{}", self.scope_prefix, own.unwrap_or(scope.word()))
        };
        Issuer::with_words(&self.issuer, Scope::ALL.into_iter().map(|scope| (scope, word(scope))).collect())
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(10 * 60),
            unknown_key: Duration::from_secs(60),
            retry: Duration::from_secs(5),
            keep: Duration::from_secs(24 * 60 * 60),
            introspected: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for Secrecy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrecy(..)")
    }
}
