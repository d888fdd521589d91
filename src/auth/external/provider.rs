//! One provider: is this token of its making, for us, and good now?

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde_json::Value;
use tracing::info;

use super::ProviderError;
use super::claims::{self, Fault};
use super::discovery::Discovery;
use super::ends::{Ends, Fingerprint, fingerprint};
use super::fetch::Fetcher;
use super::introspect::Introspector;
use super::jwks::Jwks;
use super::jws::{Object, Signed};
use super::settings::ProviderSettings;
use crate::auth::{Admitted, ClientAddress, Verdict};

#[derive(Debug)]
pub(super) struct Provider {
    pub(super) settings: ProviderSettings,
    pub(super) fetcher: Fetcher,
    pub(super) discovery: Arc<Discovery>,
    jwks: Arc<Jwks>,
    introspector: Option<Arc<Introspector>>,
    ends: Ends,
}

/// Why a token is not admitted.
pub(super) enum Refused {
    Fault(Fault),
    /// The provider cannot be asked.
    Unavailable,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Provider {
    pub(super) fn new(settings: ProviderSettings) -> Result<Self, ProviderError> {
        let fetcher = Fetcher::new(settings.ca_file.as_deref())?;
        let believed = settings.timing.introspected;
        let introspector = settings.introspection.clone();
        let introspector = introspector
            .map(|asked| Introspector::new(&settings.name, asked, believed, fetcher.clone()))
            .map(Arc::new);
        let jwks = Arc::new(Jwks::new(&settings, fetcher.clone()));
        let discovery = Arc::new(Discovery::new(&settings, fetcher.clone()));
        Ok(Self { settings, fetcher, discovery, jwks, introspector, ends: Ends::default() })
    }

    /// How many keys it has, or why they cannot be had. One that is asked about its tokens needs none.
    pub(super) async fn examine(&self) -> Result<usize, String> {
        let found = self.jwks.examine().await;
        if self.introspects() { Ok(found.unwrap_or(0)) } else { found }
    }

    pub(super) fn introspects(&self) -> bool {
        self.introspector.is_some()
    }

    /// Of a token that says that it is this provider's.
    pub(super) async fn admit_signed(&self, token: &str, signed: &Signed<'_>) -> Verdict {
        let token = fingerprint(token);
        let checked = self.signed_claims(signed, &["at+jwt", "jwt"]).await;
        let checked = checked.and_then(|claims| {
            claims::is_access(&claims)?;
            self.admitted(token, &claims)
        });
        self.verdict(token, checked)
    }

    /// Of a token that says nothing.
    pub(super) async fn admit_opaque(&self, token: &str, from: Option<ClientAddress>) -> Verdict {
        let Some(introspector) = &self.introspector else { return Verdict::Foreign };
        let print = fingerprint(token);
        let asked = introspector.claims(token, print, from).await;
        let checked = asked
            .map_err(|_| Refused::Unavailable)
            .and_then(|claims| claims.ok_or(Refused::Fault(Fault::Inactive)))
            .and_then(|claims| self.of_issuer(&claims, false).map(|()| claims))
            .and_then(|claims| claims::is_access(&claims).map(|()| claims).map_err(Refused::Fault))
            .and_then(|claims| claims::is_of_type_bearer(&claims).map(|()| claims).map_err(Refused::Fault))
            .and_then(|claims| self.admitted(print, &claims));
        self.verdict(print, checked)
    }

    /// The claims of a token that this provider signed as one of `kinds`.
    pub(super) async fn signed_claims(&self, signed: &Signed<'_>, kinds: &[&str]) -> Result<Object, Refused> {
        if !signed.is_kind(kinds) {
            return Err(Fault::Kind.into());
        }
        let allowed = signed.algorithm.filter(|algorithm| self.settings.algorithms.contains(algorithm));
        let algorithm = allowed.ok_or(Fault::Algorithm)?;
        self.of_issuer(&signed.claims, true)?;
        let key = signed.key.as_deref();
        let keys = self.jwks.keys(key, algorithm).await.map_err(|_| Refused::Unavailable)?;
        if !keys.has(key, algorithm) {
            return Err(Fault::Key.into());
        }
        if !signed.is_signed_by(&keys, algorithm) {
            return Err(Fault::Signature.into());
        }
        Ok(signed.claims.clone())
    }

    /// `needed`: the issuer has to be said.
    fn of_issuer(&self, claims: &Object, needed: bool) -> Result<(), Refused> {
        match claims.get("iss") {
            None if !needed => Ok(()),
            Some(Value::String(issuer)) if *issuer == self.settings.issuer => Ok(()),
            _ => Err(Fault::Issuer.into()),
        }
    }

    fn admitted(&self, token: Fingerprint, claims: &Object) -> Result<Admitted, Refused> {
        claims::is_bearer(claims)?;
        let (skew, now) = (self.settings.skew, now());
        let end = claims::end(claims, skew, now)?;
        claims::is_for(claims, &self.settings.audience)?;
        let caller = claims::caller(claims, &self.settings)?;
        let left = Duration::try_from_secs_f64((end + skew.as_secs_f64() - now).max(0.0));
        let ended = self.ends.of(token, left.unwrap_or(Duration::MAX));
        Ok(Admitted { caller, ended })
    }

    fn verdict(&self, token: Fingerprint, checked: Result<Admitted, Refused>) -> Verdict {
        match checked {
            Ok(admitted) => Verdict::Admitted(Box::new(admitted)),
            Err(Refused::Fault(fault)) => {
                info!(provider = self.settings.name, reason = %fault, "a token was refused");
                self.ends.end(&token);
                Verdict::Invalid
            }
            Err(Refused::Unavailable) => Verdict::Unavailable,
        }
    }
}

/// Seconds since 1970.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of this millennium are exact")]
pub(super) fn now() -> f64 {
    Utc::now().timestamp_millis() as f64 / 1_000.0
}
