//! A borrowed connection, and how it goes back: reset if all went well, stopped and replaced if not.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Object;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::cancel::stop;
use super::connect::Connector;
use super::link::Link;
use super::pool::Slot;

/// ROLLBACK, then what DISCARD ALL does, but for two things. Not DEALLOCATE: the driver keeps statements of its own.
/// Not the release of advisory locks, which many logins may not call: a run that took one was refused by its lock
/// check, and its connection closed.
const RESET: &str = include_str!("reset.sql");
/// Where the session is not ours, nothing is left in it.
const ROLLBACK: &str = "ROLLBACK";
/// A reset that takes longer is not worth waiting for.
const RESET_LIMIT: Duration = Duration::from_secs(2);
const REPLACE_LIMIT: Duration = Duration::from_secs(1);

/// INVARIANT: dropped without [`Lease::end`] after use, the connection is never lent again: whatever runs on it is
/// cancelled, then it is closed. So a caller's future may be dropped at any point.
pub(super) struct Lease {
    slot: Option<Slot>,
    connector: Arc<Connector>,
    max_age: Duration,
    tasks: TaskTracker,
    used: bool,
}

impl Lease {
    pub fn new(slot: Slot, connector: Arc<Connector>, max_age: Duration, tasks: TaskTracker) -> Self {
        Self { slot: Some(slot), connector, max_age, tasks, used: false }
    }

    /// The connection, to send something on it: from here on it must be ended or is stopped.
    pub fn link(&mut self) -> Option<&Link> {
        self.used = true;
        self.slot.as_deref()
    }

    /// The connection, to look at it. Dropped after that, it is lent again.
    pub fn peek(&self) -> Option<&Link> {
        self.slot.as_deref()
    }

    /// All went well: the connection is reset and lent again.
    pub fn end(mut self) {
        let Some(slot) = self.slot.take() else { return };
        self.spawn(give_back(slot, self.replace()));
    }

    /// All went well, and what ran leaves nothing behind in its session: lent again at once.
    pub fn keep(mut self) {
        let reusable = self.slot.as_ref().is_some_and(|link| is_reusable(link, self.max_age));
        if !reusable {
            return self.end();
        }
        if let Some(slot) = self.slot.take() {
            slot.take_notices();
            drop(slot);
        }
    }

    fn replace(&self) -> Replace {
        Replace { connector: Arc::clone(&self.connector), max_age: self.max_age, tasks: self.tasks.clone() }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime (it is shutting down) the task is dropped, and the connection with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.tasks.spawn_on(task, &runtime);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        if self.used {
            self.spawn(stop_and_replace(slot, self.replace()));
        }
    }
}

fn is_reusable(link: &Link, max_age: Duration) -> bool {
    !link.is_closed() && !link.is_spent() && link.age() < max_age
}

async fn give_back(slot: Slot, replace: Replace) {
    let slot = Returning(Some(slot));
    let Some(link) = slot.link() else { return };
    let text = if link.is_pooled() { ROLLBACK } else { RESET };
    let reset = timeout(RESET_LIMIT, link.client().batch_execute(text)).await;
    if matches!(reset, Ok(Ok(()))) && is_reusable(link, replace.max_age) {
        link.take_notices();
        slot.lend_again();
        return;
    }
    debug!(reset = matches!(reset, Ok(Ok(()))), "connection not reused");
    slot.replace(replace).await;
}

/// The slot stays taken until the old backend is idle or given up, so that callers cannot pile up backends.
async fn stop_and_replace(slot: Slot, replace: Replace) {
    let slot = Returning(Some(slot));
    let Some(link) = slot.link() else { return };
    // What idles was opened to the same silence, and would cost each caller a deadline to find out.
    stop(link, || slot.close_idle()).await;
    slot.replace(replace).await;
}

/// What opens the connection that takes the place of a closed one, off every caller's path.
struct Replace {
    connector: Arc<Connector>,
    max_age: Duration,
    tasks: TaskTracker,
}

impl Replace {
    async fn open(&self) -> Option<Link> {
        if self.tasks.is_closed() {
            return None;
        }
        timeout(REPLACE_LIMIT, self.connector.open()).await.ok()?.ok()
    }
}

/// A slot between two leases. Dropped midway (the runtime ends), its connection is closed, not lent again.
struct Returning(Option<Slot>);

impl Returning {
    fn link(&self) -> Option<&Link> {
        self.0.as_deref()
    }

    fn close_idle(&self) {
        if let Some(pool) = self.0.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
    }

    fn lend_again(mut self) {
        drop(self.0.take());
    }

    /// Closes the connection; where no other can be opened at once, the slot is left empty for the next lease.
    async fn replace(mut self, replace: Replace) {
        // A pooler may have no other server connection than that of the old one.
        if self.link().is_some_and(Link::is_pooled) {
            if let Some(slot) = self.0.take() {
                Object::take(slot).close().await;
            }
            return;
        }
        let fresh = replace.open().await;
        let Some(mut slot) = self.0.take() else { return };
        let old = match fresh {
            Some(fresh) => std::mem::replace(&mut *slot, fresh),
            None => Object::take(slot),
        };
        old.close().await;
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            drop(Object::take(slot));
        }
    }
}
