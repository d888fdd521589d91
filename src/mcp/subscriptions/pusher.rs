//! Compares what one client is answered now with what it was answered before. However many changes come while the client
//! does not read, they are one when it does.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use super::Told;
use crate::auth::Caller;
use crate::gateway::{Shown, Watch};
use crate::mcp::handler::Handler;
use crate::mcp::standby::Standby;

/// For databases that are about to be ready: their readiness is no news.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a client wants to be told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::mcp) struct Wanted {
    pub(in crate::mcp) tools: bool,
    /// The list of resources.
    pub(in crate::mcp) list: bool,
    /// Resources.
    pub(in crate::mcp) uris: BTreeSet<String>,
}

impl Wanted {
    pub(in crate::mcp) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

pub(in crate::mcp) struct Pusher {
    standby: Standby,
    caller: Caller,
    watch: Watch,
    shown: Shown,
    tools: u64,
}

impl Pusher {
    /// Tells of what happens from now on.
    pub(in crate::mcp) async fn start(standby: Standby, caller: Caller, watch: Watch) -> Self {
        let handler = standby.pinned();
        handler.gateway.settled(PATIENCE).await;
        let shown = handler.gateway.shown(&caller).await;
        let tools = tools(&handler, &caller).await;
        Self { standby, caller, watch, shown, tools }
    }

    /// Returns when something may have changed. May be dropped at any time.
    pub(in crate::mcp) async fn stirred(&mut self) {
        self.watch.stirred().await;
    }

    /// What has changed since the last call, of what is wanted.
    pub(in crate::mcp) async fn changes(&mut self, wanted: &Wanted) -> Vec<Told> {
        let handler = self.standby.pinned();
        let shown = handler.gateway.shown(&self.caller).await;
        let tools = tools(&handler, &self.caller).await;
        let mut told = Vec::new();
        if wanted.tools && tools != self.tools {
            told.push(Told::Tools);
        }
        if wanted.list && shown.differs_in_list(&self.shown) {
            told.push(Told::Resources);
        }
        let updated = wanted.uris.iter().filter(|uri| shown.differs_in(&self.shown, uri));
        told.extend(updated.cloned().map(Told::Resource));
        (self.shown, self.tools) = (shown, tools);
        told
    }
}

/// A number for what `tools/list` has.
async fn tools(handler: &Handler, caller: &Caller) -> u64 {
    let mut hasher = DefaultHasher::new();
    for listed in handler.listed(caller, false).await {
        serde_json::to_string(&listed.tool).unwrap_or_default().hash(&mut hasher);
    }
    hasher.finish()
}
