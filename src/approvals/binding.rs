//! All that a person approves, and one number for it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Person;
use crate::auth::Caller;

/// Another one whenever fields are added or are read in another way.
const VERSION: &[u8] = b"pgwarden approval 1";

/// Who asked. Anybody else, or the same person by another client or with other claims, has not asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Requester {
    pub person: Person,
    /// The OAuth client that the authorization was given to.
    pub client_id: Option<String>,
    /// SHA-256 of the claims: policies, roles and row filters follow from them.
    pub claims: [u8; 32],
}

impl Requester {
    pub fn of(caller: &Caller) -> Self {
        let mut claims = Fields::new(b"pgwarden claims 1");
        for (name, value) in caller.claims.iter() {
            claims.text(name);
            claims.text(value);
        }
        Self { person: Person::of(caller), client_id: caller.client_id.clone(), claims: claims.digest() }
    }
}

/// What is approved. A write whose [`Self::digest`] is another one needs another approval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// The statement, in its canonical print.
    pub statement: String,
    pub params: Vec<Option<String>>,
    pub database: String,
    /// The role that PostgreSQL sees.
    pub run_as: String,
    /// The version of the policy that allowed it.
    pub policy: String,
    pub requester: Requester,
    /// What is written to, qualified.
    pub relation: String,
    /// Another one where the name is another table's now, or triggers, rules or cascading foreign keys are others.
    pub effects: [u8; 32],
    /// The most rows that it may change.
    pub rows: u64,
}

impl Binding {
    /// SHA-256. Every field goes in with its length, so that no two bindings are the same bytes.
    pub fn digest(&self) -> [u8; 32] {
        let mut fields = Fields::new(VERSION);
        fields.text(&self.statement);
        fields.number(self.params.len());
        for param in &self.params {
            fields.maybe(param.as_deref());
        }
        fields.text(&self.database);
        fields.text(&self.run_as);
        fields.text(&self.policy);
        fields.text(&self.requester.person.issuer);
        fields.text(&self.requester.person.subject);
        fields.maybe(self.requester.client_id.as_deref());
        fields.bytes(&self.requester.claims);
        fields.text(&self.relation);
        fields.bytes(&self.effects);
        fields.bytes(&self.rows.to_be_bytes());
        fields.digest()
    }
}

struct Fields(Sha256);

impl Fields {
    fn new(version: &[u8]) -> Self {
        let mut fields = Self(Sha256::new());
        fields.bytes(version);
        fields
    }

    fn bytes(&mut self, field: &[u8]) {
        self.number(field.len());
        self.0.update(field);
    }

    fn text(&mut self, field: &str) {
        self.bytes(field.as_bytes());
    }

    fn maybe(&mut self, field: Option<&str>) {
        self.0.update([u8::from(field.is_some())]);
        self.text(field.unwrap_or_default());
    }

    fn number(&mut self, number: usize) {
        self.0.update(u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn binding() -> Binding {
        let claims = [("role", "clerk"), ("tenant", "1")].into_iter().collect();
        let caller = Caller {
            issuer: "https://id.example".to_owned(),
            client_id: Some("app".to_owned()),
            claims,
            ..Caller::local("ann")
        };
        Binding {
            statement: "DELETE FROM shop.customers WHERE id = $1".to_owned(),
            params: vec![Some("1".to_owned()), None],
            database: "shop".to_owned(),
            run_as: "clerk".to_owned(),
            policy: "v1".to_owned(),
            requester: Requester::of(&caller),
            relation: "shop.customers".to_owned(),
            effects: [1; 32],
            rows: 10,
        }
    }

    fn but(change: impl FnOnce(&mut Binding)) -> Binding {
        let mut binding = binding();
        change(&mut binding);
        binding
    }

    #[test]
    fn every_field_changes_the_digest_and_nothing_moves_between_fields() {
        let text = |text: &str| Some(text.to_owned());
        let others = [
            binding(),
            but(|b| b.statement.push(' ')),
            but(|b| b.params = vec![text("1")]),
            but(|b| b.params = vec![text("2"), None]),
            but(|b| b.params = vec![text("1"), text("")]),
            but(|b| b.params.reverse()),
            but(|b| b.params = vec![text("1"), None, None]),
            but(|b| b.database.push('2')),
            but(|b| b.run_as = "owner".to_owned()),
            but(|b| (b.database, b.run_as) = ("sho".to_owned(), "pclerk".to_owned())),
            but(|b| b.policy = "v2".to_owned()),
            but(|b| b.requester.person.issuer = String::new()),
            but(|b| b.requester.person.subject = "bob".to_owned()),
            but(|b| b.requester.client_id = None),
            but(|b| b.requester.client_id = text("")),
            but(|b| b.requester.client_id = text("other")),
            but(|b| b.requester.claims = [0; 32]),
            but(|b| b.relation = "shop.orders".to_owned()),
            but(|b| b.effects = [2; 32]),
            but(|b| b.rows = 11),
        ];
        let digests: BTreeSet<[u8; 32]> = others.iter().map(Binding::digest).collect();
        assert_eq!(digests.len(), others.len());
        assert_eq!(binding().digest(), binding().digest());
    }

    #[test]
    fn claims_are_told_apart_wherever_their_parts_meet() {
        let of = |pairs: &[(&str, &str)]| {
            let claims = pairs.iter().copied().collect();
            Requester::of(&Caller { claims, ..Caller::local("ann") }).claims
        };
        let claims = [of(&[]), of(&[("a", "bc")]), of(&[("ab", "c")]), of(&[("a", "b"), ("c", "")])];
        assert_eq!(claims.iter().collect::<BTreeSet<_>>().len(), claims.len());
    }
}
