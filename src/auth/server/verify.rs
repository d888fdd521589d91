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
use crate::auth::{Admitted, Caller, ClientAddress, Scopes, Verdict, Verifier};
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
    endings: broadcast::Sender<Revoked>,
}

/// A caller's token was revoked before its time, and no other one of theirs by this client is in use here.
#[derive(Clone, Debug)]
pub struct Revoked {
    pub caller: Caller,
    /// Nor one by another client.
    pub was_last: bool,
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
            // What it began runs on.
            surplus(&tokens, &caller).and_then(|hash| tokens.remove(&hash));
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
        let mut tokens = self.lock();
        let gone = tokens.remove(hash);
        self.end(gone.into_iter().collect(), &tokens, now);
    }

    pub(super) fn end_grant(&self, grant: &GrantId, now: DateTime<Utc>) {
        let mut tokens = self.lock();
        let gone = tokens.extract_if(|_, known| known.grant == *grant).map(|(_, known)| known).collect();
        self.end(gone, &tokens, now);
    }

    /// `left`: the tokens that are still good, and those that have run out.
    fn end(&self, gone: Vec<Known>, left: &HashMap<Hash, Known>, now: DateTime<Utc>) {
        for known in gone {
            known.ended.cancel();
            let caller = Caller { login: None, ..known.caller };
            let theirs =
                || left.values().filter(|other| other.ends > now && other.caller.key() == caller.key());
            if known.ends > now && !theirs().any(|other| other.caller.client_id == caller.client_id) {
                // Nobody needs to listen.
                let _ = self.endings.send(Revoked { was_last: theirs().next().is_none(), caller });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Known>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which one makes room for `caller`'s: of their own or, where there is none, of the person who has most the one that ends
/// first.
fn surplus(tokens: &HashMap<Hash, Known>, caller: &Caller) -> Option<Hash> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    for known in tokens.values() {
        *counts.entry(known.caller.person()).or_default() += 1;
    }
    let own = counts.contains_key(&caller.person()).then(|| caller.person());
    let person = own.or_else(|| counts.into_iter().max_by_key(|(_, count)| *count).map(|(person, _)| person));
    let theirs = tokens.iter().filter(|(_, known)| Some(known.caller.person()) == person);
    theirs.min_by_key(|(_, known)| known.ends).map(|(hash, _)| *hash)
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
    pub fn endings(&self) -> broadcast::Receiver<Revoked> {
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
            token: Some(grant.id.iter().map(|byte| format!("{byte:02x}")).collect()),
            scopes: Scopes::parse(&row.scopes).and(body.identity.scopes),
            login,
            ..body.identity.caller()
        };
        Ok(Some(self.admissions.admit(hash, grant.id, caller, row.ends)))
    }
}

impl Verifier for AuthorizationServer {
    fn verify<'a>(&'a self, presented: &'a str, _: Option<ClientAddress>) -> BoxFuture<'a, Verdict> {
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

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::{Admissions, MOST, RECHECK};
    use crate::auth::Caller;

    /// However many tokens one person comes with, nobody's calls end by it, and nobody else's tokens are forgotten.
    #[test]
    fn room_is_made_by_whoever_needs_it_and_ends_no_calls() {
        let admissions = Admissions::default();
        let now = Utc::now();
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            hash
        };
        let later = now + TimeDelta::hours(1);
        let others = admissions.admit(hash(0), [0; 16], Caller::local("bob"), now + RECHECK);
        // The first to make room: it ends before eve's others.
        let first = admissions.admit(hash(1), [1; 16], Caller::local("eve"), later - TimeDelta::seconds(1));
        for number in 2..MOST + 20 {
            admissions.admit(hash(number), [1; 16], Caller::local("eve"), later);
        }
        admissions.admit(hash(MOST + 20), [2; 16], Caller::local("ann"), now);
        let known = admissions.hashes();
        assert_eq!(known.len(), MOST);
        assert!(known.contains(&hash(0)) && known.contains(&hash(MOST + 20)) && !known.contains(&hash(1)));
        assert!(!others.ended.is_cancelled() && !first.ended.is_cancelled());
        admissions.end_grant(&[0; 16], now);
        assert!(others.ended.is_cancelled(), "a revocation is still noticed");
    }
}
