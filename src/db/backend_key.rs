//! The process id that a server announced when the connection began: PostgreSQL's own, or one that a pooler made up.
//!
//! The driver keeps it to itself, and tells it in cancel requests alone. So one is written here, to nobody.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::CancelToken;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Length, code, process id, secret: four bytes each.
const REQUEST: usize = 16;
const PROCESS_ID: std::ops::Range<usize> = 8..12;

/// `None` where the driver does not say it.
pub(super) fn process_id(token: &CancelToken) -> Option<i32> {
    let ear = Ear::default();
    // Nothing here waits.
    token.cancel_query_raw(ear.clone(), Bare).now_or_never()?.ok()?;
    let heard = ear.0.lock().unwrap_or_else(PoisonError::into_inner);
    let request = heard.get(heard.len().checked_sub(REQUEST)?..)?;
    request.get(PROCESS_ID)?.try_into().ok().map(i32::from_be_bytes)
}

/// Keeps what is written, and answers that it speaks TLS.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<u8>>>);

/// TLS without any.
struct Bare;

impl TlsConnect<Ear> for Bare {
    type Stream = Ear;
    type Error = Infallible;
    type Future = Ready<Result<Ear, Infallible>>;

    fn connect(self, ear: Ear) -> Self::Future {
        ready(Ok(ear))
    }
}

impl TlsStream for Ear {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Ear {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buf.put_slice(b"S");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ear {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
