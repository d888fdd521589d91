//! A person's word before anything is written: who sees an approval, who may decide it, and what is told of it.

mod decide;
mod execute;
mod view;

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use execute::{ExecuteRequest, Executed, unknown_approval};
pub use view::{ApprovalView, Decided, Decision};

use super::{Gateway, Live};
use crate::approvals::{Approval, ApprovalId, ApprovalSettings, ApprovalState};
use crate::pg::{Diagnostic, SqlState};
use crate::telemetry::{ApprovalStep, Event, Who};

/// Whoever waits looks so often, whatever they are told.
const LOOK: Duration = Duration::from_secs(2);
/// After the end of an approval, before it is told of.
const MARGIN: Duration = Duration::from_millis(50);

impl Gateway {
    pub fn approval_settings(&self) -> &ApprovalSettings {
        self.approvals.settings()
    }

    /// Ends what nobody decided or used in time, and says so once.
    pub async fn expire_approvals(&self) -> Result<(), Diagnostic> {
        for approval in self.approvals.expire().await? {
            self.tell_approval(ApprovalStep::Expired, &approval, None);
        }
        Ok(())
    }

    /// What happens to approvals, also by other processes.
    pub fn approval_changes(&self) -> Receiver<ApprovalId> {
        self.approvals.changes()
    }

    /// Looks again when a new one's time is over.
    fn expire_later(&self) {
        let this = Live::from(self).idle();
        tokio::spawn(async move {
            tokio::time::sleep(this.approval_settings().ttl + MARGIN).await;
            if let Err(fault) = this.expire_approvals().await {
                tracing::warn!(
                    sqlstate = fault.sqlstate.as_str(),
                    "approvals do not expire: {}",
                    fault.message
                );
            }
        });
    }

    /// The approval once it is pending no longer, or as it is when `wait` is over.
    async fn decided_within(
        &self,
        id: ApprovalId,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Approval, Diagnostic> {
        // Before the first look: nothing is missed.
        let mut changes = self.approvals.changes();
        let begun = Instant::now();
        loop {
            let approval = self.approvals.find(id).await?.ok_or_else(unknown_approval)?;
            let left = wait.saturating_sub(begun.elapsed());
            if approval.state != ApprovalState::Pending || left.is_zero() {
                return Ok(approval);
            }
            let change = async {
                loop {
                    match changes.recv().await {
                        Ok(changed) if changed != id => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => return,
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    let message = "the caller cancelled the call";
                    return Err(Diagnostic::refused(SqlState::QUERY_CANCELED, message));
                }
                _ = timeout(left.min(LOOK), change) => {}
            }
        }
    }

    /// `by`: who decided.
    fn tell_approval(&self, step: ApprovalStep, approval: &Approval, by: Option<&str>) {
        let binding = &approval.asked.binding;
        let person = &binding.requester.person;
        self.telemetry.emit(&Event::Approval {
            step,
            approval: &approval.id.to_string(),
            who: Who {
                issuer: &person.issuer,
                subject: &person.subject,
                client: approval.asked.client.as_deref(),
                client_id: binding.requester.client_id.as_deref(),
                ..Who::default()
            },
            requester: &person.shown(),
            database: &binding.database,
            policy: &binding.policy,
            relation: &binding.relation,
            rule: approval.asked.rule.word(),
            by,
        });
    }
}
