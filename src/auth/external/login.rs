//! People log in at a provider with their browser: the authorization code flow of OpenID Connect, with PKCE, `state` and
//! `nonce`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};
use url::Url;
use zeroize::Zeroizing;

use super::claims::{self, Fault};
use super::jws::{Object, Signed};
use super::metadata::Metadata;
use super::provider::{Provider, Refused, now};
use super::settings::{ClientCredentials, LoginClient};
use crate::auth::Caller;

/// A provider that people can log in at. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Login {
    provider: Arc<Provider>,
    client: LoginClient,
}

/// A login on its way.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: String,
    /// Keep it for that browser alone, until it comes back.
    pub state: LoginState,
}

/// What ties the answer to the browser that asked: single use, a few minutes at the most. Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginState {
    /// As the callback brings it back: finds the login.
    pub state: String,
    nonce: String,
    verifier: Zeroizing<String>,
    redirect_uri: String,
}

/// The callback's parameters.
#[derive(Default)]
pub struct Callback {
    pub code: Option<String>,
    pub state: Option<String>,
    pub iss: Option<String>,
    pub error: Option<String>,
}

/// Why nobody is logged in. Fit for a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoginError {
    #[error("the provider does not answer; try again")]
    Unavailable,
    #[error("the login was not finished at the provider")]
    Refused,
    #[error("this login is over or was begun elsewhere; begin again")]
    Stale,
    #[error("the provider's answer cannot be trusted")]
    Untrusted,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Zeroizing<String>,
}

impl Login {
    pub(super) fn of(provider: &Arc<Provider>) -> Option<Self> {
        let client = provider.settings.login.clone()?;
        Some(Self { provider: Arc::clone(provider), client })
    }

    /// As the configuration calls the provider.
    pub fn name(&self) -> &str {
        &self.provider.settings.name
    }

    pub fn issuer(&self) -> &str {
        &self.provider.settings.issuer
    }

    /// `redirect_uri` is ours, as it is registered at the provider.
    pub async fn begin(&self, redirect_uri: &str) -> Result<Begun, LoginError> {
        let metadata = self.metadata().await?;
        let endpoint = metadata.authorization_endpoint.as_deref().and_then(|url| Url::parse(url).ok());
        let mut url = endpoint.filter(crate::auth::public_url::is_safe).ok_or(LoginError::Unavailable)?;
        let state = LoginState {
            state: random()?,
            nonce: random()?,
            verifier: Zeroizing::new(random()?),
            redirect_uri: redirect_uri.to_owned(),
        };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(state.verifier.as_bytes()));
        let scopes: BTreeSet<&str> =
            self.client.scopes.iter().map(String::as_str).chain(["openid"]).collect();
        let scopes: Vec<&str> = scopes.into_iter().collect();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &state.state)
            .append_pair("nonce", &state.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { url: url.into(), state })
    }

    /// Who came back, with the claims and scopes that their identity has. `begun` is spent by it.
    pub async fn finish(&self, callback: &Callback, begun: LoginState) -> Result<Caller, LoginError> {
        let returned = callback.state.as_deref().unwrap_or_default();
        if !is_same(returned, &begun.state) {
            return Err(LoginError::Stale);
        }
        let metadata = self.metadata().await?;
        let unnamed = !metadata.authorization_response_iss_parameter_supported;
        let from = callback.iss.as_deref();
        if !from.map_or(unnamed, |issuer| issuer == self.issuer()) {
            return Err(LoginError::Untrusted);
        }
        let code = callback.code.as_deref().filter(|_| callback.error.is_none());
        let code = code.filter(|code| !code.is_empty()).ok_or(LoginError::Refused)?;
        let tokens = self.exchange(&metadata, code, &begun).await?;
        let signed = Signed::read(&tokens.id_token).ok_or(LoginError::Untrusted)?;
        match self.identity(&signed, &begun.nonce).await {
            Ok(caller) => Ok(caller),
            Err(Refused::Unavailable) => Err(LoginError::Unavailable),
            Err(Refused::Fault(fault)) => {
                info!(provider = self.name(), reason = %fault, "an identity was refused");
                Err(LoginError::Untrusted)
            }
        }
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        code: &str,
        begun: &LoginState,
    ) -> Result<Tokens, LoginError> {
        let endpoint = metadata.token_endpoint.as_deref().ok_or(LoginError::Unavailable)?;
        let client_id = self.client.client_id.as_str();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &begun.redirect_uri),
            ("code_verifier", &begun.verifier),
            ("client_id", client_id),
        ];
        let in_header =
            metadata.token_endpoint_auth_methods_supported.iter().any(|m| m == "client_secret_basic");
        let secret = self.client.client_secret.as_ref();
        let credentials = secret.filter(|_| in_header).map(|secret| ClientCredentials {
            client_id: client_id.to_owned(),
            client_secret: secret.clone(),
        });
        let in_form = secret.filter(|_| !in_header).map(|secret| secret.reveal());
        form.extend(in_form.as_ref().map(|secret| ("client_secret", secret.as_str())));
        self.provider.fetcher.post(endpoint, &form, credentials.as_ref()).await.map_err(|error| {
            warn!(provider = self.name(), %error, "a login could not be finished");
            LoginError::Unavailable
        })
    }

    /// OpenID Connect Core, 3.1.3.7.
    async fn identity(&self, signed: &Signed<'_>, nonce: &str) -> Result<Caller, Refused> {
        let settings = &self.provider.settings;
        let claims = self.provider.signed_claims(signed, &["jwt"]).await?;
        claims::end(&claims, settings.skew, now())?;
        claims::is_for(&claims, std::slice::from_ref(&self.client.client_id))?;
        if !self.is_authorized(&claims) {
            return Err(Fault::Audience.into());
        }
        let given = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
        if !is_same(given, nonce) {
            return Err(Fault::Nonce.into());
        }
        Ok(claims::caller(&claims, settings)?)
    }

    /// Where it is for others too, `azp` has to say that we asked for it.
    fn is_authorized(&self, claims: &Object) -> bool {
        let several = claims.get("aud").and_then(Value::as_array).is_some_and(|aud| aud.len() > 1);
        match claims.get("azp") {
            Some(azp) => azp.as_str() == Some(&self.client.client_id),
            None => !several,
        }
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, LoginError> {
        self.provider.discovery.metadata().await.ok_or(LoginError::Unavailable)
    }
}

/// How long it takes says nothing of what they are.
fn is_same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

/// 256 bits.
fn random() -> Result<String, LoginError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| LoginError::Unavailable)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

impl fmt::Debug for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoginState(..)")
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(..)")
    }
}
