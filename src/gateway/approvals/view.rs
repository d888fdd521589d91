//! An approval as people see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::approvals::{Approval, ApprovalId, ApprovalRule, ApprovalState, Person};
use crate::pg::{Diagnostic, SqlState};

/// All that is approved, and what came of it. Texts are as they are: whoever shows them escapes what nobody sees.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ApprovalView {
    pub id: ApprovalId,
    pub statement: String,
    pub params: Vec<Option<String>>,
    pub database: String,
    /// The role that PostgreSQL sees.
    pub run_as: String,
    /// The version of the policy.
    pub policy: String,
    /// INSERT, UPDATE, DELETE or MERGE.
    pub kind: String,
    pub relation: String,
    /// The most rows that it may change.
    pub rows: u64,
    /// What the tool `preview` shows: an object, as JSON.
    pub preview: String,
    pub requester: Person,
    /// The requester's program as it named itself; never trusted.
    pub client: Option<String>,
    /// The OAuth client that the requester's authorization was given to.
    pub client_id: Option<String>,
    pub rule: ApprovalRule,
    pub created: DateTime<Utc>,
    pub expires: DateTime<Utc>,
    pub state: ApprovalState,
    pub approved_by: Vec<Person>,
    /// Who refused it, and why; the reason has no invisible characters.
    pub refused_by: Option<(Person, String)>,
}

/// What somebody says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Refuse { reason: String },
}

/// What came of it.
#[derive(Clone, PartialEq, Debug)]
pub enum Decided {
    /// It counts. Still pending where another person has to approve it too.
    Done(ApprovalView),
    /// It was decided or used, or had expired, before: nothing changed.
    TooLate(ApprovalView),
    /// For this person there is no such approval.
    Unknown,
}

/// What is shown besides the binding, as it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) kind: String,
    pub(super) preview: Box<RawValue>,
}

impl ApprovalView {
    /// NULL where it does not read.
    pub fn preview(&self) -> Value {
        serde_json::from_str(&self.preview).unwrap_or_default()
    }

    /// SHA-256, in hex, of all that is shown but for what came of it. Whoever decides says it back: their word is of nothing
    /// else.
    pub fn digest(&self) -> Result<String, Diagnostic> {
        let whole =
            Self { state: ApprovalState::Pending, approved_by: Vec::new(), refused_by: None, ..self.clone() };
        let text = serde_json::to_vec(&whole).map_err(|_| unreadable())?;
        Ok(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Digests of the two: how much of a wrong one was right does not show in the time.
    pub(super) fn is_what_was_shown(&self, shown: &str) -> Result<bool, Diagnostic> {
        Ok(Sha256::digest(self.digest()?) == Sha256::digest(shown))
    }

    pub(super) fn of(approval: Approval) -> Result<Self, Diagnostic> {
        let shown: Shown = serde_json::from_str(&approval.asked.preview).map_err(|_| unreadable())?;
        let binding = approval.asked.binding;
        Ok(Self {
            id: approval.id,
            statement: binding.statement,
            params: binding.params,
            database: binding.database,
            run_as: binding.run_as,
            policy: binding.policy,
            kind: shown.kind,
            relation: binding.relation,
            rows: binding.rows,
            preview: shown.preview.get().to_owned(),
            requester: binding.requester.person,
            client: approval.asked.client,
            client_id: binding.requester.client_id,
            rule: approval.asked.rule,
            created: approval.created,
            expires: approval.expires,
            state: approval.state,
            approved_by: approval.approved_by,
            refused_by: approval.refused_by,
        })
    }
}

pub(super) fn unreadable() -> Diagnostic {
    Diagnostic::refused(SqlState::INTERNAL_ERROR, "an approval cannot be read: another version has stored it")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(changed: &[(&str, Value)]) -> ApprovalView {
        let person = |subject: &str| json!({"issuer": "", "subject": subject});
        let mut whole = json!({
            "id": ApprovalId::from_bytes([1; 16]), "statement": "DELETE FROM a", "params": ["1", null],
            "database": "d", "run_as": "r", "policy": "p", "kind": "DELETE", "relation": "a", "rows": 1,
            "preview": "{\"rows\":0.1}", "requester": person("ann"), "client": null, "client_id": null,
            "rule": "two", "created": "2026-01-01T00:00:00Z", "expires": "2026-01-01T00:05:00.123456789Z",
            "state": "pending", "approved_by": [], "refused_by": null,
        });
        for (name, value) in changed {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn the_digest_is_of_everything_but_what_came_of_it() {
        let shown = view(&[]).digest().unwrap();
        let person = json!({"issuer": "https://id.example", "subject": "ann"});
        let bound = [
            ("id", json!(ApprovalId::from_bytes([2; 16]))),
            ("statement", json!("DELETE FROM b")),
            ("params", json!(["1", ""])),
            ("database", json!("e")),
            ("run_as", json!("s")),
            ("policy", json!("q")),
            ("kind", json!("UPDATE")),
            ("relation", json!("b")),
            ("rows", json!(2)),
            ("preview", json!("{\"rows\":0.2}")),
            ("requester", person.clone()),
            ("client", json!("c")),
            ("client_id", json!("c")),
            ("rule", json!("approver")),
            ("created", json!("2026-01-01T00:00:01Z")),
            ("expires", json!("2026-01-01T00:05:00.12345678Z")),
        ];
        let outcome = [
            ("state", json!("approved")),
            ("approved_by", json!([person])),
            ("refused_by", json!([{"issuer": "", "subject": "bob"}, "no"])),
        ];
        for changed in &bound {
            let other = view(std::slice::from_ref(changed));
            assert!(!other.is_what_was_shown(&shown).unwrap(), "{}", changed.0);
        }
        assert!(view(&outcome).is_what_was_shown(&shown).unwrap());
        let fields = json!(view(&[])).as_object().unwrap().len();
        assert_eq!(fields, bound.len() + outcome.len(), "every field is one or the other");
        // As it comes out of a control socket.
        let text = serde_json::to_string(&view(&[])).unwrap();
        let read: ApprovalView = serde_json::from_str(&text).unwrap();
        assert_eq!((read.digest().unwrap(), shown.len()), (shown, 64));
        for other in ["", "x", &"0".repeat(64)] {
            assert!(!view(&[]).is_what_was_shown(other).unwrap());
        }
    }
}
