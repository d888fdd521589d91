//! The row sink: one buffer, one budget.

use serde_json::value::RawValue;

use super::csv::Csv;
use super::json::Json;
use super::markdown::Markdown;
use super::{Cell, Flow, Layout};
use crate::db::RowSink;
use crate::gateway::invisible::json_chars;
use crate::gateway::request::{ColumnHeader, Format};
use crate::sql::{Extent, ProjectedColumn};

/// What the reply holds besides columns and rows: keys, counts, the reason of a cut, some notices.
const ENVELOPE_CHARS: usize = 1_200;
/// A field is never cut shorter than this to make a first row fit.
const SHORTEST_FIELD: usize = 16;

/// Takes rows until the reply is full.
pub(crate) struct Encoder {
    layout: Box<dyn Layout>,
    format: Format,
    columns: Vec<ProjectedColumn>,
    out: String,
    /// Characters in `out`.
    used: usize,
    /// Characters that `out` may hold.
    budget: usize,
    /// Characters of a field, as asked for.
    asked_chars: usize,
    /// The same, so that a first row fits.
    field_chars: usize,
    rows: u64,
    cut_fields: u64,
    withheld_fields: u64,
    too_wide: bool,
}

/// What is left when the rows have ended.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub columns: Vec<ColumnHeader>,
    pub format: Format,
    /// `[]` where the format is not JSON.
    pub rows: Box<RawValue>,
    pub text: Option<String>,
    pub row_count: u64,
    /// Fields that end with the mark of a cut.
    pub cut_fields: u64,
    /// Fields of which only a mark is there.
    pub withheld_fields: u64,
    /// Where fields were cut, in characters.
    pub field_chars: usize,
    /// Not even one row fits: there are too many columns.
    pub too_wide: bool,
    /// Characters that the reply may still hold for notices.
    pub left: usize,
}

impl Encoder {
    /// `budget` is for the whole reply, in characters; fields longer than `field_chars` arrive cut.
    pub(crate) fn new(format: Format, budget: usize, field_chars: usize) -> Self {
        let layout: Box<dyn Layout> = match format {
            Format::Json => Box::new(Json),
            Format::Csv => Box::new(Csv),
            Format::Markdown => Box::new(Markdown),
        };
        Self {
            layout,
            format,
            columns: Vec::new(),
            out: String::new(),
            used: 0,
            budget: budget.saturating_sub(ENVELOPE_CHARS),
            asked_chars: field_chars,
            field_chars,
            rows: 0,
            cut_fields: 0,
            withheld_fields: 0,
            too_wide: false,
        }
    }

    /// Not even one row fits.
    pub(crate) fn is_too_wide(&self) -> bool {
        self.too_wide
    }

    /// Rows that it took.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of rows so far.
    pub(crate) fn bytes(&self) -> u64 {
        u64::try_from(self.out.len()).unwrap_or(u64::MAX)
    }

    /// The reply, once no more rows will come. `Err` only if the encoder wrote something that is not JSON.
    pub(crate) fn finish(mut self) -> Result<Encoded, serde_json::Error> {
        if self.out.is_empty() {
            self.begin(&[]);
        }
        self.out.push_str(self.layout.tail());
        let (rows, text) = match self.format {
            Format::Json => (RawValue::from_string(self.out)?, None),
            Format::Csv | Format::Markdown => (RawValue::from_string("[]".to_owned())?, Some(self.out)),
        };
        Ok(Encoded {
            columns: self.columns.into_iter().map(header).collect(),
            format: self.format,
            rows,
            text,
            row_count: self.rows,
            cut_fields: self.cut_fields,
            withheld_fields: self.withheld_fields,
            field_chars: self.field_chars,
            too_wide: self.too_wide,
            left: self.budget.saturating_sub(self.used).saturating_add(ENVELOPE_CHARS),
        })
    }

    /// Appends the row with fields of at most `field_chars`; leaves nothing behind where it does not fit.
    fn append(&mut self, fields: &[Option<&str>], field_chars: usize) -> bool {
        let start = self.out.len();
        let mut used = self.used;
        let mut counted = start;
        let (mut cut_fields, mut withheld_fields) = (0, 0);
        self.layout.open_row(self.rows == 0, &mut self.out);
        for (at, (column, field)) in self.columns.iter().zip(fields).enumerate() {
            let cell = Cell::new(*field, column.extent, field_chars);
            cut_fields += u64::from(matches!(cell, Cell::Cut(_)));
            withheld_fields += u64::from(cell == Cell::Withheld);
            self.layout.field(column, at == 0, cell, &mut self.out);
            used += chars_from(&self.out, counted);
            counted = self.out.len();
            if used > self.budget {
                break;
            }
        }
        self.layout.close_row(&mut self.out);
        used += chars_from(&self.out, counted);
        if used > self.budget {
            self.out.truncate(start);
            return false;
        }
        self.used = used;
        self.rows += 1;
        self.cut_fields += cut_fields;
        self.withheld_fields += withheld_fields;
        true
    }
}

impl RowSink for Encoder {
    fn begin(&mut self, columns: &[ProjectedColumn]) {
        self.columns = columns.to_vec();
        self.out.clear();
        (self.rows, self.cut_fields, self.withheld_fields) = (0, 0, 0);
        self.field_chars = self.asked_chars;
        self.layout.head(columns, &mut self.out);
        let headers: Vec<ColumnHeader> = columns.iter().cloned().map(header).collect();
        let named = serde_json::to_value(&headers).map_or(0, |json| json_chars(&json));
        self.used = self.out.chars().count() + self.layout.tail().len() + named;
        self.too_wide = self.used > self.budget;
        if columns.iter().any(|column| column.extent == Extent::Whole) {
            self.field_chars = self.budget;
        }
    }

    fn row(&mut self, fields: &[Option<&str>]) -> Flow {
        if self.too_wide {
            return Flow::Stop;
        }
        if self.append(fields, self.field_chars) {
            return Flow::Continue;
        }
        if self.rows > 0 {
            return Flow::Stop;
        }
        let mut shorter = self.field_chars / 2;
        while shorter >= SHORTEST_FIELD {
            if self.append(fields, shorter) {
                self.field_chars = shorter;
                return Flow::Continue;
            }
            shorter /= 2;
        }
        self.too_wide = true;
        Flow::Stop
    }
}

fn header(column: ProjectedColumn) -> ColumnHeader {
    ColumnHeader { name: column.name, type_name: column.type_name }
}

fn chars_from(text: &str, start: usize) -> usize {
    text.get(start..).map_or(0, |new| new.chars().count())
}
