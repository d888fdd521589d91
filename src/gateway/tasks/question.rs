//! What was asked and by whom, as a task keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bug;
use crate::auth::{Caller, Scopes};
use crate::gateway::QueryRequest;
use crate::pg::Diagnostic;
use crate::policy::Claims;

/// Enough to ask again, on any replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::gateway) struct Question {
    pub caller: Caller,
    pub request: QueryRequest,
}

/// As text. The owner stands beside it in the store, and again here: the subject decides what may be read.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    issuer: String,
    subject: String,
    client: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    scopes: String,
    claims: BTreeMap<String, String>,
    request: QueryRequest,
}

impl Question {
    pub(in crate::gateway) fn to_text(&self) -> Result<String, Diagnostic> {
        let written = Written {
            issuer: self.caller.issuer.clone(),
            subject: self.caller.subject.clone(),
            client: self.caller.client.clone(),
            client_id: self.caller.client_id.clone(),
            scopes: self.caller.scopes.to_string(),
            claims: pairs(&self.caller.claims),
            request: self.request.clone(),
        };
        serde_json::to_string(&written).map_err(|_| bug("a question could not be written"))
    }

    pub(in crate::gateway) fn from_text(text: &str) -> Result<Self, Diagnostic> {
        let written: Written =
            serde_json::from_str(text).map_err(|_| bug("a stored question could not be read"))?;
        let Written { issuer, subject, client, client_id, scopes, claims, request } = written;
        let (scopes, claims) = (Scopes::parse(&scopes), claims.into_iter().collect());
        // The caller's own login is nowhere but in the memory of the process that was asked.
        let caller = Caller { issuer, subject, client, client_id, scopes, claims, login: None };
        Ok(Self { caller, request })
    }

    /// The same for the same question with the same claims: whoever asks it, owners are told apart elsewhere.
    pub(in crate::gateway) fn fingerprint(&self) -> Result<[u8; 32], Diagnostic> {
        let text = serde_json::to_vec(&(&self.request, claims_digest(&self.caller.claims)));
        Ok(Sha256::digest(text.map_err(|_| bug("a question could not be written"))?).into())
    }
}

/// Tells one set of claims from another.
pub(in crate::gateway) fn claims_digest(claims: &Claims) -> String {
    let mut hash = Sha256::new();
    for (name, value) in claims.iter() {
        for part in [name, value] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pairs(claims: &Claims) -> BTreeMap<String, String> {
    claims.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(sql: &str, claims: &[(&str, &str)]) -> Question {
        let caller = Caller {
            client: Some("client/1".to_owned()),
            claims: Claims::from_iter(claims.iter().copied()),
            ..Caller::local("anna")
        };
        let request = QueryRequest {
            sql: sql.to_owned(),
            params: vec![None, Some("x".to_owned())],
            ..QueryRequest::default()
        };
        Question { caller, request }
    }

    #[test]
    fn a_question_comes_back_as_it_was_asked() {
        let asked = question("SELECT $1, $2", &[("tenant", "7"), ("role", "a b")]);
        assert_eq!(Question::from_text(&asked.to_text().unwrap()).unwrap(), asked);
    }

    #[test]
    fn other_words_parameters_or_claims_are_another_question_and_another_clients_name_is_not() {
        let print = |question: &Question| question.fingerprint().unwrap();
        let asked = question("SELECT 1", &[("ab", "c")]);
        assert_ne!(print(&asked), print(&question("SELECT 2", &[("ab", "c")])));
        assert_ne!(print(&asked), print(&question("SELECT 1", &[("a", "bc")])));
        let mut other = asked.clone();
        other.request.params.pop();
        assert_ne!(print(&asked), print(&other));
        let mut again = asked.clone();
        again.caller.client = None;
        assert_eq!(print(&asked), print(&again));
    }
}
