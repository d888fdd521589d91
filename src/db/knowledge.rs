//! What is known of the database: the start-up checks' outcome and the catalog snapshot, kept and renewed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use super::envelope::Abilities;
use super::identity::Users;
use super::introspect::{self, Facts, Introspected, Moment};
use super::lease::Lease;
use super::link::Link;
use super::login::{self, Attributes, Examination, LOGIN};
use super::pool::Pool;
use super::{DatabaseSettings, Identity, error, pooler};
use crate::catalog::{Catalog, Rights};
use crate::pg::{Diagnostic, SqlState};

/// Around connecting, the checks and reading the catalog.
const LIMIT: Duration = Duration::from_secs(45);
/// Around asking for the catalog's version: small questions, at which others wait.
const ASKING: Duration = Duration::from_secs(10);
/// Between two looks at whether the catalog changed, while callers go on with the last snapshot.
const LOOK: Duration = Duration::from_secs(1);
/// Looking may take this part of the time: callers who wait for a look wait for their turn.
const LOOKING_PART: u32 = 5;
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
/// Of reading the catalog, while it changes.
const ATTEMPTS: usize = 3;
const ROLLBACK: &str = "ROLLBACK";
const CONNECTION_CHECK: &str =
    "SELECT pg_catalog.set_config('client_connection_check_interval', '1000', TRUE)";

pub(super) struct Known {
    pub catalog: Arc<Catalog>,
    pub examination: Examination,
    pub users: Users,
    pub abilities: Abilities,
    /// From before the catalog was read.
    pub read: Instant,
    version: String,
}

/// What commands that serve nobody want to know.
#[derive(Debug)]
pub struct Inspection {
    pub catalog: Catalog,
    /// `None` where there is no such role.
    pub rights: Option<Rights>,
}

#[derive(Default)]
pub(super) struct Knowledge {
    last: ArcSwapOption<Known>,
    /// Held while reading, so that many callers make one read.
    reading: tokio::sync::Mutex<Failures>,
    looked: Mutex<Looked>,
    /// How often the catalog was read.
    loads: watch::Sender<u64>,
}

#[derive(Clone, Copy, Default)]
struct Looked {
    /// When the last look was over.
    at: Option<Instant>,
    took: Duration,
    /// When somebody was told to look.
    told: Option<Instant>,
}

#[derive(Default)]
struct Failures {
    last: Option<(Instant, Diagnostic)>,
    backoff: Duration,
}

impl Knowledge {
    pub fn last(&self) -> Option<Arc<Known>> {
        self.last.load_full()
    }

    /// How often the catalog was read, from now on.
    pub fn loads(&self) -> watch::Receiver<u64> {
        self.loads.subscribe()
    }

    pub fn compared_in(&self) -> Duration {
        self.looked().took
    }

