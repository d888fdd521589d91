//! What a request sees of the configuration, in one piece: it is pinned at the request's arrival, and nothing of another
//! version is met until its answer.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use super::reload::Fault;
use super::tasks::Desk;
use super::{CallLimits, Gateway, Served};
use crate::telemetry::Telemetry;

/// One version, which never changes.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub served: Arc<[Served]>,
    pub limits: CallLimits,
    pub search_and_fetch: bool,
}

/// The version in use, and what is left of those before it.
#[derive(Debug)]
pub(super) struct Worlds {
    pub current: ArcSwap<World>,
    /// Those that some request may still be in.
    past: Mutex<Vec<Weak<[Served]>>>,
    /// Databases of the past that are not closed yet.
    pub retired: Mutex<Vec<Served>>,
    /// Why what the files hold now was not taken.
    pub faults: ArcSwap<Vec<Fault>>,
    /// One reload at a time.
    pub reloading: tokio::sync::Mutex<()>,
}

impl Worlds {
    pub fn of(world: World) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwap::from_pointee(world),
            past: Mutex::default(),
            retired: Mutex::default(),
            faults: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
        })
    }

    /// From here on requests get `world`. What the one before serves is in the past.
    pub fn turn(&self, world: World) {
        let before = self.current.swap(Arc::new(world));
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        past.retain(|served| served.strong_count() > 0);
        past.push(Arc::downgrade(&before.served));
    }

    /// Versions that somebody is answered by, that in use now included.
    pub fn in_use(&self) -> usize {
        1 + self.past().iter().filter(|served| served.strong_count() > 0).count()
    }

    /// What requests of the past may still be in.
    pub fn past(&self) -> Vec<Weak<[Served]>> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The gateway for whoever outlives a request: no version of the configuration is held by it.
#[derive(Clone, Debug)]
pub struct Live(Gateway);

impl Live {
    /// As it is now: for one request.
    pub fn now(&self) -> Gateway {
        self.0.now()
    }

    /// Versions of the configuration that somebody is answered by: one, unless there was a reload since their call began.
    pub fn versions_in_use(&self) -> usize {
        self.0.worlds.in_use()
    }

    /// The same without anything to serve.
    pub(crate) fn idle(&self) -> Gateway {
        self.0.clone()
    }

    /// Where events go.
    pub fn telemetry(&self) -> &Telemetry {
        self.0.telemetry()
    }

    pub(super) fn desk(&self) -> &Arc<Desk> {
        &self.0.desk
    }

    /// Ends all connections.
    pub async fn close(&self) {
        let retired =
            std::mem::take(&mut *self.0.worlds.retired.lock().unwrap_or_else(PoisonError::into_inner));
        for served in self.now().served.iter().chain(&retired) {
            served.close().await;
        }
    }

    /// As [`Gateway::work`].
    pub async fn work(&self, stop: CancellationToken, drain: Duration) {
        super::tasks::work(self, stop, drain).await;
    }
}

impl From<&Gateway> for Live {
    fn from(gateway: &Gateway) -> Self {
        Self(Gateway { served: Arc::default(), ..gateway.clone() })
    }
}

impl From<Gateway> for Live {
    fn from(gateway: Gateway) -> Self {
        Self::from(&gateway)
    }
}

impl Gateway {
    /// The same in the version that is in use now.
    pub fn now(&self) -> Self {
        let World { served, limits, search_and_fetch } = World::clone(&self.worlds.current.load());
        Self { served, limits, search_and_fetch, ..self.clone() }
    }

    /// The same as the only version that there was, for whoever composes it.
    pub(super) fn composed(self) -> Self {
        let world = World {
            served: Arc::clone(&self.served),
            limits: self.limits.clone(),
            search_and_fetch: self.search_and_fetch,
        };
        Self { worlds: Worlds::of(world), ..self }
    }

    /// Characters of a reply.
    pub fn reply_characters(&self) -> usize {
        self.limits.characters
    }

    /// What is served now, and what requests may still be served by.
    pub(super) fn everything_served(&self) -> Vec<Served> {
        let past = self.worlds.past().into_iter().filter_map(|served| served.upgrade());
        let now = std::iter::once(Arc::clone(&self.worlds.current.load().served));
        now.chain(past).flat_map(|served| served.to_vec()).collect()
    }
}
