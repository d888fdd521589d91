//! Who somebody turned out to be, at our login or at an external provider's.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::auth::{Caller, Scopes};

/// A person, without any secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Who vouches for them: ourselves, or the provider's URL.
    pub issuer: String,
    /// At our own login the PostgreSQL role.
    pub subject: String,
    /// The role's own, since another may get its name. `None` at other providers.
    pub oid: Option<u32>,
    pub claims: BTreeMap<String, String>,
    /// What they may have at the most.
    #[serde(with = "words")]
    pub scopes: Scopes,
}

impl Identity {
    /// The oid as text, or nothing.
    pub(super) fn role_number(&self) -> String {
        self.oid.map(|oid| oid.to_string()).unwrap_or_default()
    }

    /// As a caller, in their browser.
    pub fn caller(&self) -> Caller {
        Caller {
            issuer: self.issuer.clone(),
            scopes: self.scopes,
            claims: self.claims.clone().into_iter().collect(),
            ..Caller::local(self.subject.clone())
        }
    }
}

/// Claims may be personal.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} of {})", self.subject, self.issuer)
    }
}

/// Scopes as a string with spaces.
pub(super) mod words {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::auth::Scopes;

    pub fn serialize<S: Serializer>(scopes: &Scopes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(scopes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scopes, D::Error> {
        String::deserialize(deserializer).map(|words| Scopes::parse(&words))
    }
}
