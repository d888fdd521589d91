//! A run that becomes a task takes one of its owner's places before its record is written: two at once cannot have the same.

use std::sync::{MutexGuard, PoisonError};

use super::Desk;
use crate::tasks::Owner;

/// A place, until the run has its record.
pub(in crate::gateway) struct Opening<'d> {
    desk: &'d Desk,
    owner: Owner,
}

impl Desk {
    /// `None`: as many run as its owner may have at once.
    pub(in crate::gateway) fn opening(&self, owner: Owner) -> Option<Opening<'_>> {
        let (here, mut opening) = (self.here(), self.openings());
        let running = here.values().filter(|here| here.owner == owner).count();
        let begun = opening.iter().filter(|one| **one == owner).count();
        if running + begun >= self.settings().running_per_owner {
            return None;
        }
        opening.push(owner.clone());
        Some(Opening { desk: self, owner })
    }

    fn openings(&self) -> MutexGuard<'_, Vec<Owner>> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut opening = self.desk.openings();
        if let Some(place) = opening.iter().position(|one| *one == self.owner) {
            opening.swap_remove(place);
        }
    }
}
