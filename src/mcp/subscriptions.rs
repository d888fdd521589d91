//! What clients are told unasked: that a resource, or the list of resources or of tools, is no longer what it was. In the
//! revisions with sessions ([`session`]) and in 2026-07-28 ([`listen`]).
//!
//! INVARIANT: a client is told only where what it would be answered has changed: nothing hidden makes a difference, and not
//! even the time of such a change can be seen.

pub(super) mod listen;
mod pusher;
pub(super) mod session;

use rmcp::model::{CustomNotification, ServerNotification};
use serde_json::{Map, Value, json};

pub(super) use pusher::{Pusher, Wanted};

/// Resources that one session, or one request, may subscribe to.
const MOST: usize = 100;

/// One thing to tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Tools,
    Resources,
    /// By its URI.
    Resource(String),
}

impl Told {
    /// With `meta`, where the client asks for one.
    fn notification(&self, meta: Option<&Value>) -> ServerNotification {
        let (method, uri) = match self {
            Self::Tools => ("notifications/tools/list_changed", None),
            Self::Resources => ("notifications/resources/list_changed", None),
            Self::Resource(uri) => ("notifications/resources/updated", Some(uri)),
        };
        let uri = uri.map(|uri| ("uri".to_owned(), json!(uri)));
        let meta = meta.map(|meta| ("_meta".to_owned(), meta.clone()));
        let params: Map<String, Value> = uri.into_iter().chain(meta).collect();
        // Never left out: it would go out as `null`, which JSON-RPC does not have.
        let params = Some(Value::Object(params));
        ServerNotification::CustomNotification(CustomNotification::new(method, params))
    }
}
