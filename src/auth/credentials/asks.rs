//! Questions for own logins that wait for their person.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::bearer::{Bearer, Print};
use super::{CredentialId, GiveError, Target, Who, too_many};
use crate::auth::Caller;
use crate::auth::server::LoginKey;
use crate::pg::Diagnostic;

/// For finding one's password.
const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// Of one person; the oldest gives way.
const MOST_OF_ONE: usize = 10;
/// Of all.
const MOST: usize = 10_000;

/// A question as its call sees it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub id: CredentialId,
    /// Fires when the login was given, here or in answer to another question of the same token.
    pub given: CancellationToken,
}

/// A question as its person sees it.
#[derive(Clone, Debug)]
pub struct AskView {
    pub id: CredentialId,
    pub database: String,
    pub host: String,
    pub subject: String,
    /// The OAuth client, where the token says it.
    pub client_id: Option<String>,
    /// The program as it names itself.
    pub client: Option<String>,
    pub created: DateTime<Utc>,
    pub expires: DateTime<Utc>,
    pub is_given: bool,
}

#[derive(Default)]
pub(super) struct Asks(BTreeMap<CredentialId, Ask>);

struct Ask {
    who: Who,
    view: AskView,
    print: Print,
    ended: CancellationToken,
    given: CancellationToken,
    /// Until the login is given. Nothing is sealed by it before.
    key: Option<(LoginKey, Vec<u8>)>,
}

/// A question that is being answered.
pub(super) struct Taken {
    pub(super) id: CredentialId,
    pub(super) who: Who,
    pub(super) database: String,
    pub(super) print: Print,
    pub(super) ended: CancellationToken,
    pub(super) key: LoginKey,
    /// The key, as the bearer alone opens it.
    pub(super) wrapped: Vec<u8>,
}

impl Asks {
    pub(super) fn add(
        &mut self,
        caller: &Caller,
        bearer: &Bearer,
        ended: &CancellationToken,
        target: &Target,
        now: DateTime<Utc>,
    ) -> Result<Asked, Diagnostic> {
        self.0.retain(|_, ask| ask.is_open(now));
        let who = Who::of(caller);
        let same = |ask: &&Ask| {
            ask.print == *bearer.print() && ask.view.database == target.name && ask.key.is_some()
        };
        // The page that somebody is at stays while calls are repeated.
        if let Some(open) = self.0.values().find(|ask| ask.who == who && same(ask)) {
            return Ok(Asked { id: open.view.id, given: open.given.clone() });
        }
        let own = self.0.iter().filter(|(_, ask)| ask.who.person == who.person);
        if own.clone().count() >= MOST_OF_ONE {
            let oldest = own.min_by_key(|(_, ask)| ask.view.created).map(|(id, _)| *id);
            oldest.and_then(|id| self.0.remove(&id));
        }
        if self.0.len() >= MOST {
            return Err(too_many());
        }
        let (id, key) = (CredentialId::random()?, LoginKey::random()?);
        let wrapped = key.wrap(&id.to_bytes(), &bearer.vault())?;
        let view = AskView {
            id,
            database: target.name.clone(),
            host: target.host.clone(),
            subject: caller.subject.clone(),
            client_id: caller.client_id.clone(),
            client: caller.client.clone(),
            created: now,
            expires: now + PATIENCE,
            is_given: false,
        };
        let (ended, given) = (ended.clone(), CancellationToken::new());
        let asked = Asked { id, given: given.clone() };
        let ask = Ask { who, view, print: *bearer.print(), ended, given, key: Some((key, wrapped)) };
        self.0.insert(id, ask);
        Ok(asked)
    }

    /// Only for the person whose call asked.
    pub(super) fn view(&self, id: CredentialId, person: &str, now: DateTime<Utc>) -> Option<AskView> {
        let ask = self.0.get(&id).filter(|ask| ask.who.person == person && ask.is_open(now))?;
        Some(AskView { is_given: ask.key.is_none(), ..ask.view.clone() })
    }

    /// The same question as its call sees it.
    pub(super) fn again(&self, id: CredentialId, person: &str, now: DateTime<Utc>) -> Option<Asked> {
        let ask = self.0.get(&id).filter(|ask| ask.who.person == person && ask.is_open(now))?;
        Some(Asked { id, given: ask.given.clone() })
    }

    /// What a login is sealed by. There is one answer to a question.
    pub(super) fn take(
        &mut self,
        id: CredentialId,
        person: &str,
        now: DateTime<Utc>,
    ) -> Result<Taken, GiveError> {
        let ask = self.0.get_mut(&id).filter(|ask| ask.who.person == person && ask.is_open(now));
        let ask = ask.ok_or(GiveError::Unknown)?;
        let (key, wrapped) = ask.key.take().ok_or(GiveError::Given)?;
        Ok(Taken {
            id,
            who: ask.who.clone(),
            database: ask.view.database.clone(),
            print: ask.print,
            ended: ask.ended.clone(),
            key,
            wrapped,
        })
    }

    /// The token has its login: all its questions for the database are answered.
    pub(super) fn given(&mut self, print: &Print, database: &str) {
        for ask in self.0.values_mut().filter(|ask| ask.print == *print && ask.view.database == database) {
            ask.key = None;
            ask.given.cancel();
        }
    }
}

impl Ask {
    fn is_open(&self, now: DateTime<Utc>) -> bool {
        now < self.view.expires && !self.ended.is_cancelled()
    }
}
