//! What Prometheus reads: counts of events, and what there is at the moment of a scrape.
//!
//! Written by hand: it is less than what would have to be said to a library, and both text formats come of one table.

mod family;
mod histogram;
mod page;
mod procfs;
pub mod series;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::{Answer, Authorization, Event, Outcome, Sink, Statement, Stopped};
use crate::pg::SqlState;
use family::Family;
pub use histogram::Histogram;
pub use page::{Format, Page};
use series::Series;

/// A source that does not answer by then is left out of the page.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells what there is when it is asked.
pub trait Source: Send + Sync {
    fn read<'s>(&'s self) -> BoxFuture<'s, Page>;
}

/// Counts events. Where it is not asked for, nothing is counted.
pub struct Metrics {
    families: BTreeMap<&'static str, Family>,
    sources: Mutex<Vec<Arc<dyn Source>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let families = series::ALL.iter().map(|series| (series.name, Family::new(series))).collect();
        Self { families, sources: Mutex::default() }
    }
}

impl Metrics {
    /// Everything, as it is now.
    pub async fn page(&self) -> Page {
        let sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut page = Page::default();
        for source in sources {
            if let Ok(read) = timeout(PATIENCE, source.read()).await {
                page.merge(read);
            }
        }
        for series in series::ALL {
            if let Some(family) = self.families.get(series.name) {
                page.extend(series, family.samples());
            }
        }
        page.set(&series::BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
        procfs::read(&mut page);
        page
    }

    fn count(&self, series: &Series, labels: &[&str]) {
        self.placed(series, |family| family.add(labels, 1.0));
    }

    fn took(&self, series: &Series, labels: &[&str], took: Duration) {
        self.placed(series, |family| family.observe(labels, took.as_secs_f64()));
    }

    fn placed(&self, series: &Series, how: impl FnOnce(&Family) -> bool) {
        let placed = self.families.get(series.name).is_some_and(how);
        if !placed && let Some(lost) = self.families.get(series::LOST.name) {
            lost.add(&[], 1.0);
        }
    }

    fn reloaded(&self, database: &str, kind: &'static str, taken: bool) {
        let result = if taken { "taken" } else { "refused" };
        self.count(&series::RELOADS, &[database, kind, result]);
        if taken {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            self.placed(&series::RELOADED, |family| family.set(&[database, kind], now));
        }
    }
}

impl Sink for Metrics {
    fn watch(&self, source: Arc<dyn Source>) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(source);
    }

    fn take(&self, event: &Event<'_>) {
        match event {
            Event::Decision { database, kind, statement, allowed, rule, took, .. } => {
                let decision = if *allowed { "allow" } else { "deny" };
                self.count(&series::DECISIONS, &[database, kind, decision, rule.unwrap_or_default()]);
                match statement {
                    Statement::Asked(_) | Statement::Checked(_) => {
                        self.took(&series::CHECKS, &[database], *took);
                    }
                    // Nothing was checked: the time is that of the whole call.
                    Statement::Absent => {}
                }
            }
            Event::Run { database, kind, outcome, sqlstate, rows, took, .. } => {
                self.took(&series::STATEMENTS, &[database, kind, word(*outcome)], *took);
                match sqlstate {
                    None => self.observe_rows(database, kind, *rows),
                    Some(sqlstate) => self.count(&series::STATEMENT_ERRORS, &[database, sqlstate.class()]),
                }
            }
            // A write's run is counted; a suspension shows in the refusals.
            Event::Write { .. } | Event::Suspension { .. } | Event::Operator { .. } => {}
            Event::Approval { step, database, .. } => {
                self.count(&series::APPROVALS, &[database, step.word()]);
            }
            Event::Policy { database, fault, .. } => self.reloaded(database, "policy", fault.is_none()),
            Event::SavedQueries { database, fault, .. } => {
                self.reloaded(database, "saved_queries", fault.is_none());
            }
            Event::Reload { database, kind, fault, .. } => self.reloaded(database, kind, fault.is_none()),
            Event::Authorization(Authorization { step, refused, cause, .. }) => {
                let result = if *refused { "refused" } else { "taken" };
                self.count(&series::AUTHORIZATIONS, &[step, result, cause.unwrap_or_default()]);
            }
            Event::Operation { method, tool, answer, sqlstate, took } => {
                self.took(&series::OPERATIONS, &[method, tool, answer.word()], *took);
                if *answer == Answer::ToolError {
                    let sqlstate = SqlState::parse(sqlstate.unwrap_or_default());
                    self.count(&series::TOOL_ERRORS, &[tool, sqlstate.class()]);
                }
            }
            Event::Stopped { database, how } => match how {
                Stopped::ByCaller => self.count(&series::CANCELLATIONS, &[database, "caller"]),
                Stopped::ByOperator => self.count(&series::CANCELLATIONS, &[database, "operator"]),
                Stopped::ByServer => self.count(&series::CANCELLATIONS, &[database, "server"]),
                Stopped::AtDeadline => self.count(&series::TIMEOUTS, &[database]),
            },
            Event::Truncated(limit) => self.count(&series::TRUNCATIONS, &[limit.word()]),
            Event::Http { route, status } => {
                self.count(&series::HTTP_REQUESTS, &[route, &status.to_string()]);
            }
        }
    }
}

impl Metrics {
    #[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
    fn observe_rows(&self, database: &str, kind: &str, rows: u64) {
        self.placed(&series::STATEMENT_ROWS, |family| family.observe(&[database, kind], rows as f64));
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Canceled => "canceled",
        Outcome::Unknown => "unknown",
    }
}
