//! Accepts connections: only so many, no slow headers, no delayed packets; and lets them end in order.

use std::convert::Infallible;
use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
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
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::arrival::Arrivals;
use super::tls::Tls;
use crate::mcp::HttpSettings;
use crate::mcp::calls::Calls;

/// Bytes of the request line and all headers.
const HEADER_BYTES: usize = 64 * 1024;
/// Before the next try when no connection could be accepted: out of descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// For the last bytes of what has been cancelled.
const GRACE: Duration = Duration::from_secs(2);
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n";

pub(super) struct Connections {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    arrivals: Arc<Arrivals>,
    places: Arc<Semaphore>,
    header_timeout: Duration,
    drain_timeout: Duration,
    open: TaskTracker,
    draining: CancellationToken,
}

impl Connections {
    pub(super) fn new(listener: TcpListener, tls: Option<Arc<Tls>>, settings: &HttpSettings) -> Self {
        Self {
            listener,
            tls,
            arrivals: Arc::new(Arrivals::new(settings)),
            places: Arc::new(Semaphore::new(settings.connections)),
            header_timeout: settings.header_timeout,
            drain_timeout: settings.drain_timeout,
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
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            // Who would need a handshake first just sees it closed.
            if self.tls.is_none() {
                self.open.spawn(async move {
                    let _ = tokio::time::timeout(GRACE, stream.write_all(FULL)).await;
                });
            }
            return;
        };
        let service = Arriving { router, arrivals: Arc::clone(&self.arrivals), peer };
        let (header_timeout, draining) = (self.header_timeout, self.draining.clone());
        let tls = self.tls.clone();
        self.open.spawn(async move {
            match tls {
                None => serve_one(stream, service, header_timeout, draining).await,
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream, header_timeout).await {
                        serve_one(stream, service, header_timeout, draining).await;
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
}

impl hyper::service::Service<Request<Incoming>> for Arriving {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let client = match self.arrivals.client(self.peer, &request) {
            Ok(client) => client,
            Err(refusal) => return ready(Ok(refusal.into_response())).boxed(),
        };
        request.extensions_mut().insert(client);
        TowerToHyperService::new(self.router.clone()).call(request).boxed()
    }
}

async fn serve_one<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    service: Arriving,
    header_timeout: Duration,
    draining: CancellationToken,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also bounds how long a connection may idle between two requests.
        .header_read_timeout(header_timeout)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = draining.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
