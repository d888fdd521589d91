//! Proves a role's password by PostgreSQL itself, and bounds how often that is tried.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::sleep_until;

use super::throttle::Throttle;
use super::{Clock, LoginError};
use crate::auth::ClientAddress;
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

/// Why a role was not proved.
#[derive(Debug)]
pub(in crate::auth) enum Unproved {
    Throttled(Duration),
    /// The cause is for the log alone.
    Refused(&'static str),
    Unavailable(Diagnostic),
}

impl From<Unproved> for LoginError {
    fn from(unproved: Unproved) -> Self {
        match unproved {
            Unproved::Throttled(wait) => Self::Throttled(wait),
            Unproved::Refused(_) => Self::Refused,
            Unproved::Unavailable(error) => Self::Unavailable(error),
        }
    }
}

/// Counts attempts by role and by address.
#[derive(Debug)]
pub(in crate::auth) struct Proving {
    by_role: Throttle,
    by_address: Throttle,
    at_once: Semaphore,
    clock: Clock,
}

impl Proving {
    pub(in crate::auth) fn new(clock: Clock) -> Self {
        Self {
            // Short, since anybody can make a role wait.
            by_role: Throttle::new(5, TimeDelta::seconds(30)),
            by_address: Throttle::new(20, TimeDelta::minutes(15)),
            at_once: Semaphore::new(AT_ONCE),
            clock,
        }
    }

    /// What PostgreSQL says of the role, once it has taken the password.
    pub(in crate::auth) async fn prove(
        &self,
        roles: &dyn Roles,
        role: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<RoleFacts, Unproved> {
        let began = Instant::now();
        let role = named(role);
        let network = ClientAddress(address).network();
        self.attempt(role, &network).map_err(Unproved::Throttled)?;
        // Never closed: whoever has no place waits for one.
        let place = self.at_once.acquire().await;
        let proved = roles.prove(role, password).await;
        drop(place);
        match proved {
            Ok(facts) => {
                self.forgive(role, true, &network);
                Ok(facts)
            }
            Err(ProofError::Refused(cause)) => {
                sleep_until((began + REFUSAL_TAKES).into()).await;
                Err(Unproved::Refused(cause))
            }
            Err(ProofError::Unavailable(error)) => {
                self.forgive(role, false, &network);
                Err(Unproved::Unavailable(error))
            }
        }
    }

    fn attempt(&self, role: &str, address: &str) -> Result<(), Duration> {
        let now = self.clock.now();
        self.by_address.attempt(address, now)?;
        self.by_role.attempt(role, now)
    }

    /// `all`: also those before this one.
    fn forgive(&self, role: &str, all: bool, address: &str) {
        let now = self.clock.now();
        self.by_role.forgive(role, all, now);
        self.by_address.forgive(address, false, now);
    }
}

/// The role that is counted and logged: names that no role can have are one.
pub(super) fn named(role: &str) -> &str {
    if role.len() > LONGEST_ROLE { "" } else { role }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::pg::SqlState;

    /// Refuses every password, or is not there.
    #[derive(Debug, Default)]
    struct Gate {
        is_away: AtomicBool,
    }

    impl Roles for Gate {
        fn prove<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<RoleFacts, ProofError>> {
            let away = || ProofError::Unavailable(Diagnostic::refused(SqlState::INTERNAL_ERROR, "away"));
            let is_away = self.is_away.load(Ordering::Relaxed);
            Box::pin(async move { Err(if is_away { away() } else { ProofError::Refused("wrong") }) })
        }

        fn standing<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<RoleFacts>, Diagnostic>> {
            Box::pin(async { Ok(None) })
        }
    }

    #[tokio::test]
    async fn what_could_not_be_asked_forgives_no_wrong_password() {
        let (proving, gate) = (Proving::new(Clock::default()), Gate::default());
        let once = async || proving.prove(&gate, "ada", "x", Ipv4Addr::LOCALHOST.into()).await.unwrap_err();
        for _ in 0..4 {
            assert!(matches!(once().await, Unproved::Refused(_)));
        }
        gate.is_away.store(true, Ordering::Relaxed);
        assert!(matches!(once().await, Unproved::Unavailable(_)));
        gate.is_away.store(false, Ordering::Relaxed);
        // The fifth is the last that costs nothing.
        assert!(matches!(once().await, Unproved::Refused(_)));
        assert!(matches!(once().await, Unproved::Throttled(_)));
    }
}
