//! Browsers that an operator has shown a token in. The token is sealed under their cookie, looked at anew every few moments,
//! and the session ends with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::auth::server::{Rate, Throttle};
use crate::auth::{Admitted, Authenticator, Caller, ClientAddress, Scope, Verdict};
use crate::store::{MasterKey, Vault};
use crate::web::fault::Fault;
use crate::web::place::random;

/// Without a page that was loaded or a form that was sent. What the page asks by itself is neither.
const IDLE: Duration = Duration::from_secs(60 * 60);
const LASTS: Duration = Duration::from_secs(12 * 60 * 60);
/// How exactly it is known that a token is good.
const VERIFIED: Duration = Duration::from_secs(2);
/// In all, and of one person.
const MOST: usize = 100;
const OF_ONE: usize = 10;
/// Characters of a token that is looked at.
const TOKEN: usize = 8 * 1024;
/// Attempts of one address that cost nothing, and the longest wait behind them. Nobody guesses a token: this is about load.
const FREE: u32 = 10;
const WAIT: TimeDelta = TimeDelta::seconds(10);
/// Refused attempts that are told of, within a minute: of one address, and in all.
const TOLD_OF_ONE: u32 = 20;
const TOLD: u32 = 200;
const MINUTE: TimeDelta = TimeDelta::minutes(1);

pub(super) struct Sessions {
    authenticator: Authenticator,
    throttle: Throttle,
    told_of_one: Rate,
    told: Rate,
    kept: Mutex<HashMap<Key, Kept>>,
}

/// SHA-256 of a cookie's value.
type Key = [u8; 32];

struct Kept {
    operator: Caller,
    sealed: Vec<u8>,
    ended: CancellationToken,
    began: Instant,
    used: Instant,
    verified: Instant,
    /// What the next page says once.
    said: Option<Said>,
}

/// What came of a form.
pub(super) struct Said {
    pub(super) words: String,
    /// It is not as its sender wanted it.
    pub(super) warns: bool,
}

/// What somebody does with their session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Their page asks by itself: that keeps nobody in.
    ByItself,
    Reading,
    /// A form: its token is verified right now.
    Acting,
}

/// Why nobody came in.
pub(super) enum Barred {
    Throttled(Duration),
    NotValid,
    NoAdmin,
    Unavailable,
}

impl Sessions {
    pub(super) fn new(authenticator: Authenticator) -> Self {
        Self {
            authenticator,
            throttle: Throttle::new(FREE, WAIT),
            told_of_one: Rate::new(TOLD_OF_ONE, MINUTE),
            told: Rate::new(TOLD, MINUTE),
            kept: Mutex::default(),
        }
    }

    /// The secret of a new session, and whose it is. Who has a good token waits for nobody else's attempts.
    pub(super) async fn begin(&self, token: &str, from: ClientAddress) -> Result<(String, Caller), Barred> {
        let Admitted { caller, ended } = match self.verify(token, from, true).await {
            Ok(admitted) => admitted,
            Err(Barred::Unavailable) => return Err(Barred::Unavailable),
            Err(barred) => {
                self.throttle.attempt(&from.network(), Utc::now()).map_err(Barred::Throttled)?;
                return Err(barred);
            }
        };
        let secret = random().map_err(|_| Barred::Unavailable)?;
        let key = hash(&secret);
        let sealed =
            vault(&secret).seal(&key, b"token", token.as_bytes()).map_err(|_| Barred::Unavailable)?;
        let now = Instant::now();
        let operator = caller.clone();
        let new = Kept { operator, sealed, ended, began: now, used: now, verified: now, said: None };
        self.keep(key, new);
        Ok((secret, caller))
    }

    /// Whether a refused attempt is told of: somebody who tries without an end fills no log.
    pub(super) fn is_told(&self, from: ClientAddress) -> bool {
        let now = Utc::now();
        self.told_of_one.allows(&from.network(), now) && self.told.allows("", now)
    }

