//! The identities that a database is seen by in this process: so many at the most, and none for longer than it is used.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};

use crate::auth::{Caller, OwnLogin};
use crate::db::Database;
use crate::gateway::share::Shares;
use crate::pg::{Diagnostic, SqlState};

/// How often idle ones are looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// Own logins of one person: roles, and spellings of a password that PostgreSQL takes for the same (RFC 4013).
const OF_ONE: usize = 4;
/// A login that PostgreSQL refused is not tried again before.
const REFUSED: Duration = Duration::from_secs(5);

/// Tells identities apart: a role by its name; an own login by person, role and password, so that nobody comes by
/// connections that another password opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

/// An identity of this database, for one call.
pub(super) struct Seated {
    pub(super) database: Arc<Database>,
    pub(super) shares: Arc<Shares>,
}

#[derive(Debug, Default)]
pub(super) struct Seats {
    most: usize,
    idle: Option<Duration>,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    seats: HashMap<Key, Seat>,
    sweeping: bool,
}

#[derive(Debug)]
struct Seat {
    /// Whose it is; empty for a role.
    person: String,
    database: Arc<Database>,
    shares: Arc<Shares>,
    used: Instant,
    /// When it was first seen to have ended.
    ended: Option<Instant>,
}

/// A password could be guessed by the number.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    pub(super) fn of_role(role: &str) -> Self {
        Self::of(&["role", role])
    }

    pub(super) fn of_login(caller: &Caller, login: &OwnLogin) -> Self {
        Self::of(&["login", &caller.key(), &login.role, &login.password])
    }

    fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl Seats {
    pub(super) fn new(most: usize, idle: Option<Duration>) -> Self {
        Self { most, idle, taken: Mutex::default() }
    }

    /// The identity's seat, or a new one. Where there is no place, the one that was unused for longest gives way.
    pub(super) fn take(
        self: &Arc<Self>,
        key: Key,
        person: &str,
        make: impl FnOnce() -> Arc<Database>,
    ) -> Result<Seated, Diagnostic> {
        let now = Instant::now();
        let mut taken = self.taken();
        if let Some(seat) = taken.seats.get_mut(&key) {
            seat.used = now;
            if !seat.has_ended(now) {
                return Ok(seat.seated());
            }
            if seat.ended.is_some_and(|ended| now.saturating_duration_since(ended) < REFUSED) {
                return Err(ended());
            }
            taken.seats.remove(&key);
        }
        let is_theirs = |seat: &Seat| !person.is_empty() && seat.person == person;
        if taken.seats.values().filter(|seat| is_theirs(seat)).count() >= OF_ONE {
            taken.give_way(is_theirs).ok_or_else(too_many)?;
        }
        if taken.seats.len() >= self.most {
            taken.give_way(|_| true).ok_or_else(|| self.full())?;
        }
        let database = make();
        let shares = Arc::new(Shares::of_one(database.settings().pool_size));
        let seat = Seat { person: person.to_owned(), database, shares, used: now, ended: None };
        let seated = seat.seated();
        taken.seats.insert(key, seat);
        self.sweep_later(&mut taken);
        Ok(seated)
    }

    /// Every database that is seen by some identity now.
    pub(super) fn databases(&self) -> Vec<Arc<Database>> {
        self.taken().seats.values().map(|seat| Arc::clone(&seat.database)).collect()
    }

    /// Ends all seats of a person, and what runs on them.
    pub(super) fn leave(&self, person: &str) {
        let gone: Vec<Seat> =
            self.taken().seats.extract_if(|_, seat| seat.person == person).map(|(_, seat)| seat).collect();
        gone.iter().for_each(|seat| close(&seat.database));
    }

    pub(super) async fn close(&self) {
        let gone: Vec<Seat> = self.taken().seats.drain().map(|(_, seat)| seat).collect();
        join_all(gone.iter().map(|seat| seat.database.close())).await;
    }

    /// One task looks for idle seats while there are any.
    fn sweep_later(self: &Arc<Self>, taken: &mut Taken) {
        let (Some(idle), Ok(runtime)) = (self.idle, tokio::runtime::Handle::try_current()) else { return };
        if std::mem::replace(&mut taken.sweeping, true) {
            return;
        }
        let this = Arc::downgrade(self);
        runtime.spawn(async move {
            while let Some(true) = Weak::upgrade(&this).map(|this| this.sweep(idle)) {
                tokio::time::sleep(SWEEP.min(idle)).await;
            }
        });
    }

    /// Whether there is something left to look at.
    fn sweep(&self, idle: Duration) -> bool {
        let now = Instant::now();
        let mut taken = self.taken();
        let over = |seat: &mut Seat| {
            let unused = now.saturating_duration_since(seat.used);
            !seat.is_in_use() && (unused >= idle || seat.has_ended(now) && unused >= REFUSED)
        };
        let gone: Vec<Seat> = taken.seats.extract_if(|_, seat| over(seat)).map(|(_, seat)| seat).collect();
        gone.iter().for_each(|seat| close(&seat.database));
        taken.sweeping = !taken.seats.is_empty();
        taken.sweeping
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full(&self) -> Diagnostic {
        let message =
            format!("{} people are using this database under their own logins, as many as may", self.most);
        let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
        Diagnostic { retryable: true, ..refusal.rule("limits.own_logins") }
            .hint("repeat the call in a moment")
    }
}

impl Taken {
    /// Of these, the one that was unused for longest is gone; `None` where all are in use.
    fn give_way(&mut self, of: impl Fn(&Seat) -> bool) -> Option<()> {
        let unused = self.seats.iter().filter(|(_, seat)| of(seat) && !seat.is_in_use());
        let longest = unused.min_by_key(|(_, seat)| seat.used).map(|(key, _)| *key)?;
        self.seats.remove(&longest).map(|seat| close(&seat.database))
    }
}

impl Seat {
    fn seated(&self) -> Seated {
        Seated { database: Arc::clone(&self.database), shares: Arc::clone(&self.shares) }
    }

    /// A call holds it.
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.database) > 1
    }

    fn has_ended(&mut self, now: Instant) -> bool {
        if self.database.ended().is_cancelled() && self.ended.is_none() {
            self.ended = Some(now);
            close(&self.database);
        }
        self.ended.is_some()
    }
}

/// Ends what runs; the connections follow, off the caller's path.
fn close(database: &Arc<Database>) {
    database.ended().cancel();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let database = Arc::clone(database);
        runtime.spawn(async move { database.close().await });
    }
}

fn too_many() -> Diagnostic {
    let message = format!("you use this database under {OF_ONE} logins of your own at once, as many as may");
    let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
    Diagnostic { retryable: true, ..refusal.rule("limits.own_logins") }.hint("wait until one of them is done")
}

fn ended() -> Diagnostic {
    Diagnostic::refused(SqlState::INVALID_AUTHORIZATION, "PostgreSQL does not accept your login any more")
        .rule("login.own")
        .hint("log in again at pgwarden's page: the password was changed, or the role may not log in here")
}
