//! The calls that run: none outlives its client, its session, its bearer token or the server.

use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reply;
use super::standing::Standing;
use crate::pg::Diagnostic;

/// The running calls of one server: counted, and cancelled together.
#[derive(Clone, Default)]
pub(super) struct Calls {
    pub(super) stop: CancellationToken,
    pub(super) running: TaskTracker,
}

impl Calls {
    /// Runs one call under a token that fires with the client's, the session's, the bearer token's, or the order to stop. The
    /// call is never dropped half way: it ends by itself soon after its token fires, and so PostgreSQL hears of it. What comes of it is
    /// nothing for a bearer token that is revoked by then.
    pub(super) async fn run<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        call: impl AsyncFnOnce(CancellationToken) -> T,
    ) -> Result<T, ErrorData> {
        let _counted = self.running.token();
        let standing = Standing::of(cx);
        let cancel = self.stop.child_token();
        let mut running = std::pin::pin!(call(cancel.clone()));
        tokio::select! {
            biased;
            answer = &mut running => return Ok(answer),
            () = cx.ct.cancelled() => cancel.cancel(),
            () = standing.lost() => cancel.cancel(),
        }
        let answer = running.await;
        if standing.token.is_cancelled() { Err(reply::revoked()) } else { Ok(answer) }
    }

    /// For what only looks into the catalog: it is dropped where it stands.
    pub(super) async fn unless_cancelled<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        looking: impl Future<Output = Result<T, Diagnostic>>,
    ) -> Result<T, ErrorData> {
        let _counted = self.running.token();
        let standing = Standing::of(cx);
        tokio::select! {
            biased;
            found = looking => found.map_err(|diagnostic| reply::request_failed(&diagnostic)),
            () = cx.ct.cancelled() => Err(reply::cancelled()),
            () = standing.token.cancelled() => Err(reply::revoked()),
            () = standing.session.cancelled() => Err(reply::cancelled()),
            () = self.stop.cancelled() => Err(reply::cancelled()),
        }
    }
}
