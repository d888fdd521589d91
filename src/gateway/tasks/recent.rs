//! Who asks for a task's state again at once reads what was read a moment ago: the store is not asked.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

use super::question::digest_of;
use crate::auth::Caller;
use crate::gateway::TaskView;
use crate::tasks::{Change, Owner, TaskId};

/// More than these are forgotten together.
const REMEMBERED: usize = 10_000;

#[derive(Debug)]
pub(super) struct Recent(Mutex<Looks>);

#[derive(Debug)]
struct Looks {
    /// With a digest of who asked: no caller's login is kept.
    views: HashMap<TaskId, (Owner, String, TaskView, Instant)>,
    /// Of whatever was changed, here or elsewhere, nothing is remembered.
    changes: Receiver<Change>,
}

impl Recent {
    pub(super) fn new(changes: Receiver<Change>) -> Self {
        Self(Mutex::new(Looks { views: HashMap::new(), changes }))
    }

    /// What was read at most `age` ago and has not changed since.
    pub(super) fn view(&self, caller: &Caller, id: TaskId, age: Duration) -> Option<TaskView> {
        let mut looks = self.looks();
        looks.forget_changed();
        let (owner, digest, view, at) = looks.views.get(&id)?;
        (*owner == Owner::of(caller) && *digest == digest_of(caller, None) && at.elapsed() < age)
            .then(|| view.clone())
    }

    pub(super) fn remember(&self, caller: &Caller, view: TaskView) {
        let mut looks = self.looks();
        if looks.views.len() >= REMEMBERED {
            looks.views.clear();
        }
        looks.views.insert(view.id, (Owner::of(caller), digest_of(caller, None), view, Instant::now()));
    }

    /// This process changes it: its own word comes before the store's.
    pub(super) fn forget(&self, id: TaskId) {
        self.looks().views.remove(&id);
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Looks {
    fn forget_changed(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(change) => drop(self.views.remove(&change.id)),
                Err(TryRecvError::Lagged(_)) => self.views.clear(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::Utc;
    use tokio::sync::broadcast;

    use super::*;
    use crate::tasks::State;

    const AGE: Duration = Duration::from_secs(60);

    fn view(id: TaskId) -> TaskView {
        let now = Utc::now();
        TaskView {
            id,
            state: State::Running,
            message: String::new(),
            created_at: now,
            updated_at: now,
            ttl: AGE,
            poll_interval: AGE,
            pending: BTreeMap::new(),
        }
    }

    #[test]
    fn only_its_owner_reads_it_and_only_until_something_happens() {
        let (sender, changes) = broadcast::channel(2);
        let recent = Recent::new(changes);
        let ids = [1, 2, 3].map(|byte| TaskId::from_bytes([byte; 16]));
        ids.iter().for_each(|id| recent.remember(&Caller::local("anna"), view(*id)));
        assert!(recent.view(&Caller::local("anna"), ids[0], AGE).is_some());
        assert!(recent.view(&Caller::local("ben"), ids[0], AGE).is_none());
        assert!(recent.view(&Caller::local("anna"), ids[0], Duration::ZERO).is_none());
        sender.send(Change { id: ids[0], cancelled: false }).unwrap();
        assert!(recent.view(&Caller::local("anna"), ids[0], AGE).is_none());
        recent.forget(ids[1]);
        assert!(recent.view(&Caller::local("anna"), ids[1], AGE).is_none());
        assert!(recent.view(&Caller::local("anna"), ids[2], AGE).is_some());
        // More than the channel holds: it could be any of them.
        (0..5).for_each(|_| drop(sender.send(Change { id: ids[0], cancelled: false })));
        assert!(recent.view(&Caller::local("anna"), ids[2], AGE).is_none());
    }
}
