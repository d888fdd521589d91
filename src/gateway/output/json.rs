//! Rows as JSON arrays, without a tree.

use super::cell::{CUT_MARK, WITHHELD_MARK};
use super::document::push_document;
use super::escape::push_string;
use super::number::{Decimal, is_printed_double, is_short_integer};
use super::{Cell, Layout};
use crate::sql::{Encoding, ProjectedColumn};

pub(super) struct Json;

impl Layout for Json {
    fn head(&self, _columns: &[ProjectedColumn], out: &mut String) {
        out.push('[');
    }

    fn open_row(&self, first: bool, out: &mut String) {
        out.push_str(if first { "[" } else { ",[" });
    }

    fn field(&self, column: &ProjectedColumn, first: bool, cell: Cell<'_>, out: &mut String) {
        if !first {
            out.push(',');
        }
        match cell {
            Cell::Null => out.push_str("null"),
            Cell::Cut(text) => push_string(text, CUT_MARK, out),
            Cell::Withheld => push_string("", WITHHELD_MARK, out),
            Cell::Whole(text) => push_value(column, text, out),
        }
    }

    fn close_row(&self, out: &mut String) {
        out.push(']');
    }

    fn tail(&self) -> &'static str {
        "]"
    }
}

fn push_value(column: &ProjectedColumn, text: &str, out: &mut String) {
    match column.encoding {
        Encoding::Number if is_raw_number(column, text) => out.push_str(text),
        Encoding::Boolean if text == "true" || text == "t" => out.push_str("true"),
        Encoding::Boolean if text == "false" || text == "f" => out.push_str("false"),
        Encoding::Json if push_document(text, out) => {}
        Encoding::Number | Encoding::Boolean | Encoding::Json | Encoding::Text => push_string(text, "", out),
    }
}

/// PostgreSQL prints the shortest text that reads back as the same double or single: no reader loses a digit of it.
fn is_raw_number(column: &ProjectedColumn, text: &str) -> bool {
    match column.type_name.as_str() {
        "double precision" | "real" => is_printed_double(text),
        _ => is_short_integer(text) || Decimal::parse(text).is_some_and(|decimal| decimal.is_safe()),
    }
}
