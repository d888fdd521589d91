//! Seeing and deciding approvals: for people, never for a tool.

use super::view::{ApprovalView, Decided, Decision};
use crate::approvals::{Approval, ApprovalId, ApprovalState, Person, Word};
use crate::auth::{Caller, Scope};
use crate::gateway::{Gateway, invisible};
use crate::pg::{Diagnostic, SqlState};
use crate::telemetry::ApprovalStep;

/// Of a reason.
const REASON_CHARS: usize = 500;

impl Gateway {
    /// For those who may decide it and for the person who asked; for all others there is none.
    pub async fn approval(
        &self,
        viewer: &Caller,
        id: ApprovalId,
    ) -> Result<Option<ApprovalView>, Diagnostic> {
        let seen = self.approvals.find(id).await?.filter(|approval| is_seen_by(approval, viewer));
        seen.map(ApprovalView::of).transpose()
    }

    /// Pending ones that `viewer` may decide, the oldest first.
    pub async fn open_approvals(&self, viewer: &Caller) -> Result<Vec<ApprovalView>, Diagnostic> {
        let person = Person::of(viewer);
        let sees_all = person.is_on_the_host() || viewer.scopes.has(Scope::Approve);
        let pending = self.approvals.pending((!sees_all).then_some(&person)).await?;
        let decides = |approval: &Approval| {
            approval.may_be_decided_by(&person, viewer.scopes) && !approval.approved_by.contains(&person)
        };
        pending.into_iter().filter(decides).map(ApprovalView::of).collect()
    }

    /// `viewer` is a person who has proved who they are to us, other than by a token that a program holds. `shown`:
    /// [`ApprovalView::digest`] of what they saw.
    ///
    /// INVARIANT: what is shown of an approval never changes, but for what came of it: it is the same after the comparison.
    pub async fn decide(
        &self,
        viewer: &Caller,
        id: ApprovalId,
        decision: Decision,
        shown: &str,
    ) -> Result<Decided, Diagnostic> {
        self.may_call(viewer)?;
        let person = Person::of(viewer);
        let Some(before) = self.approvals.find(id).await?.filter(|found| is_seen_by(found, viewer)) else {
            return Ok(Decided::Unknown);
        };
        if !before.may_be_decided_by(&person, viewer.scopes) {
            return Err(refused("this write is approved by somebody with the scope `approve`")
                .rule("approval.approver")
                .hint("ask such a person to open this page, or to run pgwarden approve"));
        }
        if !ApprovalView::of(before.clone())?.is_what_was_shown(shown)? {
            return Err(refused("nothing is decided: what was shown is not what would be approved")
                .rule("approval.changed")
                .hint(
                    "open the approval again and read it; pgwarden approve has to be of the server's version",
                ));
        }
        let is_again = before.approved_by.contains(&person);
        if is_again && before.state == ApprovalState::Pending && decision == Decision::Approve {
            return Err(refused("you have approved this write: another person has to approve it too")
                .rule("approval.two")
                .hint("two different people have to; have the other one open this page"));
        }
        let (word, step) = match decision {
            Decision::Approve => (Word::Approve, ApprovalStep::Approved),
            Decision::Refuse { reason } => (Word::Refuse { reason: plain(&reason) }, ApprovalStep::Refused),
        };
        // A word that leaves no record is none.
        self.telemetry.may_write()?;
        let counts = self.approvals.decide(id, &person, &word).await?;
        let Some(after) = self.approvals.find(id).await? else { return Ok(Decided::Unknown) };
        if counts {
            self.tell_approval(step, &after, Some(&person.shown()));
        }
        let view = ApprovalView::of(after)?;
        Ok(if counts { Decided::Done(view) } else { Decided::TooLate(view) })
    }
}

fn is_seen_by(approval: &Approval, viewer: &Caller) -> bool {
    let person = Person::of(viewer);
    *approval.requester() == person || approval.may_be_decided_by(&person, viewer.scopes)
}

/// One line, bounded, with everything visible: an agent reads it. Not the way of [`invisible::shown`], which whoever shows
/// it takes besides.
fn plain(reason: &str) -> String {
    let mut out = String::new();
    for c in reason.trim().chars().take(REASON_CHARS) {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if invisible::is_invisible(c) => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn refused(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
