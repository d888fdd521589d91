//! Whether calls can be answered, and what of the files of policies and notes was not taken.

use super::{Gateway, PolicySource, Reloaded, Served};
use crate::pg::Diagnostic;
use crate::policy::{Place, PolicyError};
use crate::telemetry::Event;

/// How the whole is.
#[derive(Debug)]
pub enum Health {
    Ready,
    /// Calls are answered, by the policies, notes and saved queries from before: the places of the faults in the new ones.
    Degraded {
        policies: Vec<Place>,
        notes: Vec<Place>,
        saved: Vec<Place>,
    },
    /// The audit log cannot be written: writes are refused, and reads, too, where `reads` says so.
    Unrecorded {
        reads: bool,
    },
    /// A policy protects what is gone, so that calls are refused: the places of its names.
    Unprotected(Vec<Place>),
    /// A database does not answer, or does not pass its start-up checks.
    NotReady(Diagnostic),
}

impl Gateway {
    pub async fn health(&self) -> Health {
        let (mut policies, mut notes, mut saved) = (Vec::new(), Vec::new(), Vec::new());
        let mut unprotected = Vec::new();
        for served in self.served.iter() {
            for login in served.logins() {
                let answers = Box::pin(async {
                    login.ready().await?;
                    login.answers().await
                });
                if let Err(reason) = answers.await {
                    return Health::NotReady(reason);
                }
            }
            let Some(catalog) = served.database.catalog() else { continue };
            for source in served.policies.iter() {
                unprotected.extend(source.pin().unprotected(&catalog).map(|error| error.place));
                policies.extend(source.fault().map(|fault| fault.place.clone()));
            }
            notes.extend(served.notes.fault().map(|fault| fault.place.clone()));
            saved.extend(served.saved_fault().map(|fault| fault.place.clone()));
        }
        if !unprotected.is_empty() {
            return Health::Unprotected(unprotected);
        }
        if self.telemetry.may_write().is_err() {
            return Health::Unrecorded { reads: self.telemetry.may_read().is_err() };
        }
        match [&policies, &notes, &saved].iter().all(|places| places.is_empty()) {
            true => Health::Ready,
            false => Health::Degraded { policies, notes, saved },
        }
    }

    /// Looks at the policies' files and takes those that changed and can be used. `all`: also those that seem not to
    /// have changed, and says again what is wrong with them. Safe at any time: a call that runs keeps its policy.
    pub async fn reload(&self, all: bool) {
        for served in self.served.iter() {
            for source in served.policies.iter() {
                if all || source.fault().is_some() || source.has_changed() {
                    self.reload_one(served, source, all).await;
                }
            }
            let look = all || served.notes.fault().is_some() || served.notes.has_changed();
            if look && served.reload_notes(all, &self.telemetry) {
                self.tools_changed();
            }
        }
    }

    /// A number for what each file of the policies, and of notes, holds now. Blocks.
    pub fn policy_texts(&self) -> Vec<u64> {
        let policies =
            self.served.iter().flat_map(|served| served.policies.iter()).map(PolicySource::text_now);
        policies.chain(self.served.iter().map(|served| served.notes.text_now())).collect()
    }

    /// Some policy's file, or one of notes, is not what it was when it was read. Blocks.
    pub fn policies_changed(&self) -> bool {
        self.served.iter().flat_map(|served| served.policies.iter()).any(PolicySource::has_changed)
            || self.served.iter().any(|served| served.notes.has_changed())
    }

    /// Some policy's file, or one of notes, was not taken.
    pub fn policies_have_faults(&self) -> bool {
        self.served.iter().flat_map(|served| served.policies.iter()).any(|source| source.fault().is_some())
            || self.served.iter().any(|served| served.notes.fault().is_some())
    }

    async fn reload_one(&self, served: &Served, source: &PolicySource, all: bool) {
        let file = source.path().map(|path| path.display().to_string()).unwrap_or_default();
        let (before, now, fault): (_, _, Option<String>) = match source.reload(&served.database).await {
            Reloaded::Unchanged => return,
            Reloaded::Kept { known: true, .. } if !all => return,
            Reloaded::Kept { fault, .. } => {
                let kept = source.pin().policy().clone();
                (kept.clone(), kept, Some(PolicyError::to_string(&fault)))
            }
            Reloaded::Taken { before, now } => {
                self.tools_changed();
                (before, now, None)
            }
        };
        self.telemetry.emit(&Event::Policy {
            database: served.name(),
            file: &file,
            before: before.version(),
            now: now.version(),
            fault: fault.as_deref(),
        });
    }
}
