//! What an approval's values are sealed as.
//!
//! INVARIANT: an approved one opens only with the sealed words of as many people as have to approve it: who can write to
//! the table and has no key approves nothing.

use std::fmt;

use chrono::DateTime;
use ring::hmac;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::approvals::{Approval, ApprovalId, ApprovalState, Asked, Person};
use crate::db::fixed::Record;
use crate::pg::Diagnostic;
use crate::store::{MasterKey, Vault, altered, fault};

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Asked,
    Approved,
    Refused,
}

impl Kind {
    const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Asked => b"asked",
            Self::Approved => b"approved",
            Self::Refused => b"refused",
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) by: Person,
    pub(super) reason: String,
}

pub(super) struct Seal {
    vault: Vault,
    keys: hmac::Key,
}

impl Seal {
    pub(super) fn new(master: &MasterKey) -> Self {
        Self {
            vault: Vault::new(master, b"pgwarden approvals 1"),
            keys: master.mac_key(b"pgwarden approvals keys 1"),
        }
    }

    pub(super) fn seal(
        &self,
        id: ApprovalId,
        kind: Kind,
        value: &impl Serialize,
    ) -> Result<Vec<u8>, Diagnostic> {
        let plain = serde_json::to_vec(value).map_err(|_| altered())?;
        self.vault.seal(&id.to_bytes(), kind.bytes(), &plain)
    }

    fn open<T: DeserializeOwned>(&self, id: ApprovalId, kind: Kind, sealed: &[u8]) -> Result<T, Diagnostic> {
        let plain = self.vault.open(&id.to_bytes(), kind.bytes(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| altered())
    }

    /// The same for the same person and approval.
    pub(super) fn person(&self, id: ApprovalId, person: &Person) -> Result<Vec<u8>, Diagnostic> {
        let person = serde_json::to_vec(&(id.to_bytes(), person)).map_err(|_| altered())?;
        Ok(hmac::sign(&self.keys, &person).as_ref().to_vec())
    }

    pub(super) fn digest(&self, digest: &[u8; 32]) -> Vec<u8> {
        hmac::sign(&self.keys, digest).as_ref().to_vec()
    }

    /// Of the columns of `columns.sql`.
    pub(super) fn approval(&self, record: &Record) -> Result<Approval, Diagnostic> {
        let bytes = |column| record.bytes(column).map_err(fault);
        let maybe = |column| record.maybe(column).map_err(fault);
        let time =
            |column| DateTime::from_timestamp_micros(record.int(column).map_err(fault)?).ok_or_else(altered);
        let id = <[u8; 16]>::try_from(bytes(0)?.as_slice()).map_err(|_| altered())?;
        let id = ApprovalId::from_bytes(id);
        let asked: Asked = self.open(id, Kind::Asked, &bytes(4)?)?;
        let mut approved_by: Vec<Person> = Vec::new();
        for sealed in [maybe(5)?, maybe(6)?].into_iter().flatten() {
            approved_by.push(self.open(id, Kind::Approved, &sealed)?);
        }
        let refused = maybe(7)?.map(|sealed| self.open::<Refusal>(id, Kind::Refused, &sealed)).transpose()?;
        let approval = Approval {
            id,
            created: time(8)?,
            expires: time(9)?,
            state: ApprovalState::parse(&record.text(3).map_err(fault)?).ok_or_else(altered)?,
            approved_by,
            refused_by: refused.map(|refusal| (refusal.by, refusal.reason)),
            asked,
        };
        let person = approval.requester();
        let same = (person.issuer.as_str(), person.subject.as_str())
            == (&record.text(1).map_err(fault)?, &record.text(2).map_err(fault)?);
        let approved = approval.state != ApprovalState::Approved || approval.is_approved();
        if same && approved { Ok(approval) } else { Err(altered()) }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
