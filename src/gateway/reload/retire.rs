//! What is not served any more goes on for the calls and tasks that run on it; then its connections are closed.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use tracing::info;

use crate::gateway::{Gateway, Served};

/// Between two looks at whether somebody is left.
const LOOK: Duration = Duration::from_millis(200);

impl Gateway {
    pub(super) fn retire(&self, before: Arc<[Served]>, now: &Arc<[Served]>) {
        let gone: Vec<Served> = before.iter().filter(|old| old.is_more_than(now)).cloned().collect();
        drop(before);
        if gone.is_empty() {
            return;
        }
        let (worlds, past) = (Arc::clone(&self.worlds), self.worlds.past());
        worlds.retired.lock().unwrap_or_else(PoisonError::into_inner).extend(gone.iter().cloned());
        tokio::spawn(async move {
            while past.iter().any(|served| Weak::strong_count(served) > 0) {
                tokio::time::sleep(LOOK).await;
            }
            for served in &gone {
                let now = Arc::clone(&worlds.current.load().served);
                served.close_but_for(&now).await;
                info!(
                    database = served.name(),
                    "connections of `{}` as it was before are closed",
                    served.name()
                );
            }
            let is_closed =
                |left: &Served| gone.iter().any(|gone| Arc::ptr_eq(&gone.database, &left.database));
            worlds.retired.lock().unwrap_or_else(PoisonError::into_inner).retain(|left| !is_closed(left));
        });
    }
}
