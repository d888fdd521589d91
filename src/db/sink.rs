//! Where rows go while they stream, and what a run leaves behind.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use serde::{Deserialize, Serialize};

use crate::pg::Diagnostic;
use crate::policy::PlannerLimits;
use crate::sql::ProjectedColumn;

/// Takes rows one by one as they arrive; holds at most its own budget.
pub trait RowSink: Send {
    /// Called before the first row. Called again, the rows so far are void, and others come from the start: only before the
    /// first [`Self::flush`], and only in [`super::Database::run_watched`].
    fn begin(&mut self, columns: &[ProjectedColumn]);

    /// One row: one text per column, `None` for NULL. A field longer than [`RunLimits::field_chars`] characters was
    /// cut: it has exactly one character more. See [`crate::sql::Extent`] for the exceptions. `Stop` ends the query
    /// in PostgreSQL; the row that answered `Stop` was not taken.
    fn row(&mut self, fields: &[Option<&str>]) -> Flow;

    /// Everything that the rows so far have touched is within what was checked: they may be used, though the run goes
    /// on. Called after a row that answered `Flush`; no row comes before it is done. `Stop` as for a row.
    fn flush(&mut self) -> BoxFuture<'_, Flow> {
        std::future::ready(Flow::Continue).boxed()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    Continue,
    /// The row was taken; those so far are wanted before the run has ended.
    Flush,
    Stop,
}

/// The bounds of one run.
#[derive(Clone, PartialEq, Debug)]
pub struct RunLimits {
    /// Rows that the sink may get.
    pub rows: u64,
    /// Characters of one field; longer ones arrive cut.
    pub field_chars: usize,
    /// From the start of the run to its end, waiting for a connection included; also PostgreSQL's
    /// `statement_timeout`. Past it the backend is cancelled (SQLSTATE 57014).
    pub deadline: Duration,
    /// What the planner may expect of the statement.
    pub planner: Option<PlannerLimits>,
}

/// Why a result is not whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// There is at least one row more than [`RunLimits::rows`].
    Rows,
    /// The sink stopped.
    Sink,
}

/// A run that ended well.
#[derive(Clone, PartialEq, Debug)]
pub struct Ran {
    pub rows: u64,
    pub truncated: Option<Truncation>,
    /// NOTICEs and WARNINGs that PostgreSQL sent meanwhile.
    pub notices: Vec<Diagnostic>,
}
