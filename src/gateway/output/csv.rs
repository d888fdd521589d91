//! CSV as in RFC 4180, as `COPY .. CSV HEADER` writes it: an empty field is NULL, `""` is the empty string. What
//! nobody would see is written out ([`invisible::shown`]).

use super::cell::{CUT_MARK, WITHHELD_MARK};
use super::{Cell, Layout};
use crate::gateway::invisible;
use crate::sql::ProjectedColumn;

const LINE_END: &str = "\r\n";

pub(super) struct Csv;

impl Layout for Csv {
    fn head(&self, columns: &[ProjectedColumn], out: &mut String) {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            push_field(&column.name, "", out);
        }
        out.push_str(LINE_END);
    }

    fn open_row(&self, _first: bool, _out: &mut String) {}

    fn field(&self, _column: &ProjectedColumn, first: bool, cell: Cell<'_>, out: &mut String) {
        if !first {
            out.push(',');
        }
        match cell {
            Cell::Null => {}
            Cell::Whole(text) => push_field(text, "", out),
            Cell::Cut(text) => push_field(text, CUT_MARK, out),
            Cell::Withheld => push_field("", WITHHELD_MARK, out),
        }
    }

    fn close_row(&self, out: &mut String) {
        out.push_str(LINE_END);
    }

    fn tail(&self) -> &'static str {
        ""
    }
}

fn push_field(text: &str, ending: &str, out: &mut String) {
    let text = invisible::shown(text);
    let plain = !text.is_empty() && !text.contains(['"', ',', '\r', '\n']);
    if plain {
        out.push_str(&text);
        out.push_str(ending);
        return;
    }
    out.push('"');
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push_str(ending);
    out.push('"');
}
