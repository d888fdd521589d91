//! Accepts connections: only so many, no slow headers, no delayed packets; and lets them end in order.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

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
    places: Arc<Semaphore>,
    header_timeout: Duration,
    drain_timeout: Duration,
    open: TaskTracker,
    draining: CancellationToken,
}

impl Connections {
    pub(super) fn new(listener: TcpListener, settings: &HttpSettings) -> Self {
        Self {
            listener,
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
                Ok((stream, _)) => self.admit(stream, router.clone()),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        self.drain(&calls, &streams).await;
    }

    fn admit(&self, mut stream: TcpStream, router: Router) {
        // Without it every reply waits for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            self.open.spawn(async move {
                let _ = tokio::time::timeout(GRACE, stream.write_all(FULL)).await;
            });
            return;
        };
        let (header_timeout, draining) = (self.header_timeout, self.draining.clone());
        self.open.spawn(async move {
            serve_one(stream, router, header_timeout, draining).await;
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

async fn serve_one(stream: TcpStream, router: Router, header_timeout: Duration, draining: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also bounds how long a connection may idle between two requests.
        .header_read_timeout(header_timeout)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = draining.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
