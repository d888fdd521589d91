//! `/metrics`, on an address of its own: whoever reads how busy the server is need not reach the server.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{Request, StatusCode};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::connections::Connections;
use crate::mcp::calls::Calls;
use crate::mcp::{HttpSettings, MetricsSettings, ServeError};
use crate::telemetry::Telemetry;
use crate::telemetry::metrics::{Format, Metrics};
use crate::web::Hosts;

/// A few scrapers.
const CONNECTIONS: usize = 16;
/// For a scrape that runs when the server stops.
const DRAIN: Duration = Duration::from_secs(1);

struct Scraped {
    metrics: Arc<Metrics>,
    hosts: Hosts,
}

/// Refuses an address that others can reach, where `settings` do not name them.
pub fn may_show_metrics(address: SocketAddr, settings: &MetricsSettings) -> Result<(), ServeError> {
    match address.ip().is_loopback() || !settings.plain_http_from.is_empty() {
        true => Ok(()),
        false => Err(ServeError::MetricsBeyondLoopback(address)),
    }
}

/// Serves until `shutdown` fires.
pub async fn serve_metrics(
    metrics: Arc<Metrics>,
    listener: TcpListener,
    settings: MetricsSettings,
    shutdown: CancellationToken,
) {
    let http = HttpSettings {
        plain_http_from: settings.plain_http_from,
        connections: CONNECTIONS,
        connections_of_one: CONNECTIONS,
        drain_timeout: DRAIN,
        ..HttpSettings::default()
    };
    let hosts = Hosts::new(&settings.allowed_hosts, &[], None);
    let router = Router::new().route("/metrics", get(page)).with_state(Arc::new(Scraped { metrics, hosts }));
    // Scrapes are not among what is counted.
    let connections = Connections::new(listener, None, &http, Telemetry::default());
    connections.serve(router, Calls::default(), CancellationToken::new(), shutdown).await;
}

/// A page in a browser must not read it: neither directly, nor by a name of its own.
async fn page(State(scraped): State<Arc<Scraped>>, request: Request<Body>) -> Response {
    if let Err(barred) = scraped.hosts.check(&request)
        && !is_by_address(&request)
    {
        return (StatusCode::FORBIDDEN, barred.message()).into_response();
    }
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::asked(accept);
    let text = scraped.metrics.page().await.write(format);
    ([(CONTENT_TYPE, format.content_type())], text).into_response()
}

/// As Prometheus calls a pod. A page can make its own name resolve to this server, and an address is nobody's name.
fn is_by_address(request: &Request<Body>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let named = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let address = named.as_ref().map(|named| named.host().trim_matches(['[', ']']));
    address.is_some_and(|address| address.parse::<IpAddr>().is_ok())
        && !host.as_bytes().contains(&b'@')
        && !request.headers().contains_key(ORIGIN)
        && request.uri().authority().is_none()
}
