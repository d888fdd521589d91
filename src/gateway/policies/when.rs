//! The condition under which a policy is a caller's.

use std::collections::BTreeMap;

use crate::auth::Caller;

/// What must be true of a caller, by name: all of it. `client` is the name of the client program, as it says itself;
/// `subject` is who calls; everything else is a claim of that name, which may be a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct When(BTreeMap<String, String>);

impl When {
    /// `None` where nothing is asked: that would be met by everybody.
    pub fn new(asked: BTreeMap<String, String>) -> Option<Self> {
        (!asked.is_empty()).then_some(Self(asked))
    }

    pub(super) fn is_met_by(&self, caller: &Caller) -> bool {
        self.0.iter().all(|(name, value)| match name.as_str() {
            "client" => caller.client.as_deref().is_some_and(|client| is_client(client, value)),
            "subject" => caller.subject == *value,
            claim => caller.claims.has(claim, value),
        })
    }
}

/// Clients call themselves `name/version`.
fn is_client(client: &str, asked: &str) -> bool {
    client == asked || client.rsplit_once('/').is_some_and(|(name, _)| name == asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_asked_must_be_true_of_the_caller() {
        let caller = Caller {
            client: Some("some-client/1.2".to_owned()),
            claims: [("role", "support"), ("scope", "read write")].into_iter().collect(),
            ..Caller::local("anna")
        };
        let met = |asked: &[(&str, &str)]| {
            let asked = asked.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            When::new(asked.collect()).unwrap().is_met_by(&caller)
        };
        assert!(met(&[("role", "support")]) && met(&[("scope", "write"), ("subject", "anna")]));
        assert!(met(&[("client", "some-client")]) && met(&[("client", "some-client/1.2")]));
        assert!(!met(&[("role", "support"), ("scope", "admin")]));
        assert!(!met(&[("client", "some")]) && !met(&[("subject", "ann")]) && !met(&[("group", "support")]));
        assert_eq!(When::new(BTreeMap::new()), None);
    }
}
