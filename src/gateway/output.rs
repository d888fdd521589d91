//! Rows become text while they stream, into one buffer that never outgrows the reply's budget.
//!
//! [`Encoder`] is the row sink; a [`Layout`] knows one format and nothing of budgets. A row goes in whole or not at
//! all. Only the first row is cut harder when it alone is larger than the reply.

mod cell;
mod csv;
mod document;
mod encoder;
mod escape;
mod fence;
mod json;
mod markdown;
mod number;
#[cfg(test)]
mod tests;

pub(super) use cell::{CUT_MARK, WITHHELD_MARK};
pub(super) use encoder::{Encoded, Encoder};
pub(super) use fence::Fence;

use serde_json::value::RawValue;

use super::request::Format;
use crate::db::{Flow, RowSink as _};
use crate::sql::ProjectedColumn;
use cell::Cell;

/// How one format writes. Pieces are appended to `out`; nothing is ever taken back by a layout.
trait Layout: Send {
    /// What stands before the rows.
    fn head(&self, columns: &[ProjectedColumn], out: &mut String);

    fn open_row(&self, first: bool, out: &mut String);

    fn field(&self, column: &ProjectedColumn, first: bool, cell: Cell<'_>, out: &mut String);

    fn close_row(&self, out: &mut String);

    /// What stands after the rows; ASCII.
    fn tail(&self) -> &'static str;
}

/// Rows as the reply's JSON, for what measures the encoder alone; `None` where they are too wide for the reply.
pub fn encoded(
    columns: &[ProjectedColumn],
    rows: &[Vec<Option<&str>>],
    characters: usize,
) -> Option<Box<RawValue>> {
    let mut encoder = Encoder::new(Format::Json, characters, characters);
    encoder.begin(columns);
    let taken = rows.iter().take_while(|row| encoder.row(row) == Flow::Continue).count();
    let encoded = encoder.finish().ok()?;
    (taken == rows.len()).then_some(encoded.rows)
}
