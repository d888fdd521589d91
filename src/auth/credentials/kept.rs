//! Logins that were given: each sealed under a key of its own, which the token that asked for it unwraps.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::asks::Taken;
use super::bearer::{Bearer, Print};
use super::{CredentialId, Who};
use crate::auth::OwnLogin;
use crate::auth::server::LoginKey;
use crate::pg::Diagnostic;

/// By the token's print and the database.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<(Print, String), Sealed>);

struct Sealed {
    id: CredentialId,
    who: Who,
    wrapped: Vec<u8>,
    login: Vec<u8>,
    until: DateTime<Utc>,
    ended: CancellationToken,
}

impl Kept {
    pub(super) fn add(
        &mut self,
        taken: Taken,
        login: &OwnLogin,
        until: DateTime<Utc>,
    ) -> Result<(), Diagnostic> {
        let Taken { id, who, database, print, ended, key, wrapped } = taken;
        let login = key.seal(&id.to_bytes(), login)?;
        self.0.insert((print, database), Sealed { id, who, wrapped, login, until, ended });
        Ok(())
    }

    /// What the bearer opens, where they are still who gave it.
    pub(super) fn open(
        &self,
        who: &Who,
        bearer: &Bearer,
        now: DateTime<Utc>,
    ) -> BTreeMap<String, Arc<OwnLogin>> {
        let of_token = self.0.range((*bearer.print(), String::new())..);
        of_token
            .take_while(|((print, _), _)| print == bearer.print())
            .filter(|(_, sealed)| sealed.who == *who && now < sealed.until && !sealed.ended.is_cancelled())
            .filter_map(|((_, database), sealed)| Some((database.clone(), sealed.open(bearer)?)))
            .collect()
    }

    /// `id`: only the login that was given in answer to it. The person, where no login of theirs to the database is left.
    pub(super) fn remove(
        &mut self,
        print: &Print,
        database: &str,
        id: Option<CredentialId>,
    ) -> Option<String> {
        let at = (*print, database.to_owned());
        self.0.get(&at).filter(|sealed| id.is_none_or(|id| id == sealed.id))?;
        let gone = self.0.remove(&at)?;
        let is_theirs = |((_, of), sealed): (&(Print, String), &Sealed)| {
            of == database && sealed.who.person == gone.who.person
        };
        (!self.0.iter().any(is_theirs)).then_some(gone.who.person)
    }
}

impl Sealed {
    fn open(&self, bearer: &Bearer) -> Option<Arc<OwnLogin>> {
        let id = self.id.to_bytes();
        let key = LoginKey::unwrap(&id, &bearer.vault(), &self.wrapped).ok()?;
        key.open(&id, &self.login).ok()
    }
}
