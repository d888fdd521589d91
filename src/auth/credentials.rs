//! Own logins to PostgreSQL that callers give at a page of ours, for tokens that bring none along.
//!
//! A call asks; the person whose call it is gives role and password in their browser; PostgreSQL proves both; then they are
//! sealed for the token that asked. All of it is in the memory of one process: see docs/adr/0019-own-logins-by-url.md.
//!
//! INVARIANT: what is kept opens by the bearer token that asked for it alone, for the same person and client, and is gone
//! when that token ends.

mod asks;
mod bearer;
mod kept;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::server::{AuthorizationServer, Clock, LoginError, Proving, Roles, Unproved};
use super::{Caller, OwnLogin};
use crate::pg::{Diagnostic, SqlState};
use crate::store::Id;
use crate::telemetry::{Authorization, Event, Telemetry};

pub use asks::{AskView, Asked};
pub use bearer::Bearer;

use asks::Asks;
use kept::Kept;

/// What a [`CredentialId`] names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OfCredential {}

/// Names one question for an own login, and its page.
pub type CredentialId = Id<OfCredential>;

/// A login is given again after so long, however long its token lives.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// Endings that a slow listener may fall behind.
const ENDINGS: usize = 256;

/// A database whose callers work under logins of their own.
#[derive(Clone, Debug)]
pub struct Target {
    /// In the configuration.
    pub name: String,
    /// Where it is, for the person to read.
    pub host: String,
    /// Where logins to it are proved.
    pub roles: Arc<dyn Roles>,
}

/// Why no login was taken.
#[derive(Debug)]
pub enum GiveError {
    /// Nothing of that name waits for this person.
    Unknown,
    /// One was given already.
    Given,
    Login(LoginError),
}

/// Of one process. Share it in an `Arc`.
pub struct Credentials {
    targets: BTreeMap<String, Target>,
    issuers: Vec<String>,
    proving: Arc<Proving>,
    here: Bearer,
    state: Mutex<State>,
    endings: broadcast::Sender<Ending>,
    telemetry: Telemetry,
    clock: Clock,
}

#[derive(Default)]
struct State {
    asks: Asks,
    kept: Kept,
}

/// A person has no login to the database any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ending {
    /// As in [`Caller::key`].
    pub person: String,
    pub database: String,
}

/// Another client of the same person is somebody else.
#[derive(Clone, PartialEq, Eq)]
struct Who {
    /// As in [`Caller::key`].
    person: String,
    client_id: Option<String>,
}

impl Credentials {
    /// `issuers` are those whose people can come to the page; see [`Caller::issuer`].
    pub fn new(
        targets: Vec<Target>,
        issuers: Vec<String>,
        telemetry: Telemetry,
        clock: Clock,
    ) -> Result<Self, Diagnostic> {
        Ok(Self {
            issuers,
            targets: targets.into_iter().map(|target| (target.name.clone(), target)).collect(),
            proving: Arc::new(Proving::new(clock.clone())),
            here: Bearer::random()?,
            state: Mutex::default(),
            endings: broadcast::channel(ENDINGS).0,
            telemetry,
            clock,
        })
    }

    /// The same, whose attempts count together with those at the login page of `server`.
    pub fn beside(self, server: &AuthorizationServer) -> Self {
        Self { proving: server.proving(), ..self }
    }

    /// The bearer that stands for whoever needs no token: the one whose client runs this process.
    pub fn here(&self) -> &Bearer {
        &self.here
    }

    /// Tells of each person's last login to a database, once it has ended.
    pub fn endings(&self) -> broadcast::Receiver<Ending> {
        self.endings.subscribe()
    }

    /// Asks for the caller's own login to `database`. `ended` fires when the bearer's token ends. `None`: logins to this
    /// database are not given here, or not by this caller.
    pub fn ask(
        &self,
        caller: &Caller,
        bearer: &Bearer,
        ended: &CancellationToken,
        database: &str,
    ) -> Result<Option<Asked>, Diagnostic> {
        let target = self.targets.get(database).filter(|_| self.issuers.contains(&caller.issuer));
        let Some(target) = target else { return Ok(None) };
        self.state().asks.add(caller, bearer, ended, target, self.clock.now()).map(Some)
    }

