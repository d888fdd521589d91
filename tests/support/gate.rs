//! pgwarden's own side of a test database: what `serve` would open, statements checked by the built-in policy and
//! run, and a sink that keeps all it gets.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings, Flow, Ran, RowSink, RunLimits};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, Checked, ProjectedColumn, check};
use tokio_util::sync::CancellationToken;

pub fn gate(url: &str) -> Arc<Database> {
    gate_with(url, |_| {})
}

pub fn gate_with(url: &str, change: impl FnOnce(&mut DatabaseSettings)) -> Arc<Database> {
    let connection = ConnectionSettings::parse(url, &|_| None).unwrap();
    let mut settings = DatabaseSettings::new("test", connection);
    change(&mut settings);
    Database::new(settings)
}

pub fn limits() -> RunLimits {
    RunLimits { rows: 1_000, field_chars: 10_000, deadline: Duration::from_secs(30), planner: None }
}

pub async fn checked(gate: &Arc<Database>, sql: &str) -> Result<Checked, Diagnostic> {
    let catalog = gate.ready().await?;
    check(sql, &CheckContext::new(&catalog, &Policy::builtin()))
}

/// Checks and runs with [`limits`].
pub async fn query(
    gate: &Arc<Database>,
    sql: &str,
    params: &[Option<&str>],
) -> Result<(Page, Ran), Diagnostic> {
    query_within(gate, sql, params, &limits()).await
}

pub async fn query_within(
    gate: &Arc<Database>,
    sql: &str,
    params: &[Option<&str>],
    limits: &RunLimits,
) -> Result<(Page, Ran), Diagnostic> {
    let checked = checked(gate, sql).await?;
    let params: Vec<Option<String>> = params.iter().map(|param| param.map(str::to_owned)).collect();
    let mut page = Page::default();
    let ran = gate.run(checked, &params, limits, &mut page, &CancellationToken::new()).await?;
    Ok((page, ran))
}

/// Keeps columns and rows; stops after `most` rows.
#[derive(Debug, Default)]
pub struct Page {
    pub columns: Vec<ProjectedColumn>,
    pub rows: Vec<Vec<Option<String>>>,
    pub most: Option<usize>,
}

impl Page {
    /// The fields of the only row, `NULL` for NULL.
    pub fn only(&self) -> Vec<&str> {
        assert_eq!(self.rows.len(), 1);
        self.rows[0].iter().map(|field| field.as_deref().unwrap_or("NULL")).collect()
    }
}

impl RowSink for Page {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.to_vec();
        self.rows.clear();
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        if self.most.is_some_and(|most| self.rows.len() >= most) {
            return Flow::Stop;
        }
        self.rows.push(fields.iter().map(|field| field.map(str::to_owned)).collect());
        Flow::Continue
    }
}
