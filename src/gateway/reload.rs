//! What is configured becomes another while calls run: all of it at once, or nothing of it.

mod carry;
mod check;
mod reread;
mod retire;
mod tell;

pub use reread::texts_of;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::world::World;
use super::{CallLimits, Gateway, Served};
use crate::policy::Place;

/// What a file is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Configuration,
    Policy,
    Notes,
    SavedQueries,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Policy => "policy",
            Self::Notes => "notes",
            Self::SavedQueries => "saved_queries",
        }
    }
}

/// Why what the files hold now was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    pub kind: Kind,
    /// Empty where it is of no database.
    pub database: String,
    pub place: Place,
    /// The place and what is wrong there.
    pub told: String,
}

/// A configuration that can be read, to be taken if it holds.
#[derive(Debug)]
pub struct Proposal {
    /// What does not differ from what is served now, is carried over: its connections, its catalog.
    pub served: Vec<Served>,
    pub limits: CallLimits,
    pub search_and_fetch: bool,
    /// The configuration's file; `None` where only what it names was read.
    pub file: Option<String>,
    /// Where the databases stand in it, by name.
    pub places: BTreeMap<String, Place>,
}

impl Gateway {
    /// Takes what is proposed, whole: requests that come from now on are answered by it, those that run go on by what they
    /// began with. Databases and logins that are new pass their checks first. Otherwise all stays as it is, and why is told,
    /// to whom it was not told before (`again`: to everybody). Whether it was taken.
    pub async fn adopt(&self, proposal: Proposal, again: bool) -> bool {
        let _one = self.worlds.reloading.lock().await;
        self.take(proposal, again).await
    }

    /// Reads policies, notes and saved queries again, and takes what changed as [`Gateway::adopt`] does. Whether there is
    /// nothing left to be taken.
    pub async fn reload(&self, again: bool) -> bool {
        let _one = self.worlds.reloading.lock().await;
        let before = self.now();
        match reread::served(&before.served).await {
            Err(faults) => {
                self.keep(faults, again);
                false
            }
            Ok(None) => {
                self.worlds.faults.store(Arc::default());
                true
            }
            Ok(Some(served)) => {
                let proposal = Proposal {
                    served,
                    limits: before.limits.clone(),
                    search_and_fetch: before.search_and_fetch,
                    file: None,
                    places: BTreeMap::new(),
                };
                drop(before);
                self.take(proposal, again).await
            }
        }
    }

    /// What was read cannot be taken: all stays as it is, and why is told where it was not told before.
    pub fn keep(&self, faults: Vec<Fault>, again: bool) {
        let known = self.worlds.faults.swap(Arc::new(faults.clone()));
        for fault in faults.iter().filter(|fault| again || !known.contains(fault)) {
            self.tell_of_fault(fault);
        }
    }

    /// Something of what the files hold was not taken.
    pub fn has_faults(&self) -> bool {
        !self.worlds.faults.load().is_empty()
    }

    /// Each fault with its place.
    pub(super) fn faults_told(&self) -> Vec<String> {
        self.worlds.faults.load().iter().map(|fault| fault.told.clone()).collect()
    }

    async fn take(&self, proposal: Proposal, again: bool) -> bool {
        let before = self.now();
        let old = |name: &str| before.served.iter().find(|old| old.name() == name);
        let served: Vec<Served> = proposal
            .served
            .into_iter()
            .map(|new| match old(new.name()) {
                Some(old) => new.carried_over(old),
                None => new,
            })
            .map(|new| new.behind(&self.suspensions, &self.operations))
            .collect();
        let faults = check::faults(&served, &before.served, &proposal.places).await;
        if !faults.is_empty() {
            for new in &served {
                new.close_but_for(&before.served).await;
            }
            self.keep(faults, again);
            return false;
        }
        let World { limits, search_and_fetch, served } = World {
            served: served.into(),
            limits: proposal.limits,
            search_and_fetch: proposal.search_and_fetch,
        };
        self.worlds.turn(World { served: Arc::clone(&served), limits, search_and_fetch });
        self.worlds.faults.store(Arc::default());
        self.tell_of_change(&before.served, &served, proposal.file.as_deref());
        self.tools_changed();
        let before = Arc::clone(&before.served);
        self.retire(before, &served);
        true
    }
}
