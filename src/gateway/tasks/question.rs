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
    /// The roles of the caller's own logins, where they had one: to others other rows might be theirs.
    login: Option<String>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<String>,
    request: QueryRequest,
}

impl Question {
    pub(in crate::gateway) fn new(caller: &Caller, request: QueryRequest) -> Self {
        Self { login: role_of(caller, request.database.as_deref()), caller: caller.clone(), request }
    }

    /// The caller is who asked, in every way that decides on rows.
    pub(in crate::gateway) fn is_of(&self, caller: &Caller) -> bool {
        let asked = &self.caller;
        let login = role_of(caller, self.request.database.as_deref());
        asked.person() == caller.person() && asked.claims == caller.claims && self.login == login
    }

    pub(in crate::gateway) fn to_text(&self) -> Result<String, Diagnostic> {
        let written = Written {
            issuer: self.caller.issuer.clone(),
            subject: self.caller.subject.clone(),
            client: self.caller.client.clone(),
            client_id: self.caller.client_id.clone(),
            scopes: self.caller.scopes.to_string(),
            claims: pairs(&self.caller.claims),
            login: self.login.clone(),
            request: self.request.clone(),
        };
        serde_json::to_string(&written).map_err(|_| bug("a question could not be written"))
    }

    pub(in crate::gateway) fn from_text(text: &str) -> Result<Self, Diagnostic> {
        let written: Written =
            serde_json::from_str(text).map_err(|_| bug("a stored question could not be read"))?;
        let Written { issuer, subject, client, client_id, scopes, claims, login, request } = written;
        let (scopes, claims) = (Scopes::parse(&scopes), claims.into_iter().collect());
        // The caller's own login is nowhere but in the memory of the process that was asked.
        let caller = Caller { issuer, client, client_id, scopes, claims, ..Caller::local(subject) };
        Ok(Self { caller, request, login })
    }

    /// The same for the same question with the same claims and login: whoever asks it, owners are told apart elsewhere.
    pub(in crate::gateway) fn fingerprint(&self) -> Result<[u8; 32], Diagnostic> {
        let text =
            serde_json::to_vec(&(&self.request, claims_digest(&self.caller.claims, self.login.as_deref())));
        Ok(Sha256::digest(text.map_err(|_| bug("a question could not be written"))?).into())
    }
}

/// Tells apart callers of one name to whom PostgreSQL may show different rows of that database, `None` for the only one.
pub(crate) fn digest_of(caller: &Caller, database: Option<&str>) -> String {
    claims_digest(&caller.claims, role_of(caller, database).as_deref())
}

fn claims_digest(claims: &Claims, login: Option<&str>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in claims.iter() {
        for part in [name, value] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
    }
    if let Some(role) = login {
        hash.update(role);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The roles of a caller's own logins to that database, each with the database that it was given for.
fn role_of(caller: &Caller, database: Option<&str>) -> Option<String> {
    let given = caller.given.iter().filter(|(name, _)| database.is_none_or(|asked| asked == *name));
    let given = given.map(|(database, login)| format!("{database}\u{1f}{}", login.role));
    let roles: Vec<String> = caller.login.iter().map(|login| login.role.clone()).chain(given).collect();
    (!roles.is_empty()).then(|| roles.join("\u{1f}"))
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
        Question::new(&caller, request)
    }

    #[test]
    fn a_question_comes_back_as_it_was_asked() {
        let asked = question("SELECT $1, $2", &[("tenant", "7"), ("role", "a b")]);
        assert_eq!(Question::from_text(&asked.to_text().unwrap()).unwrap(), asked);
    }

    #[test]
    fn an_own_login_makes_another_question_and_is_never_written_with_it() {
        let login = |role: &str| {
            let password = zeroize::Zeroizing::new("hunter2".to_owned());
            Some(std::sync::Arc::new(crate::auth::OwnLogin { role: role.to_owned(), password }))
        };
        let caller = |role: &str| Caller { login: login(role), ..Caller::local("anna") };
        let asked = Question::new(&caller("anna_ro"), QueryRequest::default());
        let text = asked.to_text().unwrap();
        assert!(!text.contains("hunter2") && !format!("{asked:?}").contains("hunter2"));
        let stored = Question::from_text(&text).unwrap();
        assert!(stored.is_of(&caller("anna_ro")) && stored.caller.login.is_none());
        for other in [
            caller("anna_rw"),
            Caller::local("anna"),
            Caller { login: login("anna_ro"), ..Caller::local("ben") },
        ] {
            assert!(!stored.is_of(&other), "{other:?}");
        }
        let other = Question::new(&caller("anna_rw"), QueryRequest::default());
        assert_ne!(asked.fingerprint().unwrap(), other.fingerprint().unwrap());
    }

    #[test]
    fn a_login_to_another_database_makes_no_other_question() {
        let with = |databases: &[&str]| {
            let password = zeroize::Zeroizing::new("hunter2".to_owned());
            let login = std::sync::Arc::new(crate::auth::OwnLogin { role: "anna".to_owned(), password });
            let given = databases.iter().map(|name| ((*name).to_owned(), std::sync::Arc::clone(&login)));
            Caller { given: given.collect(), ..Caller::local("anna") }
        };
        let asked = |databases: &[&str], of: &str| {
            Question::new(
                &with(databases),
                QueryRequest { database: Some(of.to_owned()), ..QueryRequest::default() },
            )
        };
        let question = asked(&["shop"], "shop");
        assert!(question.is_of(&with(&["shop", "staff"])));
        assert!(!question.is_of(&with(&["staff"])) && !question.is_of(&with(&[])));
        assert_eq!(
            digest_of(&with(&["shop"]), Some("shop")),
            digest_of(&with(&["shop", "staff"]), Some("shop"))
        );
        assert_ne!(digest_of(&with(&["shop"]), Some("shop")), digest_of(&with(&["staff"]), Some("shop")));
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