    /// Whose session it is, as `look` asks.
    pub(super) async fn find(
        &self,
        secret: &str,
        from: ClientAddress,
        look: Look,
    ) -> Result<Option<Caller>, Fault> {
        let key = hash(secret);
        let (operator, sealed) = {
            let mut kept = self.kept();
            let Some(session) = kept.get_mut(&key) else { return Ok(None) };
            if session.is_over() {
                kept.remove(&key);
                return Ok(None);
            }
            if look != Look::ByItself {
                session.used = Instant::now();
            }
            if look != Look::Acting && session.verified.elapsed() < VERIFIED {
                return Ok(Some(session.operator.clone()));
            }
            (session.operator.clone(), session.sealed.clone())
        };
        let token = vault(secret).open(&key, b"token", &sealed).map(Zeroizing::new)?;
        let token = std::str::from_utf8(&token).map_err(|_| Fault::unavailable())?;
        match self.verify(token, from, look == Look::Acting).await {
            Ok(Admitted { caller, ended }) if caller.person() == operator.person() => {
                if let Some(session) = self.kept().get_mut(&key) {
                    (session.verified, session.ended) = (Instant::now(), ended);
                }
                Ok(Some(caller))
            }
            // The provider does not answer: not this time, and perhaps the next.
            Err(Barred::Unavailable) => Err(Fault::unavailable()),
            Ok(_) | Err(Barred::NotValid | Barred::NoAdmin | Barred::Throttled(_)) => {
                self.end(secret);
                Ok(None)
            }
        }
    }

    pub(super) fn end(&self, secret: &str) {
        self.kept().remove(&hash(secret));
    }

    /// For the next page of this session.
    pub(super) fn say(&self, secret: &str, said: Said) {
        if let Some(session) = self.kept().get_mut(&hash(secret)) {
            session.said = Some(said);
        }
    }

    pub(super) fn said(&self, secret: &str) -> Option<Said> {
        self.kept().get_mut(&hash(secret))?.said.take()
    }

    /// Without what else opens something: of an operator only the name is needed.
    async fn verify(&self, token: &str, from: ClientAddress, anew: bool) -> Result<Admitted, Barred> {
        let is_one =
            !token.is_empty() && token.len() <= TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_one {
            return Err(Barred::NotValid);
        }
        let verdict = match anew {
            true => self.authenticator.verify_anew(token, Some(from)).await,
            false => self.authenticator.verify(token, Some(from)).await,
        };
        match verdict {
            Verdict::Admitted(admitted) if !admitted.caller.scopes.has(Scope::Admin) => Err(Barred::NoAdmin),
            Verdict::Admitted(admitted) => {
                let Admitted { caller, ended } = *admitted;
                let caller = Caller { login: None, given: <_>::default(), ..caller };
                Ok(Admitted { caller, ended })
            }
            Verdict::Foreign | Verdict::Invalid => Err(Barred::NotValid),
            Verdict::Unavailable => Err(Barred::Unavailable),
        }
    }

    fn keep(&self, key: Key, new: Kept) {
        let mut kept = self.kept();
        kept.retain(|_, session| !session.is_over());
        let own = |session: &Kept| session.operator.person() == new.operator.person();
        while kept.len() >= MOST || kept.values().filter(|session| own(session)).count() >= OF_ONE {
            let full = kept.len() >= MOST;
            let old = kept.iter().filter(|(_, session)| full || own(session));
            let Some(oldest) = old.min_by_key(|(_, session)| session.used).map(|(key, _)| *key) else {
                break;
            };
            kept.remove(&oldest);
        }
        kept.insert(key, new);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_over(&self) -> bool {
        self.ended.is_cancelled() || self.used.elapsed() >= IDLE || self.began.elapsed() >= LASTS
    }
}

fn hash(secret: &str) -> Key {
    Sha256::digest(secret).into()
}

/// Only the cookie opens what is in it.
fn vault(secret: &str) -> Vault {
    let bytes = URL_SAFE_NO_PAD.decode(secret).unwrap_or_default();
    let key = Sha256::new().chain_update(b"pgwarden operations key 1").chain_update(bytes).finalize();
    Vault::new(&MasterKey::new(key.into()), b"pgwarden operations 1")
}
