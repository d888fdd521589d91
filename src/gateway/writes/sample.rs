//! A few of the rows that a statement changes, by their primary keys, as queries of the caller's own show them: masks and
//! filters hold.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::asked::Asked;
use crate::db::{Flow, RowSink, RunLimits, Uncommitted};
use crate::gateway::WriteSample;
use crate::pg::{Diagnostic, quote_ident};
use crate::sql::{self, CheckContext, Checked, ProjectedColumn};

/// Rows of a sample.
const ROWS: usize = 5;
/// Columns of one.
const COLUMNS: usize = 20;
/// Characters of one value.
const VALUE_CHARS: usize = 60;
/// A sample is not worth more.
const LONGEST: Duration = Duration::from_secs(5);

/// The first rows that come.
#[derive(Debug, Default)]
pub(super) struct First {
    columns: Vec<String>,
    rows: Vec<Value>,
}

/// A query for the rows with certain keys.
pub(super) struct ByKey {
    sql: String,
    params: Vec<Option<String>>,
}

impl RowSink for First {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.iter().map(|column| column.name.clone()).collect();
        self.rows.clear();
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        if self.rows.len() < ROWS {
            let short = |text: &str| text.chars().take(VALUE_CHARS).collect::<String>();
            self.rows.push(fields.iter().map(|field| json!(field.map(short))).collect());
        }
        Flow::Continue
    }
}

impl First {
    /// Of a statement that has no rows from before: those of its RETURNING.
    pub(super) fn returned(self) -> Option<WriteSample> {
        let rows = Value::Array(self.rows);
        (!self.columns.is_empty()).then(|| WriteSample {
            columns: self.columns,
            before: None,
            after: Some(rows),
        })
    }
}

impl Asked {
    /// The query for the first of the rows that were there before, where the table has a primary key that is whole in them.
    pub(super) fn by_key(&self, ran: &Uncommitted) -> Option<ByKey> {
        let visible = self.visible();
        let target = visible.relation(self.write.target())?;
        let key = target.keys.iter().find(|key| key.primary)?;
        let columns: Vec<String> =
            visible.columns(target).take(COLUMNS).map(|column| quote_ident(&column.name)).collect();
        let (mut params, mut rows) = (Vec::new(), Vec::new());
        for line in ran.old().split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(ROWS) {
            let old: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(line).ok()?;
            let mut parts = Vec::new();
            for column in &key.columns {
                params.push(Some(scalar(old.get(column)?.get())?));
                parts.push(format!("{} = ${}", quote_ident(column), params.len()));
            }
            rows.push(format!("({})", parts.join(" AND ")));
        }
        let order: Vec<String> = key.columns.iter().map(|column| quote_ident(column)).collect();
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            columns.join(", "),
            target.name.quoted(),
            rows.join(" OR "),
            order.join(", ")
        );
        (!rows.is_empty()).then_some(ByKey { sql, params })
    }

    /// The rows as the statement leaves them.
    pub(super) async fn after(&self, ran: &mut Uncommitted, by_key: &ByKey) -> Result<First, Diagnostic> {
        let (checked, mut first) = (self.checked(by_key)?, First::default());
        let database = &self.served.database;
        ran.query(database, &checked, &by_key.params, &self.sample_limits(), &mut first).await?;
        Ok(first)
    }

    /// The rows as they are, once the statement was undone.
    pub(super) async fn before(
        &self,
        by_key: &ByKey,
        cancel: &CancellationToken,
    ) -> Result<First, Diagnostic> {
        let (checked, mut first) = (self.checked(by_key)?, First::default());
        let database = &self.served.database;
        database.run(checked, &by_key.params, &self.sample_limits(), &mut first, cancel).await?;
        Ok(first)
    }

    fn checked(&self, by_key: &ByKey) -> Result<Checked, Diagnostic> {
        let (catalog, policy, claims) = (&self.catalog, &self.policy, &self.caller.claims);
        sql::check(&by_key.sql, &CheckContext { catalog, policy, claims })
    }

    fn sample_limits(&self) -> RunLimits {
        let rows = u64::try_from(ROWS).unwrap_or(u64::MAX);
        RunLimits { rows, field_chars: VALUE_CHARS, deadline: self.left().min(LONGEST), planner: None }
    }
}

/// Of both, or of the one that there is.
pub(super) fn sample(before: Option<First>, after: Option<First>) -> Option<WriteSample> {
    let columns = before.as_ref().or(after.as_ref())?.columns.clone();
    let rows = |first: First| Value::Array(first.rows);
    Some(WriteSample { columns, before: before.map(rows), after: after.map(rows) })
}

/// A key's value as text; `None` for what is no single value.
fn scalar(json: &str) -> Option<String> {
    match json.chars().next()? {
        '"' => serde_json::from_str(json).ok(),
        '[' | '{' | 'n' => None,
        _ => Some(json.to_owned()),
    }
}
