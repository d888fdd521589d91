//! What a new configuration has in common with the one before keeps its state: connections, catalogs, shares, and what was
//! worked out.

use std::sync::Arc;

use crate::gateway::identities::Identities;
use crate::gateway::{PolicySource, SavedSource, Served};

impl Served {
    /// With what `old` has, where that is the same.
    pub(super) fn carried_over(self, old: &Self) -> Self {
        let policies = self.policies.replaced(|new| of_old(new, old));
        let notes =
            match *self.notes.current() == *old.notes.current() && self.notes.path() == old.notes.path() {
                true => Arc::clone(&old.notes),
                false => self.notes,
            };
        let saved = self.saved.map(|new| match &old.saved {
            Some(kept) if is_same(&new, kept) => Arc::clone(kept),
            Some(_) | None => new,
        });
        let carried = Self { policies, notes, saved, ..self };
        if carried.database.settings() != old.database.settings() {
            return carried;
        }
        let identities = match Identities::are_alike(&carried.identities, &old.identities) {
            true => Arc::clone(&old.identities),
            false => carried.identities,
        };
        Self {
            database: Arc::clone(&old.database),
            shares: Arc::clone(&old.shares),
            pages: Arc::clone(&old.pages),
            identities,
            ..carried
        }
    }
}

/// The same policy, or one whose callers keep the connections of their login.
fn of_old(new: &Arc<PolicySource>, old: &Served) -> Option<Arc<PolicySource>> {
    if old.policies.sources().any(|kept| Arc::ptr_eq(kept, new)) {
        return None;
    }
    if let Some(kept) = old.policies.sources().find(|kept| kept.is_same_as(new)) {
        return Some(Arc::clone(kept));
    }
    let (database, _) = new.login()?;
    let logins = old.policies.sources().filter_map(|source| source.login());
    let login = logins.into_iter().find(|(kept, _)| kept.settings() == database.settings())?;
    Some(Arc::new(new.over(login.clone())))
}

fn is_same(new: &SavedSource, old: &SavedSource) -> bool {
    new.path() == old.path() && new.current().version == old.current().version
}
