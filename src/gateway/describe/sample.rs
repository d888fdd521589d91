//! Some rows of a relation, by the way that every query goes: masks and filters hold.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::auth::Caller;
use crate::catalog::Relation;
use crate::gateway::visible::Visible;
use crate::gateway::{CallLimits, DescribeRequest, Gateway, QueryRequest};
use crate::pg::quote_ident;

/// A view may take long; a sample is not worth it.
const LONGEST: Duration = Duration::from_secs(5);
/// Characters of one value.
const VALUE_CHARS: usize = 60;

impl Gateway {
    /// Rows as arrays, in the order of the columns that are described; or why there are none.
    pub(super) async fn sample(
        &self,
        caller: &Caller,
        request: &DescribeRequest,
        visible: &Visible<'_>,
        relation: &Relation,
        cancel: &CancellationToken,
    ) -> Value {
        let columns: Vec<String> =
            visible.columns(relation).map(|column| quote_ident(&column.name)).collect();
        let rows = request.sample_rows;
        let sql = format!("SELECT {} FROM {} LIMIT {rows}", columns.join(", "), relation.name.quoted());
        let limits = CallLimits {
            field_characters: self.limits.field_characters.min(VALUE_CHARS),
            deadline: self.limits.deadline.min(LONGEST),
            ..self.limits.clone()
        };
        let sampling = Self { limits, ..self.clone() };
        let query = QueryRequest {
            sql,
            database: request.database.clone(),
            limit: Some(rows),
            ..QueryRequest::default()
        };
        match Box::pin(sampling.query(caller, query, cancel)).await {
            Ok(output) => serde_json::from_str(output.rows.get()).unwrap_or_default(),
            Err(refusal) => json!({"refused": format!("{}: {}", refusal.sqlstate, refusal.message)}),
        }
    }
}
