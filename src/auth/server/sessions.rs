//! Browsers that somebody is logged in with: at our own login, or at an external provider's.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::hmac;

use super::seal::{Seal, What, open_login, seal_login};
use super::secret::{Hash, SESSION};
use super::store::{GrantStore, SessionRow};
use super::{Clock, Identity, Lifetimes, Opaque};
use crate::auth::OwnLogin;
use crate::pg::Diagnostic;
use crate::store::MasterKey;

/// Of one person.
const MOST: i64 = 20;
/// How exactly it is known when a session was used last.
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(30);

/// Works without an authorization server too, for approvals.
pub struct Sessions {
    store: Arc<dyn GrantStore>,
    seal: Seal,
    clock: Clock,
    lasts: TimeDelta,
    idle: TimeDelta,
}

/// A browser's, found by its cookie.
pub struct Session {
    pub identity: Identity,
    pub ends: DateTime<Utc>,
    /// The proved login, where it was kept.
    pub login: Option<Arc<OwnLogin>>,
    owner: Hash,
    csrf: hmac::Key,
}

impl Sessions {
    pub fn new(store: Arc<dyn GrantStore>, key: &MasterKey, lifetimes: &Lifetimes, clock: Clock) -> Self {
        Self { store, seal: Seal::new(key), clock, lasts: lifetimes.session, idle: lifetimes.session_idle }
    }

    /// The cookie's value: always a new one, whatever the browser had before. A `login` is kept sealed under it.
    pub async fn begin(&self, identity: &Identity, login: Option<&OwnLogin>) -> Result<Opaque, Diagnostic> {
        let secret = Opaque::random(SESSION)?;
        let (hash, now) = (secret.hash(), self.clock.now());
        let session = SessionRow {
            hash,
            owner: self.seal.owner(identity),
            seen: now,
            ends: now + self.lasts,
            body: self.seal.seal(&hash, What::Session, identity)?,
            login: login.map(|login| seal_login(&secret.vault(), &hash, login)).transpose()?,
        };
        self.store.add_session(session, MOST).await?;
        Ok(secret)
    }

    /// `None`: there is none, or it has ended.
    pub async fn find(&self, cookie: &str) -> Result<Option<Session>, Diagnostic> {
        let Some(secret) = Opaque::parse(SESSION, cookie) else { return Ok(None) };
        let hash = secret.hash();
        let Some(row) = self.store.session(hash).await? else { return Ok(None) };
        let now = self.clock.now();
        if row.ends <= now || row.seen + self.idle <= now {
            self.store.end_session(hash).await?;
            return Ok(None);
        }
        if row.seen + SEEN_EVERY <= now {
            self.store.see_session(hash, now).await?;
        }
        let vault = secret.vault();
        let login = row.login.as_deref().map(|sealed| open_login(&vault, &hash, sealed)).transpose()?;
        let identity = self.seal.open(&hash, What::Session, &row.body)?;
        Ok(Some(Session { identity, ends: row.ends, login, owner: row.owner, csrf: secret.mac_key(b"csrf") }))
    }

    pub async fn end(&self, cookie: &str) -> Result<(), Diagnostic> {
        match Opaque::parse(SESSION, cookie) {
            Some(secret) => self.store.end_session(secret.hash()).await,
            None => Ok(()),
        }
    }

    /// Of that person, in all browsers.
    pub async fn end_all(&self, identity: &Identity) -> Result<(), Diagnostic> {
        self.store.end_sessions(self.seal.owner(identity)).await
    }
}

impl Session {
    /// What a form of this session carries: for this form, about this object, and for no other.
    pub fn csrf_token(&self, form: &str, object: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.csrf, &bound(form, object)))
    }

    pub fn is_csrf_token(&self, form: &str, object: &str, presented: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(presented);
        tag.is_ok_and(|tag| hmac::verify(&self.csrf, &bound(form, object), &tag).is_ok())
    }

    pub(super) fn owner(&self) -> Hash {
        self.owner
    }
}

fn bound(form: &str, object: &str) -> Vec<u8> {
    format!("{}:{form}{object}", form.len()).into_bytes()
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.identity)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}