    /// What is asked, for the page of this person. `None`: nothing that is theirs.
    pub fn asked(&self, id: CredentialId, person: &str) -> Option<AskView> {
        self.state().asks.view(id, person, self.clock.now())
    }

    /// A question that a call of this caller's has asked before.
    pub fn asked_before(&self, id: CredentialId, caller: &Caller) -> Option<Asked> {
        self.state().asks.again(id, &caller.key(), self.clock.now())
    }

    /// Proves the login, and keeps it for the token that asked. The person is one as in [`Caller::key`].
    pub async fn give(
        self: &Arc<Self>,
        id: CredentialId,
        person: &str,
        role: &str,
        password: Zeroizing<String>,
        address: IpAddr,
    ) -> Result<(), GiveError> {
        let asked = self.asked(id, person).ok_or(GiveError::Unknown)?;
        if asked.is_given {
            return Err(GiveError::Given);
        }
        let target = self.targets.get(&asked.database).ok_or(GiveError::Unknown)?;
        let proved = self.proving.prove(&*target.roles, role, &password, address).await;
        let facts = proved.map_err(|unproved| {
            match &unproved {
                Unproved::Throttled(_) => self.event(&asked, address, Some("throttled")),
                Unproved::Refused(cause) => self.event(&asked, address, Some(cause)),
                Unproved::Unavailable(_) => {}
            }
            GiveError::Login(unproved.into())
        })?;
        self.keep(id, person, &OwnLogin { role: facts.role, password })?;
        self.event(&asked, address, None);
        Ok(())
    }

    /// The logins that this caller has given, by database.
    pub fn open(&self, caller: &Caller, bearer: &Bearer) -> BTreeMap<String, Arc<OwnLogin>> {
        self.state().kept.open(&Who::of(caller), bearer, self.clock.now())
    }

    /// PostgreSQL does not take it any more: it has to be given anew.
    pub fn forget(&self, bearer: &Bearer, database: &str) {
        self.remove(bearer.print(), database, None);
    }

    fn keep(self: &Arc<Self>, id: CredentialId, person: &str, login: &OwnLogin) -> Result<(), GiveError> {
        let now = self.clock.now();
        let mut state = self.state();
        let State { asks, kept } = &mut *state;
        let ask = asks.take(id, person, now)?;
        let print = ask.print;
        let (database, ended) = (ask.database.clone(), ask.ended.clone());
        kept.add(ask, login, now + LONGEST)
            .map_err(|error| GiveError::Login(LoginError::Unavailable(error)))?;
        asks.given(&print, &database);
        drop(state);
        let this = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = tokio::time::sleep(LONGEST) => {}
            }
            if let Some(this) = Weak::upgrade(&this) {
                this.remove(&print, &database, Some(id));
            }
        });
        Ok(())
    }

    fn remove(&self, print: &bearer::Print, database: &str, id: Option<CredentialId>) {
        let ended = self.state().kept.remove(print, database, id);
        if let Some(person) = ended {
            // Nobody needs to listen.
            let _ = self.endings.send(Ending { person, database: database.to_owned() });
        }
    }

    fn event(&self, asked: &AskView, address: IpAddr, cause: Option<&'static str>) {
        self.telemetry.emit(&Event::Authorization(Authorization {
            step: "own_login",
            subject: &asked.subject,
            client_id: asked.client_id.as_deref(),
            address: Some(address),
            refused: cause.is_some(),
            cause,
        }));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Who {
    fn of(caller: &Caller) -> Self {
        Self { person: caller.key(), client_id: caller.client_id.clone() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("targets", &self.targets.keys()).finish_non_exhaustive()
    }
}

fn too_many() -> Diagnostic {
    let message = "too many calls wait for logins";
    let refusal = Diagnostic::refused(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message);
    Diagnostic { retryable: true, ..refusal.rule("limits.own_logins") }.hint("repeat the call in a moment")
}
