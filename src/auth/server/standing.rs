//! Whether whoever logged in as a role still may, and what they may now: asked of PostgreSQL.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::event::Step;
use super::{AuthorizationServer, Identity, Session};
use crate::db::RoleFacts;
use crate::pg::Diagnostic;

/// A page believes what was said of a role for so long.
const BELIEVED: TimeDelta = TimeDelta::seconds(5);
/// Roles in memory.
const MOST: usize = 1_000;

/// When PostgreSQL said what. `None`: there is no such role.
type Said = (DateTime<Utc>, Option<RoleFacts>);

/// What PostgreSQL said of roles.
#[derive(Debug, Default)]
pub(super) struct Standings(Mutex<HashMap<String, Said>>);

impl Standings {
    fn get(&self, role: &str, now: DateTime<Utc>) -> Option<Option<RoleFacts>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(role).filter(|(said, _)| is_believed(*said, now)).map(|(_, facts)| facts.clone())
    }

    fn put(&self, role: &str, now: DateTime<Utc>, facts: Option<RoleFacts>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, (said, _)| is_believed(*said, now));
        }
        if known.len() < MOST {
            known.insert(role.to_owned(), (now, facts));
        }
    }
}

fn is_believed(said: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    said <= now && now < said + BELIEVED
}

impl AuthorizationServer {
    /// The browser's session, with the person as PostgreSQL has had them within five seconds. A session of a role that may
    /// no longer log in, or is another one of the same name, ends.
    pub async fn session(&self, cookie: &str) -> Result<Option<Session>, Diagnostic> {
        let Some(mut session) = self.sessions.find(cookie).await? else { return Ok(None) };
        if session.identity.issuer != self.settings.issuer {
            return Ok(Some(session));
        }
        let (role, now) = (&session.identity.subject, self.clock.now());
        let facts = match self.standings.get(role, now) {
            Some(facts) => facts,
            None => {
                let facts = self.roles.standing(role).await?;
                self.standings.put(role, now, facts.clone());
                facts
            }
        };
        if let Some(identity) = self.same(&session.identity, facts) {
            session.identity = identity;
            return Ok(Some(session));
        }
        self.event(role, Step::SessionEnded);
        self.sessions.end(cookie).await?;
        Ok(None)
    }

    /// The person as they are now, be it that another provider vouches for them. `None`: they may no longer log in.
    pub(super) async fn now(&self, identity: &Identity) -> Result<Option<Identity>, Diagnostic> {
        if identity.issuer != self.settings.issuer {
            return Ok(Some(identity.clone()));
        }
        Ok(self.same(identity, self.roles.standing(&identity.subject).await?))
    }

    fn same(&self, identity: &Identity, facts: Option<RoleFacts>) -> Option<Identity> {
        let facts = facts.filter(|facts| facts.refusal().is_none() && Some(facts.oid) == identity.oid)?;
        Some(self.identity(&facts))
    }
}
