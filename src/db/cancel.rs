//! Stopping what runs on a connection, without ever stopping anything else.
//!
//! A cancel request travels on a connection of its own and names only the backend, so a late one hits whatever runs
//! there by then. Hence: (1) the connection is never used again; (2) the request is sent and the server's hang-up
//! awaited, which comes after it was delivered; (3) the statement's end is awaited, and where it does not come the
//! request is sent again (one that arrives before the statement has started is lost); (4) one at a time; (5) the
//! connection is closed by the lease that calls this.

use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::link::Link;
use super::remote::{Remote, Stream};

const ATTEMPTS: usize = 5;
/// For connecting, sending and the server's hang-up.
const DELIVERY: Duration = Duration::from_secs(2);
/// From a delivered request to the statement's end, before it is sent again.
const EFFECT: Duration = Duration::from_millis(60);

/// Knows which backend of which server to stop.
#[derive(Clone)]
pub(super) struct Canceler {
    token: CancelToken,
    remote: Remote,
    tls: Option<MakeRustlsConnect>,
}

impl Canceler {
    pub fn new(token: CancelToken, remote: Remote, tls: Option<MakeRustlsConnect>) -> Self {
        Self { token, remote, tls }
    }

    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Sends one request; returns once PostgreSQL has delivered it.
    async fn deliver(&self) -> io::Result<()> {
        let mut kept = Kept(Arc::new(Mutex::new(self.remote.connect().await?)));
        let sent = match (self.tls.clone(), &self.remote.host_name) {
            (Some(mut tls), Some(host_name)) => {
                let tls = MakeTlsConnect::<Kept>::make_tls_connect(&mut tls, host_name)
                    .map_err(io::Error::other)?;
                self.token.cancel_query_raw(kept.clone(), tls).await
            }
            _ => self.token.cancel_query_raw(kept.clone(), NoTls).await,
        };
        sent.map_err(io::Error::other)?;
        let mut rest = [0; 64];
        while kept.read(&mut rest).await? > 0 {}
        Ok(())
    }
}

/// Stops whatever runs on `link`. INVARIANT: it is out of reach of every other caller, and is closed next. `silent` is
/// called when the server does not take the request: other connections to it may be as dead.
pub(super) async fn stop(link: &Link, silent: impl Fn()) {
    // A Sync: its answer comes after those of everything that was sent before.
    let mut idle = pin!(link.client().check_connection());
    for _ in 0..ATTEMPTS {
        if timeout(Duration::ZERO, idle.as_mut()).await.is_ok() {
            return;
        }
        // An undelivered request is sent again like one without effect.
        if timeout(DELIVERY, link.canceler().deliver()).await.is_err() {
            silent();
        }
        if timeout(EFFECT, idle.as_mut()).await.is_ok() {
            return;
        }
    }
}

/// A stream whose reading end outlives the sending of the request.
#[derive(Clone)]
struct Kept(Arc<Mutex<Stream>>);

impl Kept {
    fn with<R>(&self, act: impl FnOnce(Pin<&mut Stream>) -> R) -> R {
        act(Pin::new(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl AsyncRead for Kept {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Kept {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    /// It is the server who hangs up: PgBouncer 1.18 crashes where a client does it while its request is under way.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
