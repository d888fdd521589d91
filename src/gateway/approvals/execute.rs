//! The tool `execute`: a write runs at once where the policy asks nobody, else once and as it was approved.
//!
//! INVARIANT: of an approval the stored request runs, and only while everything that was approved is what a check of now
//! finds. It is given away before that: whatever comes of the run, another one needs another approval.

use std::time::Duration;

use serde_json::value::to_raw_value;
use tokio_util::sync::CancellationToken;

use super::view::{ApprovalView, Shown, unreadable};
use crate::approvals::{
    Approval, ApprovalId, ApprovalRule, ApprovalState, Asked, Binding, NewApproval, Person, Requester,
};
use crate::auth::Caller;
use crate::gateway::writes::may_write;
use crate::gateway::{Gateway, PreparedFacts, PreparedWrite, WriteRequest, Written};
use crate::pg::{Diagnostic, SqlState};
use crate::policy;
use crate::telemetry::ApprovalStep;

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExecuteRequest {
    /// A statement: it runs, or waits for approval.
    New(WriteRequest),
    /// One that waited for approval. What is said `again` has to be the same.
    Approved { id: ApprovalId, again: Option<WriteRequest> },
}

#[derive(Debug)]
pub enum Executed {
    Done(Box<Written>),
    /// Nobody has decided yet.
    Waiting(Box<ApprovalView>),
}

