//! pgwarden's own side of a test database: what `serve` would open, and a sink that keeps all it gets.

use std::sync::Arc;

use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings, Flow, RowSink};
use pgwarden::sql::ProjectedColumn;

pub fn gate(url: &str) -> Arc<Database> {
    gate_with(url, |_| {})
}

pub fn gate_with(url: &str, change: impl FnOnce(&mut DatabaseSettings)) -> Arc<Database> {
    let connection = ConnectionSettings::parse(url, &|_| None).unwrap();
    let mut settings = DatabaseSettings::new("test", connection);
    change(&mut settings);
    Database::new(settings)
}

/// Keeps columns and rows; stops after `most` rows.
#[derive(Debug, Default)]
pub struct Page {
    pub columns: Vec<ProjectedColumn>,
    pub rows: Vec<Vec<Option<String>>>,
    pub most: Option<usize>,
}

impl RowSink for Page {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.to_vec();
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        if self.most.is_some_and(|most| self.rows.len() >= most) {
            return Flow::Stop;
        }
        self.rows.push(fields.iter().map(|field| field.map(str::to_owned)).collect());
        Flow::Continue
    }
}
