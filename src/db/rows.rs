//! Rows from the wire to the sink, one at a time: nothing is collected.

use std::pin::pin;

use futures_util::StreamExt;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Error, RowStream};

use super::{Flow, RowSink, Truncation};

/// How far the stream was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Streamed {
    pub rows: u64,
    pub truncated: Option<Truncation>,
}

/// Feeds `sink` until the stream ends, `limit` rows are in, or it says stop: then the rest is not read.
pub(super) async fn feed(stream: RowStream, limit: u64, sink: &mut dyn RowSink) -> Result<Streamed, Error> {
    let mut stream = pin!(stream);
    let mut rows = 0;
    while let Some(row) = stream.next().await {
        let row = row?;
        if rows == limit {
            return Ok(Streamed { rows, truncated: Some(Truncation::Rows) });
        }
        let fields = (0..row.len())
            .map(|at| row.try_get::<_, Option<Text<'_>>>(at).map(|text| text.map(|text| text.0)))
            .collect::<Result<Vec<_>, Error>>()?;
        if sink.row(&fields) == Flow::Stop {
            return Ok(Streamed { rows, truncated: Some(Truncation::Sink) });
        }
        rows += 1;
    }
    Ok(Streamed { rows, truncated: None })
}

/// The bytes of a field as they are: of text and json, binary and text form are the same.
struct Text<'a>(&'a str);

impl<'a> FromSql<'a> for Text<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(std::str::from_utf8(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TEXT | Type::JSON | Type::XML | Type::VARCHAR | Type::UNKNOWN | Type::NAME)
    }
}
