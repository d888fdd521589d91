//! Providers of identities besides ourselves: tokens that they signed, tokens that they are asked about, people whom they
//! log in.
//!
//! A token is held against the one provider that it says it is from, and never shown to another.

mod algorithm;
mod claims;
mod discovery;
mod ends;
mod fetch;
mod introspect;
mod jwks;
mod jws;
mod keys;
mod login;
mod metadata;
mod provider;
mod remembered;
mod settings;
mod turns;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use url::Url;

pub use algorithm::Algorithm;
pub use login::{Begun, Callback, Login, LoginError, LoginState};
pub use settings::{ClientCredentials, Introspection, LoginClient, ProviderSettings, Secrecy, Timing};

use self::jws::{MOST, Signed};
use self::provider::Provider;
use super::public_url::is_safe;
use super::{ClientAddress, Verdict, Verifier};
use crate::outbound::OutboundError;

/// What every token of our own begins with.
const OURS: &str = "pgw";

/// Verifies tokens of all configured providers.
#[derive(Debug)]
pub struct Providers(Vec<Arc<Provider>>);

#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("requests to providers cannot be set up")]
    Client,
    #[error("two providers have the issuer `{0}`")]
    SameIssuer(String),
    #[error("two providers have `introspection`: an opaque token does not say whose it is")]
    TwoIntrospect,
}

impl Providers {
    /// Nothing is fetched before the first token comes.
    pub fn new(settings: Vec<ProviderSettings>) -> Result<Self, ProviderError> {
        for (at, one) in settings.iter().enumerate() {
            if settings.iter().take(at).any(|other| other.issuer == one.issuer) {
                return Err(ProviderError::SameIssuer(one.issuer.clone()));
            }
        }
        let providers: Vec<Arc<Provider>> =
            settings.into_iter().map(|one| Provider::new(one).map(Arc::new)).collect::<Result<_, _>>()?;
        if providers.iter().filter(|provider| provider.introspects()).count() > 1 {
            return Err(ProviderError::TwoIntrospect);
        }
        Ok(Self(providers))
    }

    /// Each provider's name and how many keys it has, or why they cannot be had.
    pub async fn examine(&self) -> Vec<(&str, Result<usize, String>)> {
        let looks =
            self.0.iter().map(async |provider| (provider.settings.name.as_str(), provider.examine().await));
        join_all(looks).await
    }

    /// Those by which people can log in with their browser, in the order of the configuration.
    pub fn logins(&self) -> Vec<Login> {
        self.0.iter().filter_map(Login::of).collect()
    }
}

/// A provider may be asked there: nobody on the way can answer in its stead.
pub fn is_safe_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_safe(&url))
}

/// It is signed or encrypted, if badly: its first part is a JSON object in base64url.
fn says_whose(token: &str) -> bool {
    token.starts_with("eyJ") && token.contains('.')
}

impl Verifier for Providers {
    fn verify<'a>(&'a self, presented: &'a str, from: Option<ClientAddress>) -> BoxFuture<'a, Verdict> {
        async move {
            // Tokens of our own are shown to nobody.
            if presented.starts_with(OURS) || presented.len() > MOST {
                return Verdict::Foreign;
            }
            let signed = Signed::read(presented);
            let named = signed.as_ref().and_then(Signed::issuer);
            let of_issuer = self.0.iter().find(|provider| named == Some(provider.settings.issuer.as_str()));
            match (&signed, of_issuer) {
                (Some(signed), Some(provider)) => provider.admit_signed(presented, signed).await,
                // Another one's.
                (Some(_), None) => Verdict::Foreign,
                (None, _) if says_whose(presented) => Verdict::Foreign,
                (None, _) => match self.0.iter().find(|provider| provider.introspects()) {
                    Some(provider) => provider.admit_opaque(presented, from).await,
                    None => Verdict::Foreign,
                },
            }
        }
        .boxed()
    }
}
