//! One replica: its connections, how it stands, and what it has answered.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::marks::System;
use super::standing::{PATIENCE, Standing, standing};
use crate::db::connect::Connector;
use crate::db::pool::Pool;
use crate::db::{ConnectionSettings, DatabaseSettings, error};
use crate::pg::Diagnostic;

/// For its standing, and for looking at a caller's backend from outside.
const CONTROL_CONNECTIONS: usize = 2;
/// One that has said nothing for so long is not waited for by what runs there.
const GIVEN_UP: Duration = Duration::from_secs(5);
/// Between two looks at whether it is given up.
const LOOK: Duration = Duration::from_millis(250);

pub(super) struct Replica {
    /// Its place in the configuration, from 1.
    pub number: usize,
    pub place: String,
    /// For callers' statements.
    pub pool: Pool,
    pub control: Pool,
    heard: Mutex<Heard>,
    pub counts: Counts,
}

struct Heard {
    standing: Standing,
    /// When it last answered.
    at: Instant,
}

/// Statements that were begun here.
#[derive(Default)]
pub(super) struct Counts {
    pub answered: AtomicU64,
    pub failed: AtomicU64,
    /// The primary was asked instead.
    pub passed_on: AtomicU64,
}

impl Replica {
    /// Does not connect.
    pub fn new(
        number: usize,
        connection: &ConnectionSettings,
        settings: &DatabaseSettings,
        tasks: &TaskTracker,
    ) -> Self {
        let connector = Arc::new(Connector::new(connection.clone()));
        let pool = |size| Pool::new(&settings.name, Arc::clone(&connector), size, tasks.clone());
        let (place, heard) = (connection.place(), Heard { standing: Standing::Unknown, at: Instant::now() });
        Self {
            number,
            place,
            pool: pool(settings.pool_size),
            control: pool(CONTROL_CONNECTIONS),
            heard: Mutex::new(heard),
            counts: Counts::default(),
        }
    }

    pub fn standing(&self) -> Standing {
        self.heard().standing.clone()
    }

    /// It said something, though not how it stands: the next look tells.
    pub fn doubt(&self) {
        self.heard().standing = Standing::Unknown;
        self.pool.sweep();
    }

    /// Asks how it stands; says so in the log where that has changed. Without a `system` there is nothing to hold it against.
    pub async fn look(&self, database: &str, system: Option<System>) {
        let Some(system) = system else { return self.doubt() };
        let found = match timeout(PATIENCE, self.asked(&system)).await {
            Ok(Ok(standing)) => standing,
            Ok(Err(error)) => Standing::Silent { message: error.message },
            Err(_) => Standing::Silent { message: "no answer in time".to_owned() },
        };
        let before = {
            let mut heard = self.heard();
            if !matches!(found, Standing::Silent { .. }) {
                heard.at = Instant::now();
            }
            std::mem::replace(&mut heard.standing, found.clone())
        };
        if std::mem::discriminant(&before) == std::mem::discriminant(&found) {
            return;
        }
        let (replica, place) = (self.number, &self.place);
        match found.follows() {
            true => info!(database, replica, "replica `{place}` follows: reads may go there"),
            false => warn!(database, replica, "replica `{place}` is not used: {found}"),
        }
    }

    async fn asked(&self, system: &System) -> Result<Standing, Diagnostic> {
        let mut lease = self.control.lease(PATIENCE).await?;
        let link = lease.link().ok_or_else(error::lost)?;
        let standing = standing(link.client(), system).await.map_err(|e| error::diagnostic(&e))?;
        lease.keep();
        Ok(standing)
    }

    /// Returns when nothing was heard of it for a while.
    pub async fn falls_silent(&self) {
        while self.heard().at.elapsed() < GIVEN_UP {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    pub fn count(count: &AtomicU64) {
        count.fetch_add(1, Relaxed);
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replica({}, {:?})", self.place, self.pool)
    }
}
