//! What pg_stat_statements (1.8 and later) has counted in this database, whichever schema the extension is in.

use super::Monitor;
use crate::db::fixed::{Record, Value};
use crate::db::look::look;
use crate::pg::{Diagnostic, SqlState};

/// Puts the extension's schema behind `pg_catalog`, for the transaction.
const PATH: &str = include_str!("extension_path.sql");
const STATEMENTS: &str = include_str!("statements.sql");

/// A statement as the server has counted it, of all users but the monitor. Utility statements are left out.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    pub queryid: i64,
    /// Constants are `$n` in most, comments are as written: never for callers as it is.
    pub text: String,
    pub calls: i64,
    pub total_ms: f64,
    pub mean_ms: f64,
    /// Retrieved or affected, all calls together.
    pub rows: i64,
    /// Blocks of relations found in shared buffers.
    pub blocks_hit: i64,
    /// Blocks of relations read from outside of them.
    pub blocks_read: i64,
    /// Blocks of temporary files, read and written.
    pub temp_blocks: i64,
    pub wal_bytes: i64,
}

/// What stands first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StatementOrder {
    #[default]
    TotalTime,
    Calls,
    MeanTime,
    Rows,
    /// Blocks read from outside of shared buffers, and of temporary files.
    Io,
}

impl StatementOrder {
    pub const ALL: [Self; 5] = [Self::TotalTime, Self::Calls, Self::MeanTime, Self::Rows, Self::Io];

    pub fn word(self) -> &'static str {
        match self {
            Self::TotalTime => "total_time",
            Self::Calls => "calls",
            Self::MeanTime => "mean_time",
            Self::Rows => "rows",
            Self::Io => "io",
        }
    }
}

impl Monitor {
    /// The first `limit` of them. Refuses, with what to do, where the extension is not there.
    pub async fn statements(&self, order: StatementOrder, limit: u32) -> Result<Vec<Statement>, Diagnostic> {
        let examination = self.examine().await?;
        if !examination.pg_monitor {
            let message = "the monitor login is no member of pg_monitor";
            let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message);
            return Err(refusal.hint("`pgwarden doctor` has the statement that makes it one"));
        }
        examination.has_statements()?;
        let values = [Value::Text(order.word()), Value::Int(i64::from(limit))];
        let answers = look(&self.pool, &[(PATH, &[]), (STATEMENTS, &values)]).await?;
        answers.into_iter().next_back().unwrap_or_default().iter().map(statement).collect()
    }
}

fn statement(record: &Record) -> Result<Statement, Diagnostic> {
    Ok(Statement {
        queryid: record.int(0)?,
        text: record.text(1)?,
        calls: record.int(2)?,
        total_ms: record.float(3)?,
        mean_ms: record.float(4)?,
        rows: record.int(5)?,
        blocks_hit: record.int(6)?,
        blocks_read: record.int(7)?,
        temp_blocks: record.int(8)?,
        wal_bytes: record.int(9)?,
    })
}
