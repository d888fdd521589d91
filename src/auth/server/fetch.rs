//! Reads a document of the public internet that somebody else named: https, one look-up, checked addresses alone, no
//! redirect, no proxy, few bytes, little time.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use url::{Host, Url};

use super::is_global;
use crate::outbound::{self, OutboundError, Roots};
use crate::pg::{Diagnostic, SqlState};

const MOST_BYTES: usize = 5 * 1024;
const LIMIT: Duration = Duration::from_secs(5);
const HTTPS: u16 = 443;

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetched {
    pub body: Vec<u8>,
    /// How long it stays good, as `Cache-Control` says.
    pub max_age: Option<TimeDelta>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FetchError {
    /// Not https, or an address instead of a name, or a port of its own.
    Url,
    /// The name does not lead anywhere.
    Name,
    /// An address of the name is not of the public internet.
    Address,
    /// No connection, no TLS, or no answer in time.
    Silent,
    /// Another status than 200; redirects are not followed.
    Status,
    /// Not JSON.
    Type,
    TooLong,
}

pub trait Fetcher: Send + Sync + fmt::Debug {
    fn fetch<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Fetched, FetchError>>;
}

/// From a name to the addresses behind it.
pub trait Resolver: Send + Sync + fmt::Debug {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The system's own, for https.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, HTTPS)).await?.collect()) })
    }
}

/// INVARIANT: it connects only to addresses that the one look-up gave and that are global, or excepted by name.
pub struct WebFetcher {
    resolver: Arc<dyn Resolver>,
    tls: ClientConfig,
    excepted: Vec<SocketAddr>,
}

impl WebFetcher {
    /// Trusts `roots`. `excepted` are places that are not of the public internet and still may be read: none, but
    /// where a whole network is played on one machine.
    pub fn new(
        resolver: Arc<dyn Resolver>,
        roots: RootCertStore,
        excepted: Vec<SocketAddr>,
    ) -> Result<Self, OutboundError> {
        Ok(Self { resolver, tls: outbound::client(roots)?, excepted })
    }

    /// By the system's look-ups and roots, and the certificates in `ca_file` besides.
    pub fn of_the_system(ca_file: Option<&Path>) -> Result<Self, Diagnostic> {
        let roots = Roots::system_and(ca_file).read().map_err(|error| unusable(&error))?;
        Self::new(Arc::new(SystemResolver), roots, Vec::new()).map_err(|error| unusable(&error))
    }

    async fn read(&self, url: &Url) -> Result<Fetched, FetchError> {
        let Some(Host::Domain(host)) = url.host() else { return Err(FetchError::Url) };
        if url.scheme() != "https" || url.port().is_some() {
            return Err(FetchError::Url);
        }
        let addresses = self.resolver.resolve(host).await.map_err(|_| FetchError::Name)?;
        if addresses.is_empty() {
            return Err(FetchError::Name);
        }
        let is_good = |address: &SocketAddr| is_global(address.ip()) || self.excepted.contains(address);
        if !addresses.iter().all(is_good) {
            return Err(FetchError::Address);
        }
        let client = Client::builder()
            .use_preconfigured_tls(self.tls.clone())
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .resolve_to_addrs(host, &addresses)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|_| FetchError::Silent)?;
        let answer = client.get(url.clone()).header(ACCEPT, "application/json").send().await;
        let answer = answer.map_err(|_| FetchError::Silent)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status);
        }
        if !is_json(answer.headers()) {
            return Err(FetchError::Type);
        }
        let max_age = max_age(answer.headers());
        Ok(Fetched { body: body(answer).await?, max_age })
    }
}

impl Fetcher for WebFetcher {
    fn fetch<'a>(&'a self, url: &'a Url) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(async move { timeout(LIMIT, self.read(url)).await.unwrap_or(Err(FetchError::Silent)) })
    }
}

impl fmt::Debug for WebFetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebFetcher({:?})", self.resolver)
    }
}

fn unusable(error: &OutboundError) -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, format!("`ca_file`: {error}"))
}

async fn body(mut answer: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| FetchError::Silent)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(FetchError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn max_age(headers: &HeaderMap) -> Option<TimeDelta> {
    let value = headers.get(CACHE_CONTROL)?.to_str().ok()?;
    let mut directives = value.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    let seconds = directives.find_map(|directive| match directive.as_str() {
        "no-store" | "no-cache" => Some(0),
        other => other.strip_prefix("max-age=")?.parse().ok(),
    })?;
    TimeDelta::try_seconds(seconds)
}

impl FetchError {
    /// For the log.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Url => "the URL is none that is fetched",
            Self::Name => "the host has no address",
            Self::Address => "an address of the host is not of the public internet",
            Self::Silent => "no connection, or no answer in time",
            Self::Status => "the answer is not 200",
            Self::Type => "the answer is not JSON",
            Self::TooLong => "the answer is too long",
        }
    }
}
