//! A log's lines, from where it is kept.

use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::rotation::aside;
use crate::db::ConnectionSettings;
use crate::db::fixed::{Fixed, Value};
use crate::pg::Diagnostic;
use crate::store::{fault, migrate};

const LINES: &str = include_str!("store/lines.sql");

/// The log in a store, for reading.
#[derive(Debug)]
pub struct AuditStore(Fixed);

impl AuditStore {
    pub async fn open(connection: ConnectionSettings) -> Result<Self, Diagnostic> {
        let fixed = Fixed::new("the store", connection, 1);
        migrate::check(&fixed).await?;
        Ok(Self(fixed))
    }

    /// Up to 1,000 lines behind the record `after`, each with its number.
    pub async fn lines(&self, after: i64) -> Result<Vec<(i64, String)>, Diagnostic> {
        let records = self.0.read(LINES, &[Value::Int(after)]).await.map_err(fault)?;
        records.iter().map(|record| Ok((record.int(0)?, record.text(1)?))).collect()
    }

    pub async fn close(&self) {
        self.0.close().await;
    }
}

/// `file` and those of it that were put aside, the oldest first.
pub fn files_of(file: &Path) -> Vec<PathBuf> {
    let mut files = vec![file.to_owned()];
    files.extend((1..).map(|number| aside(file, number)).take_while(|file| file.exists()));
    files.retain(|file| file.exists());
    files.reverse();
    files
}

/// The number of a file's first record, for the order of several.
pub fn first_of(file: &Path) -> io::Result<Option<u64>> {
    let mut line = String::new();
    BufReader::new(std::fs::File::open(file)?).read_line(&mut line)?;
    Ok(serde_json::from_str::<Json>(&line).ok().and_then(|record| record.get("seq")?.as_u64()))
}
