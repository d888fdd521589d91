//! A few of the rows that a statement changes, as queries of the caller's own show them: masks and filters hold.

use crate::db::{Flow, RowSink, Uncommitted};
use crate::gateway::WriteSample;
use crate::sql::ProjectedColumn;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::asked::Asked;

/// Rows of a sample.
const ROWS: usize = 5;

/// The first rows of RETURNING.
#[derive(Debug, Default)]
pub(super) struct Kept {
    columns: Vec<String>,
    rows: Vec<Value>,
}

impl RowSink for Kept {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.iter().map(|column| column.name.clone()).collect();
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        if self.rows.len() < ROWS {
            self.rows.push(json!(fields));
        }
        Flow::Continue
    }
}

impl Asked {
    pub(super) async fn sample(
        &self,
        _ran: &Uncommitted,
        kept: Kept,
        _cancel: &CancellationToken,
    ) -> Option<WriteSample> {
        (!kept.columns.is_empty()).then(|| WriteSample {
            columns: kept.columns,
            before: None,
            after: Some(Value::Array(kept.rows)),
        })
    }
}
