//! Rows from the wire to the sink, one at a time: nothing is collected.

use std::pin::pin;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Error, RowStream};

use super::{Flow, Progress, RowSink, Truncation};
use crate::pg::Diagnostic;
use crate::sql::{Extent, ProjectedColumn};

/// How far the stream was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Streamed {
    pub rows: u64,
    pub truncated: Option<Truncation>,
}

/// Bounds of what the sink gets.
pub(super) struct Bounds<'a> {
    pub rows: u64,
    pub field_chars: usize,
    pub columns: &'a [ProjectedColumn],
    pub progress: &'a Progress,
}

/// Why feeding ended early.
#[derive(Debug)]
pub(super) enum Failed {
    /// The driver, or PostgreSQL through it.
    Driver(Error),
    /// What the rows touched is not within what was checked.
    Refused(Diagnostic),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

/// Feeds `sink` until the stream ends, all rows that it may get are in, or it says stop: then the rest is not read.
/// `cover` holds what was touched so far against what was checked.
pub(super) async fn feed<'c>(
    stream: RowStream,
    bounds: &Bounds<'_>,
    sink: &mut dyn RowSink,
    cover: impl Fn() -> BoxFuture<'c, Result<(), Diagnostic>>,
) -> Result<Streamed, Failed> {
    let mut stream = pin!(stream);
    let mut rows = 0;
    while let Some(row) = stream.next().await {
        let row = row?;
        if rows == bounds.rows {
            return Ok(Streamed { rows, truncated: Some(Truncation::Rows) });
        }
        let fields = bounds
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let text = row.try_get::<_, Option<Text<'_>>>(at)?;
                Ok(text.map(|text| cut(column.extent, text.0, bounds.field_chars)))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let flow = sink.row(&fields);
        if flow == Flow::Stop {
            return Ok(Streamed { rows, truncated: Some(Truncation::Sink) });
        }
        rows += 1;
        bounds.progress.row();
        if flow == Flow::Flush {
            if let Err(refusal) = cover().await {
                // Where the transaction is gone, the stream says why.
                while refusal.rule.is_none()
                    && let Some(row) = stream.next().await
                {
                    row?;
                }
                return Err(Failed::Refused(refusal));
            }
            if sink.flush().await == Flow::Stop {
                return Ok(Streamed { rows, truncated: Some(Truncation::Sink) });
            }
        }
    }
    Ok(Streamed { rows, truncated: None })
}

/// Brief values are printed without measuring their text; few of them are longer than a field may be.
pub(super) fn cut(extent: Extent, text: &str, field_chars: usize) -> &str {
    let most = field_chars.saturating_add(1);
    if extent == Extent::Whole || text.len() <= most {
        return text;
    }
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The bytes of a field as they are: of text and json, binary and text form are the same.
pub(super) struct Text<'a>(pub &'a str);

impl<'a> FromSql<'a> for Text<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TEXT | Type::JSON | Type::XML | Type::VARCHAR | Type::UNKNOWN | Type::NAME)
    }
}
