//! What a request rests on: its session and its token, for as long as they last.

use std::sync::Arc;

use http::request::Parts;
use rmcp::RoleServer;
use rmcp::model::Extensions;
use rmcp::service::RequestContext;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Bearer;

/// In an HTTP request's extensions: what its call does not outlive.
#[derive(Clone, Default)]
pub(super) struct Standing {
    /// Fires when the session ends that the request belongs to. rmcp would go on for seconds.
    pub(super) session: CancellationToken,
    /// Fires when the bearer token is revoked that the request came with.
    pub(super) token: CancellationToken,
    /// Of that token.
    pub(super) bearer: Option<Arc<Bearer>>,
    /// How many streams the session has open for what it is told unasked. `None` where it always hears.
    pub(super) streams: Option<watch::Receiver<usize>>,
}

impl Standing {
    pub(super) fn of(cx: &RequestContext<RoleServer>) -> Self {
        Self::from(&cx.extensions)
    }

    /// Those of a request or a notification.
    pub(super) fn from(extensions: &Extensions) -> Self {
        let parts = extensions.get::<Parts>();
        parts.and_then(|parts| parts.extensions.get::<Self>()).cloned().unwrap_or_default()
    }

    /// Waits until the client hears what it is told unasked.
    pub(super) async fn hears(&self) {
        let Some(mut streams) = self.streams.clone() else { return };
        if streams.wait_for(|open| *open > 0).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Until one of them fires.
    pub(super) async fn lost(&self) {
        tokio::select! {
            () = self.session.cancelled() => {}
            () = self.token.cancelled() => {}
        }
    }
}