impl Gateway {
    /// Of one that waits for approval, `wait` is how long the call does. `cancel` ends it; what PostgreSQL was told to
    /// commit by then is waited for.
    pub async fn execute(
        &self,
        caller: &Caller,
        request: ExecuteRequest,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Executed, Diagnostic> {
        may_write(caller)?;
        // Before an approval is used up.
        self.telemetry.may_write()?;
        self.may_call(caller)?;
        match request {
            ExecuteRequest::New(request) => self.run_or_ask(caller, request, cancel).await,
            ExecuteRequest::Approved { id, again } => {
                let stored = self.own_approval(caller, id).await?.ok_or_else(unknown_approval)?;
                if again.is_some_and(|again| !is_same(&stored, &again)) {
                    return Err(another_statement());
                }
                let approval = self.decided_within(stored.id, wait, cancel).await?;
                match approval.state {
                    ApprovalState::Pending => Ok(Executed::Waiting(Box::new(ApprovalView::of(approval)?))),
                    // By what holds now: a person was waited for.
                    ApprovalState::Approved => self.now().run_approved(caller, approval, cancel).await,
                    _ => Err(self.ended(approval).await),
                }
            }
        }
    }

    /// The requester's own, once it is decided or `wait` is over. Nothing runs.
    pub async fn await_approval(
        &self,
        caller: &Caller,
        id: ApprovalId,
        wait: Duration,
        cancel: &CancellationToken,
    ) -> Result<Option<ApprovalView>, Diagnostic> {
        self.may_call(caller)?;
        let Some(stored) = self.own_approval(caller, id).await? else { return Ok(None) };
        self.decided_within(stored.id, wait, cancel).await.and_then(ApprovalView::of).map(Some)
    }

    async fn run_or_ask(
        &self,
        caller: &Caller,
        request: WriteRequest,
        cancel: &CancellationToken,
    ) -> Result<Executed, Diagnostic> {
        let prepared = self.prepare_write(caller, &request, cancel).await?;
        let Some(rule) = rule_of(prepared.facts.approval) else {
            // The policy may be another one by then.
            let allowed = |facts: &PreparedFacts| match rule_of(facts.approval) {
                None => Ok(()),
                Some(_) => Err(changed("the policy was changed meanwhile: this write needs an approval now")),
            };
            return self
                .run_write(caller, &request, &allowed, cancel)
                .await
                .map(Box::new)
                .map(Executed::Done);
        };
        let new = NewApproval { id: ApprovalId::random()?, asked: asked(caller, &request, prepared, rule)? };
        let approval = self.approvals.create(new).await?;
        self.tell_approval(ApprovalStep::Asked, &approval, None);
        self.expire_later();
        Ok(Executed::Waiting(Box::new(ApprovalView::of(approval)?)))
    }

    /// The caller's own: of anybody else there is none.
    async fn own_approval(&self, caller: &Caller, id: ApprovalId) -> Result<Option<Approval>, Diagnostic> {
        let requester = Requester::of(caller);
        let found = self.approvals.find(id).await?;
        Ok(found.filter(|approval| approval.asked.binding.requester == requester))
    }

    async fn run_approved(
        &self,
        caller: &Caller,
        approval: Approval,
        cancel: &CancellationToken,
    ) -> Result<Executed, Diagnostic> {
        let request: WriteRequest =
            serde_json::from_str(&approval.asked.request).map_err(|_| unreadable())?;
        self.is_where_it_was_asked(caller, &approval).await?;
        let digest = approval.asked.binding.digest();
        if !self.approvals.take(approval.id, digest).await? {
            // Somebody was faster, or its time is over.
            let now = self.approvals.find(approval.id).await?.ok_or_else(unknown_approval)?;
            return Err(self.ended(now).await);
        }
        let approved_by: Vec<String> = approval.approved_by.iter().map(Person::shown).collect();
        self.tell_approval(ApprovalStep::Used, &approval, Some(&approved_by.join(", ")));
        let allowed = |facts: &PreparedFacts| {
            if binding(caller, facts).digest() == digest {
                return Ok(());
            }
            Err(changed(
                "what was approved is not what would run: the policy, the role, or the table was changed meanwhile",
            ))
        };
        let ran = self.run_approved_write(caller, &request, Some(approval.id), &allowed, cancel).await;
        ran.map(Box::new).map(Executed::Done)
    }

    /// The same person may have other tokens and programs, with other logins and policies: what it would not run for is not given
    /// away to them.
    async fn is_where_it_was_asked(&self, caller: &Caller, approval: &Approval) -> Result<(), Diagnostic> {
        let binding = &approval.asked.binding;
        let elsewhere = || {
            changed(
                "what was approved would run in another database, as another role or under another policy now",
            )
        };
        let served = self.served(Some(&binding.database)).map_err(|_| elsewhere())?;
        // Before it is given away.
        served.policies.lets_write(caller)?;
        let policy = served.policies.of(caller)?.pin().policy().version() == binding.policy;
        if policy && served.seen_by(caller)?.database.ready().await?.contents().login == binding.run_as {
            return Ok(());
        }
        Err(elsewhere())
    }

    /// Why it does not run.
    async fn ended(&self, approval: Approval) -> Diagnostic {
        match approval.state {
            ApprovalState::Refused => {
                let refusal = refused("a person has refused this write")
                    .rule("approval.refused")
                    .hint("tell the user, and do not ask for the same again");
                let reason =
                    approval.refused_by.map(|(_, reason)| reason).filter(|reason| !reason.is_empty());
                Diagnostic { detail: reason.map(|reason| format!("their reason: {reason}")), ..refusal }
            }
            ApprovalState::Expired => {
                // Told of once, whoever comes upon it first.
                if let Err(fault) = self.expire_approvals().await {
                    return fault;
                }
                let minutes = self.approval_settings().ttl.as_secs().div_ceil(60);
                refused(&format!("this approval has expired: it lasts {minutes} min"))
                    .rule("approval.expired")
                    .hint("call execute with the statement again, to ask for another one")
            }
            ApprovalState::Pending | ApprovalState::Approved | ApprovalState::Used => {
                refused("this approval has been used: its write has run, or has failed")
                    .rule("approval.used")
                    .hint("look at the rows; if they are not written, call execute with the statement again")
            }
        }
    }
}

fn asked(
    caller: &Caller,
    request: &WriteRequest,
    prepared: PreparedWrite,
    rule: ApprovalRule,
) -> Result<Asked, Diagnostic> {
    let preview = to_raw_value(&prepared.preview).map_err(|_| unreadable())?;
    let shown = Shown { kind: prepared.facts.kind.word().to_owned(), preview };
    Ok(Asked {
        binding: binding(caller, &prepared.facts),
        rule,
        client: caller.client.clone(),
        request: serde_json::to_string(request).map_err(|_| unreadable())?,
        preview: serde_json::to_string(&shown).map_err(|_| unreadable())?,
    })
}

fn binding(caller: &Caller, facts: &PreparedFacts) -> Binding {
    Binding {
        statement: facts.statement.clone(),
        params: facts.params.clone(),
        database: facts.database.clone(),
        run_as: facts.run_as.clone(),
        policy: facts.policy_version.clone(),
        requester: Requester::of(caller),
        relation: facts.relation.to_string(),
        effects: facts.effects,
        rows: facts.rows,
    }
}

fn rule_of(approval: policy::Approval) -> Option<ApprovalRule> {
    match approval {
        policy::Approval::None => None,
        policy::Approval::Requester => Some(ApprovalRule::Requester),
        policy::Approval::Approver => Some(ApprovalRule::Approver),
        policy::Approval::Two => Some(ApprovalRule::Two),
    }
}

/// The database need not be named again.
fn is_same(approval: &Approval, again: &WriteRequest) -> bool {
    serde_json::from_str::<WriteRequest>(&approval.asked.request).is_ok_and(|stored| {
        let database = again.database.as_ref().is_none_or(|name| *name == approval.asked.binding.database);
        stored.sql == again.sql && stored.params == again.params && database
    })
}

/// An unknown id, one of somebody else, and one that is no id.
pub fn unknown_approval() -> Diagnostic {
    let message = "there is no such approval: it is not one of yours, or it is gone";
    Diagnostic::refused(SqlState::UNDEFINED_OBJECT, message)
        .rule("approval.unknown")
        .hint("call execute with the statement, to ask for one")
}

fn another_statement() -> Diagnostic {
    let message = "the approval is for another statement, or other params";
    Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message)
        .rule("approval.other")
        .hint("call execute with approval_id alone: what was approved is stored. Without it, a new approval is asked for")
}

fn changed(message: &str) -> Diagnostic {
    refused(message)
        .rule("approval.changed")
        .hint("call execute with the statement again, to ask for a new approval")
}

fn refused(message: &str) -> Diagnostic {
    Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
