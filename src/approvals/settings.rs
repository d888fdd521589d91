//! How many approvals there may be, and for how long.

use std::time::Duration;

use super::{Approval, NewApproval};
use crate::pg::{Diagnostic, SqlState};

#[derive(Clone, Debug)]
pub struct ApprovalSettings {
    /// From the question to the use.
    pub ttl: Duration,
    /// How long after that it can still be seen what came of it.
    pub kept: Duration,
    /// Approvals of one requester that are open.
    pub open_per_requester: usize,
    /// Approvals of all requesters that are open.
    pub open: usize,
    /// Of one approval's texts.
    pub bytes: usize,
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { ttl: 5 * minute, kept: 55 * minute, open_per_requester: 20, open: 500, bytes: 128 * 1024 }
    }
}

impl ApprovalSettings {
    /// Nobody reads more.
    pub(super) fn fits(&self, new: &NewApproval) -> Result<(), Diagnostic> {
        let bytes = Approval::bytes(&new.asked);
        if bytes <= self.bytes {
            return Ok(());
        }
        let message =
            format!("the statement and its values take {bytes} bytes, more than a person can approve");
        Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
            .rule("limits.approvals")
            .hint(format!("an approval shows {} bytes at the most: write less at a time", self.bytes)))
    }

    /// Refuses one more than `own` of the requester's and `all` together.
    pub(super) fn room(&self, own: usize, all: usize) -> Result<(), Diagnostic> {
        let (whose, most) = if own >= self.open_per_requester {
            ("of your writes", self.open_per_requester)
        } else if all >= self.open {
            ("writes of all callers", self.open)
        } else {
            return Ok(());
        };
        let message = format!("{most} {whose} wait for approval, the most that may");
        let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
            .rule("limits.approvals")
            .hint("have them approved or refused first; each expires after a few minutes");
        Err(Diagnostic { retryable: true, ..refusal })
    }
}