    /// Whether it is time to ask for the catalog's version again; says so to one caller.
    pub fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = LOOK.max(looked.took * LOOKING_PART);
        let due = looked.at.max(looked.told).is_none_or(|at| at.elapsed() >= gap);
        if due {
            looked.told = Some(Instant::now());
        }
        due
    }

    fn looked(&self) -> Looked {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_looked(&self, started: Instant) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) =
            Looked { at: Some(Instant::now()), took: started.elapsed(), told: None };
    }

    /// Runs the start-up checks and reads the catalog, or answers with the last failure while its backoff lasts.
    pub async fn first(&self, control: &Pool, settings: &DatabaseSettings) -> Result<Arc<Known>, Diagnostic> {
        let mut failures = self.reading.lock().await;
        if let Some(known) = self.last() {
            return Ok(known);
        }
        if let Some((at, failure)) = &failures.last
            && at.elapsed() < failures.backoff
        {
            return Err(failure.clone());
        }
        match self.load(control, settings).await {
            Ok(known) => {
                *failures = Failures::default();
                Ok(known)
            }
            Err(failure) => {
                failures.backoff = (failures.backoff * 2).clamp(FIRST_BACKOFF, LONGEST_BACKOFF);
                failures.last = Some((Instant::now(), failure.clone()));
                warn!(database = %settings.name, sqlstate = failure.sqlstate.as_str(), "database `{}` is not ready: {}", settings.name, failure.message);
                Err(failure)
            }
        }
    }

    /// Asks whether the catalog changed, unless somebody just did, and reads it again if so.
    pub async fn refresh(
        &self,
        control: &Pool,
        settings: &DatabaseSettings,
    ) -> Result<Arc<Known>, Diagnostic> {
        let Some(known) = self.last() else { return self.first(control, settings).await };
        let asked = Instant::now();
        let _reading = self.reading.lock().await;
        let looked = self.looked();
        if let Some(at) = looked.at {
            // Somebody else looked while we waited for them: what they saw is new enough.
            if at >= asked {
                return Ok(self.last().unwrap_or(known));
            }
            tokio::time::sleep_until(at + looked.took * LOOKING_PART).await;
        }
        let started = Instant::now();
        let version = within(ASKING, async {
            let mut lease = control.lease(ASKING).await?;
            let link = lease.link().ok_or_else(error::lost)?;
            let version = introspect::version(link.client(), &settings.identity).await?;
            lease.end();
            Ok(version)
        })
        .await?;
        self.has_looked(started);
        let known = self.last().unwrap_or(known);
        if version == known.version { Ok(known) } else { self.load(control, settings).await }
    }

    /// What is cheap to know: whether anything can have changed.
    pub async fn moment(&self, control: &Pool) -> Result<Moment, Diagnostic> {
        within(ASKING, async {
            let mut lease = control.lease(ASKING).await?;
            let link = lease.link().ok_or_else(error::lost)?;
            let moment = introspect::moment(link.client()).await?;
            lease.keep();
            Ok(moment)
        })
        .await
    }

    /// Reads the catalog whatever its version is.
    pub async fn reread(
        &self,
        control: &Pool,
        settings: &DatabaseSettings,
    ) -> Result<Arc<Known>, Diagnostic> {
        let _reading = self.reading.lock().await;
        self.load(control, settings).await
    }

    /// What is true of the login now.
    pub async fn examine(
        &self,
        control: &Pool,
        settings: &DatabaseSettings,
    ) -> Result<Examination, Diagnostic> {
        within(LIMIT, async {
            let mut lease = control.lease(LIMIT).await?;
            let link = lease.link().ok_or_else(error::lost)?;
            let facts = introspect::facts(link.client(), &settings.identity).await?;
            let examination = examination(link, &facts, &settings.identity).await?;
            lease.end();
            Ok(examination)
        })
        .await
    }

    /// Everything about the database and a role's rights in it, as it is now. Accepts any login: nothing is served.
    pub async fn inspect(
        &self,
        control: &Pool,
        settings: &DatabaseSettings,
        role: Option<&str>,
        builtins: &[&str],
    ) -> Result<Inspection, Diagnostic> {
        within(LIMIT, async {
            let mut lease = control.lease(LIMIT).await?;
            let link = lease.link().ok_or_else(error::lost)?;
            let read =
                introspect::introspect(link.client(), &settings.identity, settings.search_path.as_deref())
                    .await?;
            let rights = introspect::rights(link.client(), role, builtins).await?;
            lease.end();
            Ok(Inspection { catalog: read.catalog, rights })
        })
        .await
    }

    async fn load(&self, control: &Pool, settings: &DatabaseSettings) -> Result<Arc<Known>, Diagnostic> {
        let started = Instant::now();
        let known = within(LIMIT, async {
            let (mut lease, read) = read(control, settings).await?;
            let link = lease.link().ok_or_else(error::lost)?;
            let examination = examination(link, &read.facts, &settings.identity).await?;
            let connection_check = connection_check(link).await?;
            lease.end();
            let users = settings.identity.users(&read.facts)?;
            login::accept(&examination, &settings.accepted, &settings.identity)?;
            Ok(known(read, examination, users, connection_check, started))
        })
        .await
        .map_err(|failure| settings.identity.explain(failure))?;
        info!(
            database = %settings.name,
            relations = known.catalog.relations().len(),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "catalog of `{}` read", settings.name
        );
        let known = Arc::new(known);
        self.last.store(Some(Arc::clone(&known)));
        // A snapshot is a look as well, though how long it took says nothing of one.
        self.has_looked(Instant::now());
        self.loads.send_modify(|loads| *loads = loads.wrapping_add(1));
        Ok(known)
    }
}

impl std::fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Knowledge({})", if self.last().is_some() { "ready" } else { "none" })
    }
}

/// Reads anew where something was dropped behind the snapshot: PostgreSQL's own functions look at what is.
async fn read(control: &Pool, settings: &DatabaseSettings) -> Result<(Lease, Introspected), Diagnostic> {
    let mut attempt = 1;
    loop {
        let mut lease = control.lease(LIMIT).await?;
        let link = lease.link().ok_or_else(error::lost)?;
        let path = settings.search_path.as_deref();
        match introspect::introspect(link.client(), &settings.identity, path).await {
            Ok(read) => return Ok((lease, read)),
            Err(torn) if torn.sqlstate == SqlState::INTERNAL_ERROR && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

fn known(
    read: Introspected,
    examination: Examination,
    users: Users,
    connection_check: bool,
    started: Instant,
) -> Known {
    let abilities = Abilities { version: read.facts.server_version_num, connection_check };
    let catalog = Arc::new(read.catalog);
    Known { catalog, examination, users, abilities, read: started, version: read.version }
}

/// Runs in the transaction that introspection opened, with its search_path and its role.
async fn examination(link: &Link, facts: &Facts, identity: &Identity) -> Result<Examination, Diagnostic> {
    let mut examination = login::examine(
        facts,
        &attributes(link).await?,
        link.local_port(),
        link.is_pooled().then_some(pooler::SEEN),
    );
    if *identity == Identity::Gate {
        login::gate::examine(link.client(), &mut examination).await?;
    }
    Ok(examination)
}

async fn attributes(link: &Link) -> Result<Attributes, Diagnostic> {
    let row = link.client().query_typed_one(LOGIN, &[]).await.map_err(|e| error::diagnostic(&e))?;
    let text: String = row.try_get(0).map_err(|e| error::diagnostic(&e))?;
    serde_json::from_str(&text).map_err(|_| {
        Diagnostic::connection(SqlState::INTERNAL_ERROR, "the login's attributes cannot be read")
    })
}

/// Some operating systems cannot tell PostgreSQL that a client is gone.
async fn connection_check(link: &Link) -> Result<bool, Diagnostic> {
    link.client().batch_execute(ROLLBACK).await.map_err(|e| error::diagnostic(&e))?;
    match link.client().query_typed(CONNECTION_CHECK, &[]).await {
        Ok(_) => Ok(true),
        Err(refused) if refused.as_db_error().is_some() => Ok(false),
        Err(failed) => Err(error::diagnostic(&failed)),
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Diagnostic>>,
) -> Result<T, Diagnostic> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Diagnostic::connection(
            SqlState::CANNOT_CONNECT_NOW,
            format!("PostgreSQL did not answer within {} s", limit.as_secs()),
        ))
    })
}
