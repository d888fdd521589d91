//! One use case per file. Knows neither JSON-RPC nor a SQL library.

mod about;
mod admission;
mod approvals;
mod caching;
mod completion;
mod database_health;
mod deadline;
mod describe;
mod found;
mod gauges;
mod health;
mod identities;
mod investigation;
pub(crate) mod invisible;
pub mod layout;
mod looks;
pub mod matrix;
mod notes;
mod operations;
mod output;
mod page;
mod policies;
mod query;
mod reload;
mod request;
mod resource_uri;
mod resources;
mod routines;
mod saved;
mod search_objects;
mod served;
mod share;
#[cfg(test)]
mod shop;
mod stopped;
mod suspended;
mod tasks;
mod tool_groups;
mod top_queries;
mod tuning;
mod visible;
mod watch;
mod world;
mod writes;

use std::sync::Arc;

pub use approvals::{ApprovalView, Decided, Decision, ExecuteRequest, Executed, unknown_approval};
pub use completion::{Completing, Completion, Wanted};
pub use found::{DocumentFault, Documents, FoundDocument, FoundResult, FoundResults, Matching, found_in};
pub use health::Health;
pub use identities::{OwnLogins, RunAs};
pub use investigation::{as_data, printed};
pub use notes::{Notes, NotesError, NotesSource};
pub use operations::{
    Acted, CallerView, Connected, DatabaseView, Latency, PolicyView, QueuedView, Recent, RecentDecision,
    RunningView, SessionView, Snapshot, Stoppable, Told, Trial, TrialRequest, Tried, Unrecorded, Worded,
    cost,
};
#[doc(hidden)]
pub use output::encoded;
pub use policies::{Pinned, Policies, PolicySource, When};
pub use query::Patience;
pub use reload::{Fault as ReloadFault, Kind as ReloadKind, Proposal, texts_of};
pub use request::{
    Advice, AdviseRequest, Asked, ColumnHeader, DescribeRequest, Described, ExplainOutput, ExplainRequest,
    Format, HealthReport, HealthRequest, QueryOutput, QueryRequest, SavedRun, SchemaResource, SearchDetail,
    SearchOutput, SearchRequest, TaskView, TopQueries, TopQueriesRequest,
};
pub use resources::Shown;
pub use saved::{Parameter, Saved, SavedFault, SavedQueries, SavedQuery, SavedSource, ScalarType};
pub use served::{CallLimits, Served};
pub(crate) use tasks::digest_of;
pub use tasks::{Cancelled, Changes, Working};
pub use tuning::Steps;
pub use watch::Watch;
pub use world::Live;
pub use writes::{PreparedFacts, PreparedWrite, WritePreview, WriteRequest, WriteSample, Written};

use admission::Admission;
use operations::Operations;
use tasks::Desk;
use watch::Stir;
use world::{World, Worlds};

use crate::approvals::{ApprovalStore, MemoryApprovals};
use crate::pg::{Diagnostic, SqlState};
use crate::store::before::BeforeImages;
use crate::store::suspensions::Suspensions;
use crate::tasks::{Holder, MemoryStore, Store, TaskId, TaskSettings};
use crate::telemetry::Telemetry;

/// What the tools and resources stand on. Cheap to clone; holds no state of a call, and one version of the configuration:
/// that of the request that it is for.
#[derive(Clone, Debug)]
pub struct Gateway {
    served: Arc<[Served]>,
    limits: CallLimits,
    telemetry: Telemetry,
    admission: Arc<Admission>,
    desk: Arc<Desk>,
    stir: Arc<Stir>,
    before: Option<Arc<BeforeImages>>,
    approvals: Arc<dyn ApprovalStore>,
    search_and_fetch: bool,
    suspensions: Arc<Suspensions>,
    worlds: Arc<Worlds>,
    operations: Arc<Operations>,
}

impl Gateway {
    /// `served` in the order in which they are listed.
    pub fn new(served: Vec<Served>, limits: CallLimits, telemetry: Telemetry) -> Self {
        let settings = TaskSettings::default();
        let store = Arc::new(MemoryStore::new(settings.clone()));
        let desk = Arc::new(Desk::new(store, settings, Holder(TaskId::from_bytes([0; 16]))));
        let served: Arc<[Served]> = served.into();
        let world = World { served: Arc::clone(&served), limits: limits.clone(), search_and_fetch: false };
        Self {
            served,
            limits,
            telemetry,
            admission: Arc::default(),
            desk,
            stir: Arc::default(),
            before: None,
            approvals: Arc::new(MemoryApprovals::default()),
            search_and_fetch: false,
            suspensions: Arc::default(),
            worlds: Worlds::of(world),
            operations: Arc::default(),
        }
        .with_suspensions(Arc::default())
    }

    /// Keeps tasks in `store`, as `holder`: a name that no other process has.
    pub fn with_tasks(self, store: Arc<dyn Store>, settings: TaskSettings, holder: Holder) -> Self {
        Self { desk: Arc::new(Desk::new(store, settings, holder)), ..self }
    }

    /// Keeps approvals in `store`.
    pub fn with_approvals(self, store: Arc<dyn ApprovalStore>) -> Self {
        Self { approvals: store, ..self }
    }

    /// Where events go.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// The names that `database` may take in a request.
    pub fn databases(&self) -> Vec<String> {
        self.served.iter().map(|served| served.name().to_owned()).collect()
    }

    /// Every database has passed its start-up checks, or the first finding.
    pub async fn ready(&self) -> Result<(), Diagnostic> {
        for login in self.served.iter().flat_map(Served::logins) {
            Box::pin(login.ready()).await?;
        }
        Ok(())
    }

    /// The database that a request names, or the only one.
    /// Every call that is about one comes by here: where nothing goes without its record, none does now.
    fn served(&self, name: Option<&str>) -> Result<&Served, Diagnostic> {
        self.telemetry.may_read()?;
        match (name, &*self.served) {
            (None, [only]) => Ok(only),
            (None, _) => {
                let message = "several databases are served and the call names none";
                let hint = format!("set `database` to one of {}", self.shown_databases());
                Err(Diagnostic::refused(SqlState::INVALID_PARAMETER_VALUE, message).hint(hint))
            }
            (Some(name), all) => all.iter().find(|served| served.name() == name).ok_or_else(|| {
                let message = format!("database `{name}` does not exist");
                let hint = format!("`database` is one of {}", self.shown_databases());
                Diagnostic::refused(SqlState::UNDEFINED_DATABASE, message).hint(hint)
            }),
        }
    }

    fn shown_databases(&self) -> String {
        self.databases().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}
