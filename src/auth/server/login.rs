//! Login: a role and its password, proved by PostgreSQL itself.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::sleep_until;
use zeroize::Zeroizing;

use super::event::Step;
use super::throttle::Throttle;
use super::{AuthorizationServer, Clock, Identity, LoginError, Opaque};
use crate::auth::{ClientAddress, OwnLogin, Scopes};
use crate::db::{Proof, ProofError, RoleFacts};
use crate::pg::Diagnostic;

/// Where roles are proved and looked at.
pub trait Roles: Send + Sync + fmt::Debug {
    fn prove<'a>(&'a self, role: &'a str, password: &'a str) -> BoxFuture<'a, Result<RoleFacts, ProofError>>;

    /// `None`: there is no such role.
    fn standing<'a>(&'a self, role: &'a str) -> BoxFuture<'a, Result<Option<RoleFacts>, Diagnostic>>;
}

impl Roles for Proof {
    fn prove<'a>(&'a self, role: &'a str, password: &'a str) -> BoxFuture<'a, Result<RoleFacts, ProofError>> {
        Box::pin(self.of(role, password))
    }

    fn standing<'a>(&'a self, role: &'a str) -> BoxFuture<'a, Result<Option<RoleFacts>, Diagnostic>> {
        Box::pin(self.standing(role))
    }
}

/// What refuses takes as long as this, whatever it was.
const REFUSAL_TAKES: Duration = Duration::from_millis(300);

/// Logins that are proved at once: each takes a connection to PostgreSQL.
const AT_ONCE: usize = 8;
/// Longer names no role has: all count as one, and are not logged.
const LONGEST_ROLE: usize = 63;

#[derive(Debug)]
pub(super) struct Logins {
    by_role: Throttle,
    by_address: Throttle,
    at_once: Semaphore,
    clock: Clock,
}

impl Logins {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            // Short, since anybody can make a role wait.
            by_role: Throttle::new(5, TimeDelta::seconds(30)),
            by_address: Throttle::new(20, TimeDelta::minutes(15)),
            at_once: Semaphore::new(AT_ONCE),
            clock,
        }
    }

    fn attempt(&self, role: &str, address: &str) -> Result<(), Duration> {
        let now = self.clock.now();
        self.by_address.attempt(address, now)?;
        self.by_role.attempt(role, now)
    }

    fn forgive(&self, role: &str, address: &str) {
        let now = self.clock.now();
        self.by_role.forgive(role, true, now);
        self.by_address.forgive(address, false, now);
    }
}

impl AuthorizationServer {
    /// The cookie's value of a new session. The password stays only where the settings keep logins, sealed under it.
    pub async fn login(
        &self,
        role: &str,
        password: Zeroizing<String>,
        address: IpAddr,
    ) -> Result<Opaque, LoginError> {
        let began = Instant::now();
        let role = if role.len() > LONGEST_ROLE { "" } else { role };
        let network = ClientAddress(address).network();
        if let Err(wait) = self.logins.attempt(role, &network) {
            self.event(role, Step::Throttled { address });
            return Err(LoginError::Throttled(wait));
        }
        // Never closed: whoever has no place waits for one.
        let place = self.logins.at_once.acquire().await;
        let proved = self.roles.prove(role, &password).await;
        drop(place);
        let facts = match proved {
            Ok(facts) => facts,
            Err(ProofError::Refused(cause)) => {
                self.event(role, Step::LoginFailed { address, cause });
                sleep_until((began + REFUSAL_TAKES).into()).await;
                return Err(LoginError::Refused);
            }
            Err(ProofError::Unavailable(error)) => {
                self.logins.forgive(role, &network);
                return Err(LoginError::Unavailable(error));
            }
        };
        self.logins.forgive(role, &network);
        let login = OwnLogin { role: facts.role.clone(), password };
        let login = self.settings.keep_login.then_some(&login);
        let identity = self.identity(&facts);
        let session = self.sessions.begin(&identity, login).await.map_err(LoginError::Unavailable)?;
        self.event(role, Step::LoggedIn { address });
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
