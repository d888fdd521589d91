//! What is asked of a provider over the network: bounded in time and size, never redirected, past every proxy.

use std::path::Path;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::ProviderError;
use super::settings::ClientCredentials;
use crate::auth::public_url::is_safe;
use crate::outbound::{self, Roots};

const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(6);
/// Bytes of one answer.
const MOST: usize = 512 * 1024;

#[derive(Clone, Debug)]
pub(super) struct Fetcher(Client);

/// Why nothing came. Never quotes what was sent or received.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("`{0}` is not https (http is for loopback only)")]
    Unsafe(String),
    #[error("no answer ({0})")]
    Network(&'static str),
    #[error("the answer's status is {0}")]
    Status(StatusCode),
    #[error("the answer is too long")]
    TooLong,
    #[error("the answer does not read")]
    Unreadable,
}

impl Fetcher {
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self, ProviderError> {
        let tls = outbound::client(Roots::only(ca_file).read()?)?;
        let client = Client::builder()
            .use_preconfigured_tls(tls)
            .no_proxy()
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(concat!("pgwarden/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ProviderError::Client)?;
        Ok(Self(client))
    }

    pub(super) async fn read(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        text(self.0.get(safe(url)?)).await
    }

    /// Sends a form, as `client` where one is given.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        form: &[(&str, &str)],
        client: Option<&ClientCredentials>,
    ) -> Result<T, FetchError> {
        let request = self.0.post(safe(url)?).header("accept", "application/json").form(form);
        let request = match client {
            // RFC 6749, 2.3.1: both are form-encoded first.
            Some(ClientCredentials { client_id, client_secret }) => {
                request.basic_auth(encoded(client_id), Some(encoded(&client_secret.reveal())))
            }
            None => request,
        };
        serde_json::from_slice(&text(request).await?).map_err(|_| FetchError::Unreadable)
    }
}

fn safe(url: &str) -> Result<Url, FetchError> {
    let parsed = Url::parse(url).ok().filter(is_safe);
    parsed.ok_or_else(|| FetchError::Unsafe(url.chars().take(200).collect()))
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn text(request: RequestBuilder) -> Result<Vec<u8>, FetchError> {
    let mut response: Response = request.send().await.map_err(network)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut whole = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if whole.len().saturating_add(chunk.len()) > MOST {
            return Err(FetchError::TooLong);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// Its own words could quote the URL with what is in it.
#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn network(error: reqwest::Error) -> FetchError {
    FetchError::Network(match () {
        () if error.is_timeout() => "timed out",
        () if error.is_connect() => "no connection",
        () => "broken off",
    })
}
