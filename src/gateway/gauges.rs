//! What there is at this moment, for whoever reads metrics: pools, tasks, the policies in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::tasks::Desk;
use super::world::Worlds;
use super::{Gateway, Served};
use crate::db::PoolState;
use crate::telemetry::metrics::series::{
    CONFIGURATIONS, POLICY, POOL_IN_USE, POOL_OPEN, POOL_SIZE, POOL_WAIT, POOL_WAITING, RELOAD_PENDING,
    REPLICA_LAG, REPLICA_STATEMENTS, REPLICA_USED, TASKS,
};
use crate::telemetry::metrics::{Page, Source};

/// Not the gateway itself: that holds who asks.
struct Gauges {
    worlds: Arc<Worlds>,
    desk: Arc<Desk>,
}

impl Gateway {
    /// What it is doing, for metrics.
    pub fn gauges(&self) -> Arc<dyn Source> {
        Arc::new(Gauges { worlds: Arc::clone(&self.worlds), desk: Arc::clone(&self.desk) })
    }
}

impl Source for Gauges {
    fn read(&self) -> BoxFuture<'_, Page> {
        async move {
            let mut page = Page::default();
            let served = Arc::clone(&self.worlds.current.load().served);
            served.iter().for_each(|served| of_database(served, &mut page));
            page.count(&CONFIGURATIONS, &[], self.worlds.in_use());
            page.set(&RELOAD_PENDING, &[], if self.worlds.faults.load().is_empty() { 0.0 } else { 1.0 });
            // A store that does not answer shows in its own calls.
            if let Ok(states) = self.desk.store().states().await {
                for (state, count) in states {
                    page.count(&TASKS, &[state.word()], count);
                }
            }
            page
        }
        .boxed()
    }
}

fn of_database(served: &Served, page: &mut Page) {
    let name = served.name();
    let versions = served.policies.iter().map(|source| source.pin().policy().version().to_owned());
    for version in versions.collect::<std::collections::BTreeSet<_>>() {
        page.set(&POLICY, &[name, &version], 1.0);
    }
    // Roles share the pools of the login that takes them; people's own logins are told of together.
    let mut pools: BTreeMap<&str, PoolState> = BTreeMap::new();
    for (pool, state, waited) in served.database.pools() {
        page.counted(&POOL_WAIT, &[name, pool], waited);
        pools.insert(pool, state);
    }
    let logins = served.logins();
    let others = logins.iter().skip(1).map(|login| ("other_logins", login));
    let own = served.own_logins();
    for (pool, database) in others.chain(own.iter().map(|login| ("own_logins", login))) {
        let state = pools.entry(pool).or_default();
        for (_, more, _) in database.pools() {
            state.size += more.size;
            state.open += more.open;
            state.in_use += more.in_use;
            state.waiting += more.waiting;
        }
    }
    for replica in served.database.replicas() {
        let number = replica.number.to_string();
        page.count(&REPLICA_USED, &[name, &number], usize::from(replica.used));
        if let Some(lag) = replica.lag {
            page.set(&REPLICA_LAG, &[name, &number], lag.as_secs_f64());
        }
        for (result, count) in replica.counts {
            page.count(
                &REPLICA_STATEMENTS,
                &[name, &number, result],
                usize::try_from(count).unwrap_or(usize::MAX),
            );
        }
        let state = pools.entry("replicas").or_default();
        state.size += replica.pool.size;
        state.open += replica.pool.open;
        state.in_use += replica.pool.in_use;
        state.waiting += replica.pool.waiting;
    }
    for (pool, state) in pools {
        for (series, count) in [
            (&POOL_SIZE, state.size),
            (&POOL_OPEN, state.open),
            (&POOL_IN_USE, state.in_use),
            (&POOL_WAITING, state.waiting),
        ] {
            page.count(series, &[name, pool], count);
        }
    }
}
