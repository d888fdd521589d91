//! Login: a role and its password, proved by PostgreSQL itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use zeroize::Zeroizing;

use super::event::Step;
use super::proving::{Unproved, named};
use super::{AuthorizationServer, Identity, LoginError, Opaque};
use crate::auth::{OwnLogin, Scopes};
use crate::db::RoleFacts;

impl AuthorizationServer {
    /// The cookie's value of a new session. The password stays only where the settings keep logins, sealed under it.
    pub async fn login(
        &self,
        role: &str,
        password: Zeroizing<String>,
        address: IpAddr,
    ) -> Result<Opaque, LoginError> {
        let facts = match self.proving.prove(&*self.roles, role, &password, address).await {
            Ok(facts) => facts,
            Err(unproved) => {
                match unproved {
                    Unproved::Throttled(_) => self.event(named(role), Step::Throttled { address }),
                    Unproved::Refused(cause) => self.event(named(role), Step::LoginFailed { address, cause }),
                    Unproved::Unavailable(_) => {}
                }
                return Err(unproved.into());
            }
        };
        let login = OwnLogin { role: facts.role.clone(), password };
        let login = self.settings.keep_login.then_some(&login);
        let identity = self.identity(&facts);
        let session = self.sessions.begin(&identity, login).await.map_err(LoginError::Unavailable)?;
        self.event(&facts.role, Step::LoggedIn { address });
        Ok(session)
    }

    /// The person that a role is.
    pub(super) fn identity(&self, facts: &RoleFacts) -> Identity {
        // Lists are divided by commas and spaces.
        let memberships: Vec<&str> =
            facts.memberships.iter().map(String::as_str).filter(|name| !name.contains([',', ' '])).collect();
        let mut claims = BTreeMap::from([("role".to_owned(), facts.role.clone())]);
        if !memberships.is_empty() {
            claims.insert("roles".to_owned(), memberships.join(","));
        }
        Identity {
            issuer: self.settings.issuer.clone(),
            subject: facts.role.clone(),
            oid: Some(facts.oid),
            claims,
            scopes: self.scopes_of(facts),
        }
    }

    fn scopes_of(&self, facts: &RoleFacts) -> Scopes {
        let is_one = |roles: &Vec<String>| {
            roles.iter().any(|role| *role == facts.role || facts.memberships.contains(role))
        };
        let more = self.settings.scope_roles.iter().filter(|(_, roles)| is_one(roles));
        self.settings.scopes.iter().chain(more.map(|(scope, _)| *scope)).collect()
    }
}
