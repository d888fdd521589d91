//! `resources/subscribe` and `resources/unsubscribe`, and the lists that a session is told of without asking: in the
//! revisions before 2026-07-28.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rmcp::service::{NotificationContext, Peer, RequestContext};
use rmcp::{ErrorData, RoleServer};
use tokio::task::JoinHandle;
use tracing::debug;

use super::{MOST, Pusher, Wanted};
use crate::auth::Caller;
use crate::gateway::Watch;
use crate::mcp::handler::Handler;
use crate::mcp::reply;
use crate::mcp::standby::Standby;
use crate::mcp::standing::Standing;
use crate::pg::Diagnostic;

/// What one session has subscribed to, and the task that tells it.
#[derive(Default)]
pub(in crate::mcp) struct Session(Mutex<State>);

#[derive(Default)]
struct State {
    uris: BTreeSet<String>,
    pushing: Option<Pushing>,
}

/// Ends with the session.
struct Pushing(JoinHandle<()>);

impl Drop for Pushing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> Wanted {
        Wanted { tools: true, list: true, uris: self.state().uris.clone() }
    }
}

/// The client is ready: from now on it is told when its lists change.
pub(in crate::mcp) fn initialized(handler: &Handler, cx: &NotificationContext<RoleServer>) {
    let standing = Standing::from(&cx.extensions);
    let client = cx.peer.peer_info().map(|info| info.client_info.clone());
    let begun = handler
        .callers
        .find(&cx.extensions, client)
        .map(|caller| begin(handler, caller, standing, cx.peer.clone()));
    if let Ok(Err(refusal)) = begun {
        debug!("a session is told of no changes: {}", refusal.message);
    }
}

pub(in crate::mcp) fn subscribe(
    handler: &Handler,
    uri: &str,
    cx: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let caller = handler.caller(cx)?;
    if !handler.gateway.may_have_resource(uri) {
        return Err(reply::unknown_resource(uri));
    }
    begin(handler, caller, Standing::of(cx), cx.peer.clone())
        .map_err(|refusal| reply::request_failed(&refusal))?;
    let mut state = handler.session.state();
    if state.uris.len() >= MOST && !state.uris.contains(uri) {
        let why = format!("a session may subscribe to {MOST} resources; unsubscribe from some");
        return Err(reply::malformed("resources/subscribe", &why));
    }
    state.uris.insert(uri.to_owned());
    Ok(())
}

/// Also of what it never subscribed to.
pub(in crate::mcp) fn unsubscribe(handler: &Handler, uri: &str) {
    handler.session.state().uris.remove(uri);
}

/// Begins to tell, unless that has begun: as the caller with whose token it begins, until that is revoked.
fn begin(
    handler: &Handler,
    caller: Caller,
    standing: Standing,
    peer: Peer<RoleServer>,
) -> Result<(), Diagnostic> {
    let mut state = handler.session.state();
    if state.pushing.as_ref().is_some_and(|pushing| !pushing.0.is_finished()) {
        return Ok(());
    }
    let watch = handler.gateway.watch(&caller)?;
    // The task must not hold the session that ends it.
    let (apart, session) = (handler.standby().apart(), Arc::downgrade(&handler.session));
    let stop = handler.calls.stop.clone();
    state.pushing = Some(Pushing(tokio::spawn(async move {
        tokio::select! {
            () = push(apart, caller, watch, &standing, (&peer, session)) => {}
            () = stop.cancelled() => {}
            () = standing.lost() => {}
        }
    })));
    Ok(())
}

/// Until the client or its session is gone.
async fn push(
    standby: Standby,
    caller: Caller,
    watch: Watch,
    standing: &Standing,
    (peer, session): (&Peer<RoleServer>, Weak<Session>),
) {
    let mut pusher = Pusher::start(standby, caller, watch).await;
    loop {
        pusher.stirred().await;
        standing.hears().await;
        let Some(wanted) = session.upgrade().map(|session| session.wanted()) else { return };
        for told in pusher.changes(&wanted).await {
            if peer.send_notification(told.notification(None)).await.is_err() {
                return;
            }
        }
    }
}
