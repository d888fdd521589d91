//! MCP over streamable HTTP at `/mcp`, with `/healthz` and `/readyz` beside it. One endpoint for all revisions: those with
//! `initialize` get sessions, 2026-07-28 is served request by request.

mod arrival;
mod batch;
mod body;
mod cancels;
mod compression;
mod connections;
mod endpoint;
mod health;
mod loopback;
mod needed;
mod network;
mod operations;
mod places;
mod refusal;
mod resource;
mod scrape;
mod sending;
mod sessions;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(super) use self::body::EventLines;
use self::connections::Connections;
use self::endpoint::Endpoint;
pub(super) use self::endpoint::bearer;
use self::health::Health;
pub(super) use self::loopback::Loopback;
pub use self::network::Network;
pub use self::operations::{may_show_operations, serve_operations};
use self::resource::Resource;
pub use self::scrape::{may_show_metrics, serve_metrics};
use self::sessions::Sessions;
use self::tls::Tls;
use super::callers::Callers;
use super::calls::Calls;
use super::handler::Handler;
use super::observed::Observed;
use super::{HttpSettings, ServeError, SessionMode, Settings};
use crate::auth::{Authenticator, Caller};
use crate::gateway::{Connected, Gateway, Live};
use crate::telemetry::metrics::Source;
use crate::web::Pages;

/// Who may call over HTTP.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// Everyone who can reach the port, as this caller: loopback only.
    Open(Caller),
    /// Bearers of a token.
    Bearer(Authenticator),
}

/// Serves until `shutdown` fires and what was running then has ended or been cancelled.
pub async fn serve_http(
    gateway: Gateway,
    listener: TcpListener,
    authentication: Authentication,
    pages: Pages,
    settings: &Settings,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    may_listen(address, &authentication, &settings.http)?;
    let calls = Calls::default();
    let streams = CancellationToken::new();
    let sessions = Arc::new(Sessions::new(&settings.http.sessions));
    let telemetry = gateway.telemetry().clone();
    telemetry.watch(&(Arc::clone(&sessions) as Arc<dyn Source>));
    gateway.show_connected(Arc::clone(&sessions) as Arc<dyn Connected>);
    let callers = Callers::Request { authenticated: matches!(authentication, Authentication::Bearer(_)) };
    let live = Live::from(gateway);
    let standby = Handler::new(live.idle(), callers, calls.clone())
        .that_pushes(settings.http.sessions.mode == SessionMode::Kept)
        .with_page(settings.approvals.clone())
        .with_credentials(settings.credentials.clone())
        .investigating(settings.investigate.clone())
        .standing_by(settings.result_chars);
    let service = StreamableHttpService::new(
        move || Ok(Observed(standby.apart())),
        sessions.clone(),
        rmcp_settings(settings, streams.clone()),
    );
    let endpoint = Endpoint {
        service,
        sessions,
        authentication,
        hosts: settings.http.hosts.clone().unwrap_or_else(|| settings.http.named()),
        resource: Resource::new(&settings.http),
        cancels: cancels::Cancels::default(),
        running: calls.running.clone(),
        mode: settings.http.sessions.mode,
        message_bytes: settings.message_bytes,
        body_timeout: settings.http.body_timeout,
    };
    let tls = settings.http.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
    if let Some(tls) = &tls {
        telemetry.watch(&(Arc::clone(tls) as Arc<dyn Source>));
        Arc::clone(tls).watch(telemetry.clone(), shutdown.clone())?;
    }
    let health = Health::new(live.clone(), tls.clone());
    let connections = Connections::new(listener, tls, &settings.http, telemetry);
    let working = tokio::spawn({
        let (live, stop, drain) = (live.clone(), shutdown.clone(), settings.task_drain);
        async move { live.work(stop, drain).await }
    });
    connections.serve(router(endpoint, health, pages), calls, streams, shutdown).await;
    working.await.map_err(|_| ServeError::Interrupted)
}

/// Without authentication on this machine only; without TLS also behind a proxy that has it.
fn may_listen(
    address: SocketAddr,
    authentication: &Authentication,
    settings: &HttpSettings,
) -> Result<(), ServeError> {
    let is_local = address.ip().is_loopback();
    let has_proxy = !settings.trusted_proxies.is_empty();
    if matches!(authentication, Authentication::Open(_)) && (!is_local || has_proxy) {
        return Err(ServeError::OpenToAll(address));
    }
    if is_local || has_proxy || settings.tls.is_some() || !settings.plain_http_from.is_empty() {
        return Ok(());
    }
    Err(ServeError::PlainBeyondLoopback(address))
}

fn router(endpoint: Endpoint, health: Health, pages: Pages) -> Router {
    let (health, endpoint) = (Arc::new(health), Arc::new(endpoint));
    let [own, root] = resource::PATHS;
    Router::new()
        .route("/mcp", any(endpoint::handle).with_state(Arc::clone(&endpoint)).layer(compression::layer()))
        .route(own, get(resource::metadata).with_state(Arc::clone(&endpoint)))
        .route(root, get(resource::metadata).with_state(endpoint))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready).with_state(health))
        .merge(pages.router)
}

/// Host, Origin and sizes are checked by the endpoint, before rmcp sees a request.
fn rmcp_settings(settings: &Settings, streams: CancellationToken) -> StreamableHttpServerConfig {
    StreamableHttpServerConfig::default()
        .with_legacy_session_mode(settings.http.sessions.mode == SessionMode::Kept)
        .with_json_response(true)
        .with_cancellation_token(streams)
        .with_max_request_body_bytes(settings.message_bytes)
        .disable_allowed_hosts()
        .disable_allowed_origins()
}
