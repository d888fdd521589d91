//! Everything that the operations page shows at one moment. Rows are bounded, however much there is.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::text::Text;
use super::{CallerView, Latency, RecentDecision, RunningView, SessionView, Told, Worded};
use crate::audit::Statements;
use crate::db::PoolState;
use crate::gateway::tasks::Question;
use crate::gateway::{Gateway, Served};
use crate::store::suspensions::Suspension;
use crate::tasks::{State, Task, TaskId};
use crate::telemetry::Statement;

/// Of each kind.
const ROWS: usize = 50;
/// For PostgreSQL's answer, and the store's.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// This process, at one moment; suspensions and queued tasks are those of all replicas over one store.
#[derive(Debug)]
pub struct Snapshot {
    pub at: DateTime<Utc>,
    pub sessions: Vec<SessionView>,
    pub sessions_in_all: usize,
    pub callers: Vec<CallerView>,
    pub callers_in_all: usize,
    pub running: Vec<RunningView>,
    pub running_in_all: usize,
    /// Tasks that wait for their turn, or run in another process.
    pub queued: Vec<QueuedView>,
    /// How many tasks are in each state; `None` where the store does not answer.
    pub tasks: Option<Vec<(State, usize)>>,
    pub suspensions: Vec<Suspension>,
    pub decisions: Vec<Arc<RecentDecision>>,
    pub told: Vec<Told>,
    /// Why what the files hold now was not taken, with the place.
    pub not_taken: Vec<String>,
    pub databases: Vec<DatabaseView>,
    /// Where the audit log cannot be written.
    pub unrecorded: Option<Unrecorded>,
}

/// While the audit log cannot be written, what is done is recorded later, if this process lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unrecorded {
    /// Reads are refused, as writes are.
    pub reads: bool,
}

