//! The operations page, on an address of its own: whoever may reach the server need not reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::connections::Connections;
use super::tls::Tls;
use crate::mcp::calls::Calls;
use crate::mcp::{HttpSettings, ServeError};
use crate::telemetry::Telemetry;
use crate::web::Pages;

/// Of a few browsers, and of one address.
const CONNECTIONS: usize = 256;
const CONNECTIONS_OF_ONE: usize = 64;
const DRAIN: Duration = Duration::from_secs(1);

/// Refuses an address that others can reach, where neither TLS nor a network that is trusted protects it.
pub fn may_show_operations(address: SocketAddr, settings: &HttpSettings) -> Result<(), ServeError> {
    let is_safe = settings.tls.is_some()
        || !settings.trusted_proxies.is_empty()
        || !settings.plain_http_from.is_empty();
    match address.ip().is_loopback() || (is_safe && settings.public_url.is_some()) {
        true => Ok(()),
        false => Err(ServeError::OperationsBeyondLoopback(address)),
    }
}

/// Serves until `shutdown` fires. Of `settings` it takes what is about TLS and about who is trusted.
pub async fn serve_operations(
    pages: Pages,
    listener: TcpListener,
    settings: HttpSettings,
    telemetry: Telemetry,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let http = HttpSettings {
        connections: CONNECTIONS,
        connections_of_one: CONNECTIONS_OF_ONE,
        drain_timeout: DRAIN,
        ..settings
    };
    let tls = http.tls.as_ref().map(Tls::load).transpose()?.map(Arc::new);
    if let Some(tls) = &tls {
        Arc::clone(tls).watch(telemetry, shutdown.clone())?;
    }
    // What is looked at here is not among what is counted.
    let connections = Connections::new(listener, tls, &http, Telemetry::default());
    connections.serve(pages.router, Calls::default(), CancellationToken::new(), shutdown).await;
    Ok(())
}
