//! A server of pages on 127.0.0.1 beside stdio: opened when somebody needs it first, on a port that is free.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::connections::Connections;
use crate::mcp::HttpSettings;
use crate::mcp::calls::Calls;
use crate::telemetry::Telemetry;
use crate::web::Pages;

/// Of a few tabs of one browser.
const CONNECTIONS: usize = 32;

/// Cheap to clone.
#[derive(Clone)]
pub(in crate::mcp) struct Loopback(Arc<Inner>);

struct Inner {
    pages: Box<dyn Fn(SocketAddr) -> Pages + Send + Sync>,
    stop: CancellationToken,
    address: OnceCell<SocketAddr>,
}

impl Loopback {
    /// `pages` are told where they are served. Until `stop` fires.
    pub(in crate::mcp) fn new(
        pages: impl Fn(SocketAddr) -> Pages + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner { pages: Box::new(pages), stop, address: OnceCell::new() }))
    }

    /// Where it listens, from now on.
    pub(in crate::mcp) async fn address(&self) -> std::io::Result<SocketAddr> {
        self.0.address.get_or_try_init(|| self.open()).await.copied()
    }

    async fn open(&self) -> std::io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let settings = HttpSettings {
            connections: CONNECTIONS,
            connections_of_one: CONNECTIONS,
            ..HttpSettings::default()
        };
        let (pages, stop) = ((self.0.pages)(address), self.0.stop.clone());
        tokio::spawn(async move {
            let connections = Connections::new(listener, None, &settings, Telemetry::default());
            connections.serve(pages.router, Calls::default(), CancellationToken::new(), stop).await;
        });
        info!(%address, "approvals are asked for on http://{address}");
        Ok(address)
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loopback({:?})", self.0.address.get())
    }
}
