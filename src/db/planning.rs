//! A session for plans: one connection on which queries are planned, with indexes that exist only there.
//!
//! INVARIANT: a session in which anything was supposed or prepared is never lent to anybody else.

mod hypopg;
mod table_facts;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::time::{Instant, timeout_at};

pub use hypopg::Supposed;
pub(super) use table_facts::read as table_facts;
pub use table_facts::{ColumnFacts, IndexFacts, TableFacts};

use super::database::past_deadline;
use super::envelope::Envelope;
use super::knowledge::Known;
use super::lease::Lease;
use super::locks::{self, Locks, Session};
use super::{Database, Progress, error, planner, pooler};
use crate::pg::{Diagnostic, SqlState};
use crate::policy::PlannerLimits;
use crate::sql::{Explained, IndexDefinition};
use crate::telemetry::trace::DatabaseSpan;

const ROLLBACK: &str = "ROLLBACK";
const ANY_VALUES: &str = "SET LOCAL plan_cache_mode = force_generic_plan";
/// Of the same message, so that it reaches the same session.
const ROLLBACK_AND_FORGET: &str = "ROLLBACK; DEALLOCATE pgwarden_plan";
/// Where the session is ours for a transaction only, it is one that does not end.
const HOLD: &str = "ROLLBACK; BEGIN READ ONLY";
const ROLLBACK_AND_HOLD: &str = "ROLLBACK AND CHAIN";
const ROLLBACK_FORGET_AND_HOLD: &str = "ROLLBACK AND CHAIN; DEALLOCATE pgwarden_plan";

/// Dropped without [`Planning::end`], its connection is closed.
pub struct Planning {
    lease: Lease,
    database: Arc<Database>,
    known: Arc<Known>,
    deadline: Duration,
    ends: Instant,
    /// Something was supposed or prepared in it.
    marked: bool,
}

impl Planning {
    /// Fails where the connection is dead.
    pub(super) async fn begin(
        database: Arc<Database>,
        known: Arc<Known>,
        mut lease: Lease,
        deadline: Duration,
        ends: Instant,
    ) -> Result<Self, Diagnostic> {
        let link = lease.link().ok_or_else(error::lost)?;
        let held = link.is_pooled();
        let start = if held { HOLD } else { ROLLBACK };
        link.client().batch_execute(start).await.map_err(|e| error::diagnostic(&e))?;
        Ok(Self { lease, database, known, deadline, ends, marked: false })
    }

    /// hypopg is installed in this database.
    pub fn can_suppose(&self) -> bool {
        hypopg::schema(&self.known.catalog).is_some()
    }

    /// What is left of its time.
    pub fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// From here on exactly these indexes are supposed to exist, in this session's plans alone. In their order.
    pub async fn suppose(&mut self, indexes: &[IndexDefinition]) -> Result<Vec<Supposed>, Diagnostic> {
        let schema = hypopg::schema(&self.known.catalog)
            .ok_or_else(|| hypopg::missing(self.known.catalog.contents().server_version))?
            .to_owned();
        self.marked = true;
        let (ends, deadline) = (self.ends, self.deadline);
        let link = self.lease.link().ok_or_else(error::lost)?;
        let supposed = timeout_at(ends, hypopg::suppose(link, &schema, indexes)).await;
        supposed.map_err(|_| past_deadline(deadline))?
    }

    /// The plan as EXPLAIN's JSON; where `explained` analyzes, the statement runs, if it is within `limits`.
    pub async fn plan(
        &mut self,
        explained: &Explained,
        limits: Option<&PlannerLimits>,
    ) -> Result<String, Diagnostic> {
        let (ends, deadline) = (self.ends, self.deadline);
        let (name, relations) = (self.database.name(), explained.checked().relations());
        let (span, _) = DatabaseSpan::begin(name, "EXPLAIN", relations);
        let planned = timeout_at(ends, Box::pin(self.planned(explained, limits))).await;
        span.end(match &planned {
            Ok(Ok(_)) => Ok(1),
            Ok(Err(error)) => Err(error.sqlstate),
            Err(_) => Err(SqlState::QUERY_CANCELED),
        });
        let plan = planned.map_err(|_| past_deadline(deadline))?;
        plan.map_err(|error| self.database.explain(error, deadline))
    }

    async fn planned(
        &mut self,
        explained: &Explained,
        limits: Option<&PlannerLimits>,
    ) -> Result<String, Diagnostic> {
        let remaining = self.left();
        self.marked |= explained.prepared().is_some();
        let checked = explained.checked();
        let mut envelope = Envelope::new(
            self.database.settings(),
            self.known.abilities,
            checked.operator_schemas(),
            remaining,
        );
        envelope.set_all(checked.settings());
        let Some(link) = self.lease.link() else { return Err(error::lost()) };
        let client = link.client();
        let mut marked = false;
        let plan = async {
            let begun = envelope.begin(client, checked.text(), &Progress::default()).await;
            let begun = begun.map_err(|e| error::diagnostic(&e))?;
            marked |= pooler::leaves_statements(link, &begun.statement);
            let users = &self.known.users;
            let within = |locks: &Locks, session: &Session| {
                session.check(users)?;
                match checked.runs_user_code() {
                    true => locks.check_reading(),
                    false => locks.check(checked.reach()),
                }
            };
            within(&begun.locks, &begun.session)?;
            if let Some(prepared) = explained.prepared() {
                client.batch_execute(ANY_VALUES).await.map_err(|e| error::diagnostic(&e))?;
                planner::document(client, &prepared, Vec::new()).await.map_err(|e| error::diagnostic(&e))?;
            }
            let ask = async |text: &str| {
                let (plan, locks) =
                    join(planner::document(client, text, Vec::new()), locks::own(client)).await;
                let plan = plan.map_err(|e| error::diagnostic(&e))?;
                let (locks, session) = locks.map_err(|e| error::diagnostic(&e))?;
                within(&locks, &session)?;
                Ok::<String, Diagnostic>(plan)
            };
            match explained.analyzed() {
                None => ask(&explained.text()).await,
                Some(analyzed) => {
                    if let Some(limits) = limits {
                        planner::admit(&ask(&explained.text()).await?, limits)?;
                    }
                    ask(&analyzed).await
                }
            }
        };
        let plan = plan.await;
        let prepared = explained.prepared().is_some();
        let end = match (prepared, link.is_pooled()) {
            (false, false) => ROLLBACK,
            (false, true) => ROLLBACK_AND_HOLD,
            (true, false) => ROLLBACK_AND_FORGET,
            (true, true) => ROLLBACK_FORGET_AND_HOLD,
        };
        if let Err(failed) = client.batch_execute(end).await {
            // PREPARE itself may have failed, and then there is nothing to forget.
            if !prepared || plan.is_ok() || failed.as_db_error().is_none() {
                return Err(error::diagnostic(&failed));
            }
            if link.is_pooled() {
                client.batch_execute(ROLLBACK_AND_HOLD).await.map_err(|e| error::diagnostic(&e))?;
            }
        }
        // What functions of the database's own leave behind, no reset is known to find.
        self.marked |= marked || plan.is_err() || checked.runs_user_code();
        plan
    }

    /// All went well: its connection serves others, if nothing is left in it.
    pub fn end(self) {
        if !self.marked {
            self.lease.end();
        }
    }
}
