//! The caller of one request, after authentication.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::Scopes;
use crate::policy::Claims;
use crate::telemetry::Who;

/// Whose request it is. Every use case takes one; nothing below `gateway` looks inside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// Who vouches for the subject: empty where the configuration does (stdio, an open port, static tokens), else the
    /// issuer's URL. The same subject of two issuers is two people.
    pub issuer: String,
    /// Stable name of the person or service, unique within the issuer.
    pub subject: String,
    /// The client program as it named itself; never trusted.
    pub client: Option<String>,
    /// The OAuth client that the authorization was given to; `None` where it is not bound to one.
    pub client_id: Option<String>,
    /// The id of the token or of the authorization that they came with; it opens nothing.
    pub token: Option<String>,
    pub scopes: Scopes,
    /// What the identity says besides: role, tenant, .. (used by policies).
    pub claims: Claims,
    /// The caller's own login to PostgreSQL, where they have logged in with it. In memory only.
    pub login: Option<Arc<OwnLogin>>,
    /// Own logins that the caller has given for one database each, by its name; see [`super::Credentials`]. In memory only.
    pub given: BTreeMap<String, Arc<OwnLogin>>,
}

/// A PostgreSQL role and its password, proved by a connection. Debug shows neither.
#[derive(PartialEq, Eq)]
pub struct OwnLogin {
    pub role: String,
    pub password: Zeroizing<String>,
}

impl Caller {
    /// The caller on stdio and on an unauthenticated loopback port, who may do whatever the policy lets them.
    pub fn local(subject: impl Into<String>) -> Self {
        Self {
            issuer: String::new(),
            subject: subject.into(),
            client: None,
            client_id: None,
            token: None,
            scopes: Scopes::all(),
            claims: Claims::none(),
            login: None,
            given: BTreeMap::new(),
        }
    }

    /// Tells one person from another, whatever their claims and clients.
    pub fn person(&self) -> (&str, &str) {
        (&self.issuer, &self.subject)
    }

    /// As events name them.
    pub fn who(&self) -> Who<'_> {
        Who {
            issuer: &self.issuer,
            subject: &self.subject,
            client: self.client.as_deref(),
            client_id: self.client_id.as_deref(),
            token: self.token.as_deref(),
        }
    }

    /// As [`Self::person`], in one word: for counting what each may have.
    pub fn key(&self) -> String {
        if self.issuer.is_empty() {
            self.subject.clone()
        } else {
            format!("{}\u{1f}{}", self.issuer, self.subject)
        }
    }
}

impl fmt::Debug for OwnLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnLogin(..)")
    }
}
