//! One approval: what is asked, and what came of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ApprovalId, Binding};
use crate::auth::{Caller, Scope, Scopes};

/// Somebody, whatever their claims and clients.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Person {
    /// Who vouches for them: empty where the configuration does, `cli` where they are an account of the host, else a URL.
    pub issuer: String,
    pub subject: String,
}

/// Who has to approve.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalRule {
    /// The person who asked.
    Requester,
    /// Anybody with the scope `approve`.
    Approver,
    /// Two different people: the one who asked and one with the scope `approve`, or two of those.
    Two,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody, or not everybody, has said their word.
    Pending,
    /// It may run, once.
    Approved,
    Refused,
    /// It has been given away, to run or to fail.
    Used,
    /// Its time was over before it was used.
    Expired,
}

/// What somebody says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    Approve,
    Refuse { reason: String },
}

/// What is asked. Opaque texts are those of the layer above.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Asked {
    pub binding: Binding,
    pub rule: ApprovalRule,
    /// The client program as it named itself; never trusted.
    pub client: Option<String>,
    /// What runs once it is approved.
    pub request: String,
    /// What was shown to whoever approves, besides the binding.
    pub preview: String,
}

#[derive(Clone, Debug)]
pub struct NewApproval {
    pub id: ApprovalId,
    pub asked: Asked,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    pub id: ApprovalId,
    pub asked: Asked,
    pub created: DateTime<Utc>,
    pub expires: DateTime<Utc>,
    pub state: ApprovalState,
    /// Those who approved it, in order.
    pub approved_by: Vec<Person>,
    /// Who refused it, and why.
    pub refused_by: Option<(Person, String)>,
}

/// An account of the host where pgwarden runs.
const HOST: &str = "cli";

impl Person {
    pub fn of(caller: &Caller) -> Self {
        let (issuer, subject) = caller.person();
        Self { issuer: issuer.to_owned(), subject: subject.to_owned() }
    }

    /// Whoever uses `pgwarden approve`.
    pub fn on_the_host(account: &str) -> Self {
        Self { issuer: HOST.to_owned(), subject: account.to_owned() }
    }

    pub fn is_on_the_host(&self) -> bool {
        self.issuer == HOST
    }

    /// For readers.
    pub fn shown(&self) -> String {
        match self.issuer.as_str() {
            "" => self.subject.clone(),
            HOST => format!("{HOST}:{}", self.subject),
            issuer => format!("{} ({issuer})", self.subject),
        }
    }
}

impl ApprovalRule {
    /// People who have to approve.
    pub fn people(self) -> usize {
        match self {
            Self::Requester | Self::Approver => 1,
            Self::Two => 2,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Approver => "approver",
            Self::Two => "two",
        }
    }
}

impl ApprovalState {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Approved, Self::Refused, Self::Used, Self::Expired];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Used => "used",
            Self::Expired => "expired",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// It may still change.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }
}

impl Approval {
    pub fn requester(&self) -> &Person {
        &self.asked.binding.requester.person
    }

    /// As many different people have approved it as have to.
    pub fn is_approved(&self) -> bool {
        let people: BTreeSet<&Person> = self.approved_by.iter().collect();
        people.len() >= self.asked.rule.people()
    }

    /// INVARIANT: of two people who may, at most one has no scope `approve`, since only one has asked.
    pub fn may_be_decided_by(&self, person: &Person, scopes: Scopes) -> bool {
        let asked = self.requester() == person;
        let approves = scopes.has(Scope::Approve);
        // Whoever may use the server's store or its control socket is trusted as its operator.
        person.is_on_the_host()
            || match self.asked.rule {
                ApprovalRule::Requester => asked,
                ApprovalRule::Approver => approves,
                ApprovalRule::Two => asked || approves,
            }
    }

    /// Bytes of what is asked.
    pub fn bytes(asked: &Asked) -> usize {
        let binding = &asked.binding;
        let params: usize = binding.params.iter().flatten().map(String::len).sum();
        binding.statement.len() + params + asked.request.len() + asked.preview.len()
    }
}
