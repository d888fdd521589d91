//! Physical standbys that answer reads: which of them may, and what happens where it does not.
//!
//! Everything that is checked on the primary is checked on a replica by the same code. What a replica cannot answer, the
//! primary does; without one that may, all is as if none were configured.

mod answer;
mod marks;
mod replica;
mod standing;
mod watch;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::marks::Marks;
use self::replica::Replica;
use super::knowledge::Known;
use super::pool::{Pool, PoolState};
use super::{DatabaseSettings, Identity};
use crate::catalog::RelationKind;
use crate::sql::Checked;

pub use standing::Standing;
pub(super) use standing::{Needed, PATIENCE, stands};

/// A write whose outcome is not known may still happen for so long.
const UNSURE: Duration = Duration::from_secs(60);

/// The replicas of one database, for all identities.
#[derive(Debug)]
pub(super) struct Replicas {
    database: String,
    /// How old an answer may be.
    limit: Duration,
    all: Vec<Replica>,
    /// `None`: the primary has said nothing yet.
    marks: Mutex<Option<Marks>>,
    /// The last write of this process was over by then.
    wrote: Mutex<Option<Instant>>,
    /// Whose turn it is among equals.
    turn: AtomicUsize,
    watched: AtomicBool,
    nudged: Arc<Notify>,
    closed: CancellationToken,
}

/// What is known of one replica.
#[derive(Clone, Debug, Serialize)]
pub struct ReplicaReport {
    /// Its place in the configuration, from 1.
    pub number: usize,
    /// `host:port/dbname`.
    pub place: String,
    #[serde(flatten)]
    pub standing: Standing,
    /// A read that asks for nothing newer may go there.
    pub used: bool,
    /// How old its answers are, at the most; `None` where that is not known.
    pub lag: Option<Duration>,
    /// Statements that it answered, that failed there, and that the primary was asked for instead.
    pub counts: [(&'static str, u64); 3],
    /// Its connections for callers' statements.
    #[serde(skip)]
    pub pool: PoolState,
}

/// A replica for one statement, and what is needed of it.
struct Chosen<'r> {
    replica: &'r Replica,
    needed: Needed,
}

impl Replicas {
    /// Does not connect; `None` where the configuration has none.
    pub fn new(settings: &DatabaseSettings, tasks: &TaskTracker) -> Option<Arc<Self>> {
        let all = settings.replicas.iter().zip(1..);
        let all: Vec<Replica> =
            all.map(|(connection, number)| Replica::new(number, connection, settings, tasks)).collect();
        let replicas = Self {
            database: settings.name.clone(),
            limit: settings.replica_lag,
            all,
            marks: Mutex::default(),
            wrote: Mutex::default(),
            turn: AtomicUsize::default(),
            watched: AtomicBool::default(),
            nudged: Arc::default(),
            closed: CancellationToken::new(),
        };
        (!replicas.all.is_empty()).then(|| Arc::new(replicas))
    }

    /// From the first call on they are watched.
    pub fn watch(self: &Arc<Self>, primary: &Pool, tasks: &TaskTracker) {
        if !self.watched.swap(true, Relaxed) {
            tasks.spawn(watch::watch(Arc::downgrade(self), primary.clone()));
        }
    }

    /// What is known of each.
    pub fn reports(&self) -> Vec<ReplicaReport> {
        let needed = self.needed(Instant::now().checked_sub(self.limit));
        let report = |replica: &Replica| {
            let standing = replica.standing();
            let lag = match &standing {
                Standing::Follows { replayed } => {
                    self.marks().as_ref().and_then(|marks| marks.age(*replayed))
                }
                Standing::Unknown
                | Standing::Silent { .. }
                | Standing::NoStandby
                | Standing::Stranger
                | Standing::OtherTimeline { .. } => None,
            };
            let used = needed.is_some_and(|needed| standing.meets(&needed));
            let counts = &replica.counts;
            let counts = [
                ("answered", counts.answered.load(Relaxed)),
                ("failed", counts.failed.load(Relaxed)),
                ("passed_on", counts.passed_on.load(Relaxed)),
            ];
            let (number, place, pool) = (replica.number, replica.place.clone(), replica.pool.state());
            ReplicaReport { number, place, standing, used, lag, counts, pool }
        };
        self.all.iter().map(report).collect()
    }

    /// The same, asked now.
    pub async fn examine(&self, primary: &Pool) -> Vec<ReplicaReport> {
        self.look(primary).await;
        self.reports()
    }

    /// A write has been committed.
    pub fn has_written(&self) {
        self.reads_wait_for(Instant::now());
    }

    /// A write may be committed any time now.
    pub fn may_have_written(&self) {
        self.reads_wait_for(Instant::now() + UNSURE);
    }

    fn reads_wait_for(&self, moment: Instant) {
        let mut wrote = self.wrote.lock().unwrap_or_else(PoisonError::into_inner);
        *wrote = (*wrote).max(Some(moment));
        self.nudged.notify_one();
    }

    fn wrote(&self) -> Option<Instant> {
        *self.wrote.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn close(&self) {
        self.closed.cancel();
        for replica in &self.all {
            replica.pool.close();
            replica.control.close();
        }
    }

    /// The replica for a statement, if it may go to one: it knows of everything that was committed before the catalog was
    /// read by which the statement was checked, before the last write, and longer ago than the limit.
    fn choose(&self, identity: &Identity, known: &Known, checked: &Checked) -> Option<Chosen<'_>> {
        if !may_leave(identity, known, checked) {
            return None;
        }
        let since = Instant::now().checked_sub(self.limit).max(self.wrote()).max(Some(known.read));
        let needed = self.needed(since)?;
        let turn = self.turn.fetch_add(1, Relaxed) % self.all.len().max(1);
        let (before, behind) = self.all.split_at_checked(turn)?;
        let free = |replica: &Replica| {
            let state = replica.pool.state();
            (state.in_use < state.size).then_some(state.in_use)
        };
        let fit = behind.iter().chain(before).filter(|replica| replica.standing().meets(&needed));
        let fit = fit.filter_map(|replica| Some((free(replica)?, replica)));
        fit.min_by_key(|(in_use, _)| *in_use).map(|(_, replica)| Chosen { replica, needed })
    }

    fn needed(&self, since: Option<Instant>) -> Option<Needed> {
        self.marks().as_ref()?.needed(since?)
    }

    fn marks(&self) -> MutexGuard<'_, Option<Marks>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not where functions of the database's own run, which may want to write; nor what lies outside of PostgreSQL; nor under
/// a caller's own login, whose password another server need not see.
fn may_leave(identity: &Identity, known: &Known, checked: &Checked) -> bool {
    let ours = match identity {
        Identity::Login | Identity::Role(_) => true,
        Identity::Gate | Identity::Outside | Identity::Own => false,
    };
    let is_outside = |oid: &crate::pg::Oid| {
        let relation = known.catalog.relation_by_oid(*oid);
        relation.is_some_and(|relation| relation.kind == RelationKind::ForeignTable)
    };
    ours && !checked.runs_user_code() && !checked.reach().iter().any(is_outside)
}
