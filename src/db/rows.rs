//! Rows from the wire to the sink, one at a time: nothing is collected.

use std::pin::pin;

use futures_util::StreamExt;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Error, RowStream};

use super::{Flow, RowSink, Truncation};
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
}

/// Feeds `sink` until the stream ends, all rows that it may get are in, or it says stop: then the rest is not read.
pub(super) async fn feed(
    stream: RowStream,
    bounds: &Bounds<'_>,
    sink: &mut dyn RowSink,
) -> Result<Streamed, Error> {
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
                Ok(text.map(|text| bounds.cut(column.extent, text.0)))
            })
            .collect::<Result<Vec<_>, Error>>()?;
        if sink.row(&fields) == Flow::Stop {
            return Ok(Streamed { rows, truncated: Some(Truncation::Sink) });
        }
        rows += 1;
    }
    Ok(Streamed { rows, truncated: None })
}

impl Bounds<'_> {
    /// Brief values are printed without measuring their text; few of them are longer than a field may be.
    fn cut<'t>(&self, extent: Extent, text: &'t str) -> &'t str {
        let most = self.field_chars.saturating_add(1);
        if extent == Extent::Whole || text.len() <= most {
            return text;
        }
        text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
    }
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
