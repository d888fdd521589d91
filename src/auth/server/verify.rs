//! Access tokens to callers, and the end of what they began once they are revoked.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::seal::{GrantBody, What};
use super::secret::{ACCESS, Hash};
use super::store::{GrantId, TokenKind};
use super::{AuthorizationServer, Opaque};
use crate::auth::{Admitted, Caller, Scopes, Verdict, Verifier};
use crate::pg::Diagnostic;

/// What was read of a token stands so long. [`AuthorizationServer::watch`] looks as often: a token that another process
/// revoked is refused, and what it began ends, within twice this.
pub(super) const RECHECK: Duration = Duration::from_secs(1);
/// Tokens in memory.
const MOST: usize = 10_000;

/// Endings that a slow listener may fall behind.
const ENDINGS: usize = 256;

/// The tokens that callers came with.
pub(super) struct Admissions {
    tokens: Mutex<HashMap<Hash, Known>>,
    endings: broadcast::Sender<Caller>,
}

struct Known {
    grant: GrantId,
    caller: Caller,
    ends: DateTime<Utc>,
    looked: Instant,
    ended: CancellationToken,
}

impl Admissions {
    fn admitted(&self, hash: &Hash, now: DateTime<Utc>) -> Option<Admitted> {
        let known = self.lock();
        let known = known.get(hash).filter(|known| known.looked.elapsed() < RECHECK && known.ends > now)?;
        Some(Admitted { caller: known.caller.clone(), ended: known.ended.clone() })
    }

    fn admit(&self, hash: Hash, grant: GrantId, caller: Caller, ends: DateTime<Utc>) -> Admitted {
        let mut tokens = self.lock();
        let ended = tokens.get(&hash).map_or_else(CancellationToken::new, |known| known.ended.clone());
        if tokens.len() >= MOST && !tokens.contains_key(&hash) {
            let first = tokens.iter().min_by_key(|(_, known)| known.ends).map(|(hash, _)| *hash);
            first.and_then(|first| tokens.remove(&first)).inspect(|known| known.ended.cancel());
        }
        let known =
            Known { grant, caller: caller.clone(), ends, looked: Instant::now(), ended: ended.clone() };
        tokens.insert(hash, known);
        Admitted { caller, ended }
    }

    pub(super) fn hashes(&self) -> Vec<Hash> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn end_token(&self, hash: &Hash, now: DateTime<Utc>) {
        let known = self.lock().remove(hash);
        known.into_iter().for_each(|known| self.end(&known, now));
    }

    pub(super) fn end_grant(&self, grant: &GrantId, now: DateTime<Utc>) {
        self.lock().retain(|_, known| {
            let stays = known.grant != *grant;
            if !stays {
                self.end(known, now);
            }
            stays
        });
    }

    fn end(&self, known: &Known, now: DateTime<Utc>) {
        known.ended.cancel();
        if known.ends > now {
            // Nobody needs to listen.
            let _ = self.endings.send(Caller { login: None, ..known.caller.clone() });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Known>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Admissions {
    fn default() -> Self {
        Self { tokens: Mutex::default(), endings: broadcast::channel(ENDINGS).0 }
    }
}

impl fmt::Debug for Admissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Admissions({})", self.lock().len())
    }
}

impl AuthorizationServer {
    /// Callers whose token was revoked before its time.
    pub fn endings(&self) -> broadcast::Receiver<Caller> {
        self.admissions.endings.subscribe()
    }

    async fn admit(&self, token: &Opaque) -> Result<Option<Admitted>, Diagnostic> {
        let (hash, now) = (token.hash(), self.clock.now());
        if let Some(admitted) = self.admissions.admitted(&hash, now) {
            return Ok(Some(admitted));
        }
        let found = self.store.token(hash).await?;
        let Some((row, grant)) = found.filter(|(row, _)| row.kind == TokenKind::Access) else {
            self.admissions.end_token(&hash, now);
            return Ok(None);
        };
        if row.ends <= now || grant.ends <= now {
            return Ok(None);
        }
        let body: GrantBody = self.seal.open(&grant.id, What::Grant, &grant.body)?;
        // As it was when the server had another public URL.
        if body.resource != self.settings.resource {
            return Ok(None);
        }
        let login = match (&grant.login, self.login_key(&grant, &row, token)?) {
            (Some(sealed), Some(key)) if self.settings.keep_login => Some(key.open(&grant.id, sealed)?),
            _ => None,
        };
        let caller = Caller {
            client_id: Some(body.client_id),
            scopes: Scopes::parse(&row.scopes).and(body.identity.scopes),
            login,
            ..body.identity.caller()
        };
        Ok(Some(self.admissions.admit(hash, grant.id, caller, row.ends)))
    }
}

impl Verifier for AuthorizationServer {
    fn verify<'a>(&'a self, presented: &'a str) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            if !presented.starts_with(ACCESS) {
                return Verdict::Foreign;
            }
            let Some(token) = Opaque::parse(ACCESS, presented) else { return Verdict::Invalid };
            match self.admit(&token).await {
                Ok(Some(admitted)) => Verdict::Admitted(Box::new(admitted)),
                Ok(None) => Verdict::Invalid,
                Err(_) => Verdict::Unavailable,
            }
        })
    }
}
