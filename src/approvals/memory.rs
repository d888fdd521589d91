//! The store of one process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use tokio::sync::broadcast;

use super::store::{ApprovalStore, Reply};
use super::{Approval, ApprovalId, ApprovalSettings, ApprovalState, NewApproval, Person, Word};
use crate::pg::Diagnostic;

/// Changes that a slow listener may fall behind.
const CHANGES: usize = 1024;

#[derive(Debug)]
pub struct MemoryApprovals {
    settings: ApprovalSettings,
    approvals: Mutex<BTreeMap<ApprovalId, Approval>>,
    changes: broadcast::Sender<ApprovalId>,
}

impl Default for MemoryApprovals {
    fn default() -> Self {
        Self::new(ApprovalSettings::default())
    }
}

impl MemoryApprovals {
    pub fn new(settings: ApprovalSettings) -> Self {
        let (changes, _) = broadcast::channel(CHANGES);
        Self { settings, approvals: Mutex::default(), changes }
    }

    fn approvals(&self) -> MutexGuard<'_, BTreeMap<ApprovalId, Approval>> {
        self.approvals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, id: ApprovalId) {
        // Nobody need listen.
        let _ = self.changes.send(id);
    }

    fn create_one(&self, new: NewApproval) -> Result<Approval, Diagnostic> {
        self.settings.fits(&new)?;
        let created = Utc::now();
        let approval = Approval {
            id: new.id,
            asked: new.asked,
            created,
            expires: created + delta(self.settings.ttl),
            state: ApprovalState::Pending,
            approved_by: Vec::new(),
            refused_by: None,
        };
        let mut approvals = self.approvals();
        let open = || approvals.values().filter(|approval| state_at(approval, created).is_open());
        let own = open().filter(|open| open.requester() == approval.requester()).count();
        self.settings.room(own, open().count())?;
        self.forget(&mut approvals, created);
        approvals.insert(approval.id, approval.clone());
        drop(approvals);
        self.changed(approval.id);
        Ok(approval)
    }

    /// Those that ended long ago; and the oldest of those that ended, where there are more than may be open.
    fn forget(&self, approvals: &mut BTreeMap<ApprovalId, Approval>, now: DateTime<Utc>) {
        approvals.retain(|_, approval| {
            state_at(approval, now).is_open() || now < approval.expires + delta(self.settings.kept)
        });
        let ended = approvals.values().filter(|approval| !approval.state.is_open());
        let mut ended: Vec<(DateTime<Utc>, ApprovalId)> =
            ended.map(|approval| (approval.created, approval.id)).collect();
        ended.sort_unstable();
        for (_, id) in ended.iter().take(ended.len().saturating_sub(self.settings.open)) {
            approvals.remove(id);
        }
    }

    /// Changes one that is open, where `change` says so.
    fn change(&self, id: ApprovalId, change: impl FnOnce(&mut Approval) -> bool) -> bool {
        let now = Utc::now();
        let mut approvals = self.approvals();
        let open = approvals.get_mut(&id).filter(|approval| state_at(approval, now).is_open());
        let changed = open.is_some_and(change);
        drop(approvals);
        if changed {
            self.changed(id);
        }
        changed
    }
}

impl ApprovalStore for MemoryApprovals {
    fn settings(&self) -> &ApprovalSettings {
        &self.settings
    }

    fn create(&self, new: NewApproval) -> Reply<'_, Approval> {
        async move { self.create_one(new) }.boxed()
    }

    fn find(&self, id: ApprovalId) -> Reply<'_, Option<Approval>> {
        let now = Utc::now();
        let found = self.approvals().get(&id).map(|approval| seen_at(approval, now));
        async move { Ok(found) }.boxed()
    }

    fn pending<'a>(&'a self, requester: Option<&'a Person>) -> Reply<'a, Vec<Approval>> {
        let now = Utc::now();
        let approvals = self.approvals();
        let pending = approvals.values().filter(|approval| state_at(approval, now) == ApprovalState::Pending);
        let mut pending: Vec<Approval> = pending
            .filter(|approval| requester.is_none_or(|person| approval.requester() == person))
            .cloned()
            .collect();
        pending.sort_by_key(|approval| approval.created);
        async move { Ok(pending) }.boxed()
    }

    fn decide<'a>(&'a self, id: ApprovalId, by: &'a Person, word: &'a Word) -> Reply<'a, bool> {
        let decided = self.change(id, |approval| {
            if approval.state != ApprovalState::Pending {
                return false;
            }
            match word {
                Word::Refuse { reason } => {
                    approval.refused_by = Some((by.clone(), reason.clone()));
                    approval.state = ApprovalState::Refused;
                }
                Word::Approve if approval.approved_by.contains(by) => return false,
                Word::Approve => {
                    approval.approved_by.push(by.clone());
                    if approval.is_approved() {
                        approval.state = ApprovalState::Approved;
                    }
                }
            }
            true
        });
        async move { Ok(decided) }.boxed()
    }

    fn take(&self, id: ApprovalId, digest: [u8; 32]) -> Reply<'_, bool> {
        let taken = self.change(id, |approval| {
            let takes =
                approval.state == ApprovalState::Approved && approval.asked.binding.digest() == digest;
            if takes {
                approval.state = ApprovalState::Used;
            }
            takes
        });
        async move { Ok(taken) }.boxed()
    }

    fn expire(&self) -> Reply<'_, Vec<Approval>> {
        let now = Utc::now();
        let mut approvals = self.approvals();
        let mut expired = Vec::new();
        for approval in approvals.values_mut() {
            if approval.state.is_open() && approval.expires <= now {
                approval.state = ApprovalState::Expired;
                expired.push(approval.clone());
            }
        }
        self.forget(&mut approvals, now);
        drop(approvals);
        expired.iter().for_each(|approval| self.changed(approval.id));
        async move { Ok(expired) }.boxed()
    }

    fn changes(&self) -> broadcast::Receiver<ApprovalId> {
        self.changes.subscribe()
    }
}

/// Nobody need have looked since its time was over.
fn state_at(approval: &Approval, now: DateTime<Utc>) -> ApprovalState {
    if approval.state.is_open() && approval.expires <= now { ApprovalState::Expired } else { approval.state }
}

fn seen_at(approval: &Approval, now: DateTime<Utc>) -> Approval {
    Approval { state: state_at(approval, now), ..approval.clone() }
}

fn delta(time: std::time::Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}
