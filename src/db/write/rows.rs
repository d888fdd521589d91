//! The rows of a statement that writes, one at a time: counted, held against the policy's checks, and given away.

use std::pin::pin;

use futures_util::StreamExt as _;
use tokio_postgres::{Error, RowStream};

use super::WriteLimits;
use super::failure::Failure;
use crate::db::rows::{Text, cut};
use crate::db::{Flow, RowSink};
use crate::pg::{Diagnostic, SqlState};
use crate::sql::{CheckedWrite, OLD_ROW_TOO_LARGE, ProjectedWrite};

/// Behind them come the caller's columns.
const MAY_STAND: usize = 0;
const OLD_ROW: usize = 1;
const OURS: usize = 2;

/// What a statement has done.
#[derive(Debug, Default)]
pub(super) struct Affected {
    pub rows: u64,
    /// The rows as they were: JSON, one a line. Empty where nobody asked for them.
    pub old: Vec<u8>,
    /// Rows of RETURNING that the sink did not take.
    pub untaken: u64,
}

/// Why it ends early.
pub(super) enum Failed {
    Driver(Error),
    Refused(Diagnostic),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl Failed {
    pub(super) fn told(self, failure: &Failure) -> Diagnostic {
        match self {
            Self::Driver(error) => failure.told(&error),
            Self::Refused(refusal) => refusal,
        }
    }
}

/// Reads to the end, or to the first row that is one too many or may not stand. PostgreSQL has run the statement whole by the
/// time that its first row comes.
pub(super) async fn affected(
    stream: RowStream,
    projected: &ProjectedWrite,
    write: &CheckedWrite,
    limits: &WriteLimits,
    sink: &mut dyn RowSink,
) -> Result<Affected, Failed> {
    let mut stream = pin!(stream);
    let mut affected = Affected::default();
    while let Some(row) = stream.next().await {
        let row = row?;
        affected.rows += 1;
        within(affected.rows, limits.rows).map_err(Failed::Refused)?;
        if row.try_get::<_, Option<bool>>(MAY_STAND)? != Some(true) {
            return Err(Failed::Refused(may_not_stand(write)));
        }
        if let Some(Text(old)) = row.try_get(OLD_ROW)? {
            if old == OLD_ROW_TOO_LARGE || affected.old.len() + old.len() >= limits.old_bytes {
                return Err(Failed::Refused(too_much_to_keep(limits.old_bytes)));
            }
            affected.old.extend_from_slice(old.as_bytes());
            affected.old.push(b'\n');
        }
        let fields = projected.columns().iter().enumerate().map(|(at, column)| {
            let text = row.try_get::<_, Option<Text<'_>>>(OURS + at)?;
            Ok(text.map(|text| cut(column.extent, text.0, limits.field_chars)))
        });
        let fields = fields.collect::<Result<Vec<_>, Error>>()?;
        if affected.untaken > 0 || !fields.is_empty() && sink.row(&fields) == Flow::Stop {
            affected.untaken += 1;
        }
    }
    if !write.has_returning() {
        affected.rows = stream.rows_affected().unwrap_or(u64::MAX);
        within(affected.rows, limits.rows).map_err(Failed::Refused)?;
    }
    Ok(affected)
}

/// The policy's cap.
pub(super) fn within(rows: u64, most: u64) -> Result<(), Diagnostic> {
    if rows <= most {
        return Ok(());
    }
    let message = format!(
        "the statement would change more than {most} rows, the most that the policy allows: nothing was changed"
    );
    Err(Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message).rule("limits.write_rows").hint(
        "narrow its WHERE, or write in several statements; rows that foreign keys change besides count too",
    ))
}

fn may_not_stand(write: &CheckedWrite) -> Diagnostic {
    let message = "a row would not be as the policy wants rows to be: nothing was changed";
    let refusal = Diagnostic::refused(SqlState::INSUFFICIENT_PRIVILEGE, message);
    let named = match write.checks() {
        [] => refusal.rule("policy.filter"),
        checks => refusal.rule(checks.join(", ")),
    };
    named.hint("write only rows that you may see, and values that the policy's checks allow")
}

fn too_much_to_keep(most: usize) -> Diagnostic {
    let message = format!(
        "the policy keeps rows as they were, and these are more than {} MiB: nothing was changed",
        most / (1024 * 1024)
    );
    Diagnostic::refused(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        .rule("limits.before")
        .hint("change fewer rows in one statement")
}
