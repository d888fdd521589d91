//! The tool `advise_indexes`: which indexes would make a workload cheaper. The method is that of docs/adr/0016: candidates
//! from the queries' trees, what-if costs, a greedy search that can stop at any time.

mod candidates;
mod costs;
mod existing;
mod model;
mod report;
mod search;
mod workload;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::hypothetical;
use super::session::Session;
use crate::auth::Caller;
use crate::gateway::{Advice, AdviseRequest, Gateway};
use crate::pg::Diagnostic;
use costs::Costs;
use existing::Tables;
use search::{Budget, Search};

/// Of the time, kept for the answer.
const LAST: Duration = Duration::from_millis(500);

/// How far the search is, for whoever looks on.
#[derive(Debug, Default)]
pub struct Steps {
    plans: AtomicU64,
    candidates: AtomicU64,
}

impl Steps {
    pub fn words(&self) -> String {
        let (plans, candidates) = (self.plans.load(Relaxed), self.candidates.load(Relaxed));
        format!("{plans} plans made, {candidates} candidate indexes")
    }

    fn planned(&self) {
        self.plans.fetch_add(1, Relaxed);
    }
}

impl Gateway {
    /// Proposes indexes within `time`: what was found until then is the answer.
    pub async fn advise_indexes(
        &self,
        caller: &Caller,
        request: AdviseRequest,
        time: Duration,
        steps: &Steps,
        cancel: &CancellationToken,
    ) -> Result<Advice, Diagnostic> {
        let started = Instant::now();
        let session = Session::begin(self, caller, request.database.as_deref(), cancel).await?;
        let work = async {
            let left = session.left().min(time.saturating_sub(started.elapsed()));
            let ends = Instant::now() + left.saturating_sub(LAST);
            let mut workload = workload::read(&session, &request.statements).await?;
            let visible = session.visible();
            let tables = Tables::read(&session, &visible, &workload).await?;
            let planner = session.planner(cancel).await?;
            let mut costs = Costs::new(planner, steps, &tables);
            workload.plan(&mut costs).await?;
            let found = candidates::of(&workload, &tables, costs.can_suppose());
            steps.candidates.store(u64::try_from(found.len()).unwrap_or(u64::MAX), Relaxed);
            let spread = found.into_iter().filter_map(|definition| {
                let relation = visible.relation(&definition.relation)?;
                hypothetical::spread(definition, relation, &visible).ok()
            });
            let budget =
                Budget { bytes: request.megabytes.map(|megabytes| megabytes.saturating_mul(1 << 20)), ends };
            let mut search = Search::new(&workload, spread.collect(), budget);
            search.run(&mut costs).await?;
            let method = costs.method();
            costs.end();
            Ok(report::report(&search, &workload, &tables, method, &session))
        };
        session.run(work, cancel).await.map(Advice)
    }
}
