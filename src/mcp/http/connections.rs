//! Accepts connections: only so many, of one address fewer, no slow headers, no delayed packets; and lets them end in order.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::arrival::Arrivals;
use super::places::{Full, Places};
use super::sending::Sending;
use super::tls::Tls;
use crate::mcp::HttpSettings;
use crate::mcp::calls::Calls;
use crate::telemetry::{Event, Telemetry};

/// Bytes of the request line and all headers.
const HEADER_BYTES: usize = 64 * 1024;
/// Before the next try when no connection could be accepted: out of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// For the last bytes of what has been cancelled.
const GRACE: Duration = Duration::from_secs(2);
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n";
const SHARE_FULL: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n";

pub(super) struct Connections {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    arrivals: Arc<Arrivals>,
    places: Places,
    first_request: Duration,
    header_timeout: Duration,
    send_timeout: Duration,
    drain_timeout: Duration,
    telemetry: Telemetry,
    open: TaskTracker,
    draining: CancellationToken,
}

impl Connections {
    pub(super) fn new(
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
        settings: &HttpSettings,
        telemetry: Telemetry,
    ) -> Self {
        Self {
            listener,
            tls,
            arrivals: Arc::new(Arrivals::new(settings)),
            places: Places::new(settings),
            first_request: settings.first_request.min(settings.header_timeout),
            header_timeout: settings.header_timeout,
            send_timeout: settings.send_timeout,
            drain_timeout: settings.drain_timeout,
            telemetry,
            open: TaskTracker::new(),
            draining: CancellationToken::new(),
        }
    }

    pub(super) async fn serve(
        self,
        router: Router,
        calls: Calls,
        streams: CancellationToken,
        shutdown: CancellationToken,
    ) {
        loop {
            // Dropped here: a connection that the kernel has accepted and we have not; its client sees it closed.
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer.ip(), router.clone()),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        self.drain(&calls, &streams).await;
    }

    fn admit(&self, mut stream: TcpStream, peer: IpAddr, router: Router) {
        // Without it every reply waits for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let place = match self.places.take(peer) {
            Ok(place) => place,
            // Who would need a handshake first just sees it closed.
            Err(_) if self.tls.is_some() => return,
            Err(full) => {
                let (answer, status) = if full == Full::All { (FULL, 503) } else { (SHARE_FULL, 429) };
                self.telemetry.emit(&Event::Http { route: "none", status });
                self.open.spawn(async move {
                    let _ = tokio::time::timeout(GRACE, stream.write_all(answer)).await;
                });
                return;
            }
        };
        let service = Arriving {
            router,
            arrivals: Arc::clone(&self.arrivals),
            peer,
            asked: Arc::default(),
            telemetry: self.telemetry.clone(),
        };
        let timing = Timing {
            first: Instant::now() + self.first_request,
            header: self.header_timeout,
            send: self.send_timeout,
        };
        let (tls, draining) = (self.tls.clone(), self.draining.clone());
        self.open.spawn(async move {
            match tls {
                None => serve_one(stream, service, timing, draining).await,
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream, timing.first).await {
                        serve_one(stream, service, timing, draining).await;
                    }
                }
            }
            drop(place);
        });
    }

    /// First the running calls may end by themselves, then they are cancelled together with the streams that never end.
    async fn drain(self, calls: &Calls, streams: &CancellationToken) {
        drop(self.listener);
        self.draining.cancel();
        self.open.close();
        calls.running.close();
        let running = calls.running.len();
        info!(running, "no longer accepting connections");
        let _ = tokio::time::timeout(self.drain_timeout, calls.running.wait()).await;
        calls.stop.cancel();
        let _ = tokio::time::timeout(GRACE, calls.running.wait()).await;
        streams.cancel();
        if tokio::time::timeout(GRACE, self.open.wait()).await.is_err() {
            warn!(open = self.open.len(), "connections were cut");
        }
    }
}

/// The router, for one connection.
struct Arriving {
    router: Router,
    arrivals: Arc<Arrivals>,
    peer: IpAddr,
    /// A request has come.
    asked: Arc<AtomicBool>,
    telemetry: Telemetry,
}

#[derive(Clone, Copy)]
struct Timing {
    /// When the first request has to be there.
    first: Instant,
    header: Duration,
    /// For a peer that takes nothing of its answer.
    send: Duration,
}

impl hyper::service::Service<Request<Incoming>> for Arriving {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.asked.store(true, Ordering::Relaxed);
        let (telemetry, route) = (self.telemetry.clone(), route(request.uri().path()));
        let answered = match self.arrivals.client(self.peer, &request) {
            Ok(client) => {
                request.extensions_mut().insert(client);
                TowerToHyperService::new(self.router.clone()).call(request).boxed()
            }
            Err(refusal) => ready(Ok(refusal.into_response())).boxed(),
        };
        let counted = move |answer: &Result<Response, Infallible>| {
            if let Ok(answer) = answer {
                telemetry.emit(&Event::Http { route, status: answer.status().as_u16() });
            }
        };
        answered.inspect(counted).boxed()
    }
}

/// What a path is of, in one of a few words.
fn route(path: &str) -> &'static str {
    match path {
        "/mcp" => "mcp",
        "/healthz" | "/readyz" => "health",
        other if other.starts_with("/.well-known/") => "metadata",
        _ => "pages",
    }
}

async fn serve_one<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    service: Arriving,
    timing: Timing,
    draining: CancellationToken,
) {
    let asked = Arc::clone(&service.asked);
    let silent = async {
        tokio::time::sleep_until(timing.first).await;
        if asked.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also bounds how long a connection may idle between two requests.
        .header_read_timeout(timing.header)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(Sending::new(stream, timing.send)), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = silent => return,
        () = draining.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