/// A task that does not run here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedView {
    pub id: TaskId,
    pub issuer: String,
    pub subject: String,
    pub client: Option<String>,
    /// `None` of what is no one statement.
    pub database: Option<String>,
    pub state: State,
    pub statement: Worded,
    pub waits_for: Duration,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatabaseView {
    pub name: String,
    /// How long PostgreSQL took to answer, or why it did not.
    pub answer: Result<Duration, String>,
    /// By name.
    pub pools: Vec<(String, PoolState)>,
    pub latency: Latency,
    pub policies: Vec<PolicyView>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyView {
    /// `None`: whatever the login may read.
    pub file: Option<String>,
    pub version: String,
}

impl Gateway {
    /// Waits for PostgreSQL and for the store, but not for long.
    pub async fn snapshot(&self) -> Snapshot {
        let operations = &self.operations;
        let (sessions, sessions_in_all) =
            operations.connected.get().map(|connected| connected.sessions(ROWS)).unwrap_or_default();
        let recent = operations.recent.get();
        let mut callers = recent.map(|recent| recent.callers()).unwrap_or_default();
        let callers_in_all = callers.len();
        callers.truncate(ROWS);
        let statements = self.statements_shown();
        let (mut running, running_in_all) = operations.running.views(ROWS, statements);
        let here = self.desk.query_ids();
        running.iter_mut().for_each(|view| view.is_task = here.values().any(|id| **id == *view.query_id));
        let databases = join_all(self.served.iter().map(|served| self.database_view(served)));
        let (databases, (queued, tasks)) = tokio::join!(databases, self.queued(here));
        Snapshot {
            at: Utc::now(),
            sessions,
            sessions_in_all,
            callers,
            callers_in_all,
            running,
            running_in_all,
            queued,
            tasks,
            suspensions: self.suspensions.current(),
            decisions: recent.map(|recent| recent.decisions()).unwrap_or_default(),
            told: recent.map(|recent| recent.told()).unwrap_or_default(),
            not_taken: self.faults_told(),
            databases,
            unrecorded: self.unrecorded(),
        }
    }

    /// Whether what is done now is recorded only later, and perhaps never.
    fn unrecorded(&self) -> Option<Unrecorded> {
        let reads = self.telemetry.may_read().is_err();
        self.telemetry.may_write().is_err().then_some(Unrecorded { reads })
    }

    fn statements_shown(&self) -> Statements {
        self.operations.recent.get().map_or(Statements::None, |recent| recent.statements())
    }

    /// Of each database: its name and the files of its policies.
    pub fn policy_files(&self) -> Vec<(String, Vec<String>)> {
        let files = |served: &Served| {
            let paths = served.policies.iter().filter_map(|source| source.path());
            paths.map(|path| path.display().to_string()).collect()
        };
        self.served.iter().map(|served| (served.name().to_owned(), files(served))).collect()
    }

    async fn queued(&self, here: BTreeMap<TaskId, String>) -> (Vec<QueuedView>, Option<Vec<(State, usize)>>) {
        let asked = async {
            let store = self.desk.store();
            tokio::try_join!(store.open(ROWS), store.states())
        };
        let Ok(Ok((open, states))) = timeout(PATIENCE, asked).await else { return (Vec::new(), None) };
        let here: HashSet<TaskId> = here.into_keys().collect();
        let statements = self.statements_shown();
        let others = open.iter().filter(|task| !here.contains(&task.id));
        let only = match &*self.served {
            [only] => Some(only.name()),
            _ => None,
        };
        (others.map(|task| queued_view(task, only, statements)).collect(), Some(states))
    }

    async fn database_view(&self, served: &Served) -> DatabaseView {
        let answer = match timeout(PATIENCE, Box::pin(served.database.answers())).await {
            Ok(Ok(took)) => Ok(took),
            Ok(Err(error)) => Err(error.message),
            Err(_) => Err(format!("no answer within {PATIENCE:?}")),
        };
        let mut pools: BTreeMap<&str, PoolState> = BTreeMap::new();
        let own = served.own_logins();
        let logins = served.logins();
        let of = |name, login: &Arc<crate::db::Database>| login.pools().map(|(_, state, _)| (name, state));
        let all = served.database.pools().map(|(name, state, _)| (name, state)).into_iter();
        let others = logins.iter().skip(1).flat_map(|login| of("other logins", login));
        let own = own.iter().flat_map(|login| of("own logins", login));
        for (name, more) in all.chain(others).chain(own) {
            let state = pools.entry(name).or_default();
            state.size += more.size;
            state.open += more.open;
            state.in_use += more.in_use;
            state.waiting += more.waiting;
        }
        let policies = served.policies.iter().map(|source| PolicyView {
            file: source.path().map(|path| path.display().to_string()),
            version: source.pin().policy().version().to_owned(),
        });
        let recent = self.operations.recent.get();
        DatabaseView {
            name: served.name().to_owned(),
            answer,
            pools: pools.into_iter().map(|(name, state)| (name.to_owned(), state)).collect(),
            latency: recent.map(|recent| recent.latency(served.name())).unwrap_or_default(),
            policies: policies.collect(),
        }
    }
}

fn queued_view(task: &Task, only: Option<&str>, statements: Statements) -> QueuedView {
    let question = Question::from_text(&task.question).ok();
    let worded = |question: &Question| {
        Text::new(&Statement::Asked(&question.request.sql), statements).worded().clone()
    };
    QueuedView {
        id: task.id,
        issuer: task.owner.issuer.clone(),
        subject: task.owner.subject.clone(),
        client: question.as_ref().and_then(|question| question.caller.client.clone()),
        database: question
            .as_ref()
            .and_then(|asked| asked.request.database.clone())
            .or(only.map(str::to_owned)),
        state: task.state,
        statement: question.as_ref().map_or(Worded::Unreadable, worded),
        waits_for: (Utc::now() - task.created_at).to_std().unwrap_or_default(),
    }
}
