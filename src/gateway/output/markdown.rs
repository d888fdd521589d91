//! A table in GitHub-flavoured Markdown, one line a row. NULL is shown as `NULL`, the text NULL as `"NULL"`.

use super::cell::{CUT_MARK, WITHHELD_MARK};
use super::{Cell, Layout};
use crate::gateway::invisible;
use crate::sql::{Encoding, ProjectedColumn};

pub(super) struct Markdown;

impl Layout for Markdown {
    fn head(&self, columns: &[ProjectedColumn], out: &mut String) {
        for column in columns {
            out.push_str("| ");
            push_cell(&column.name, out);
            out.push(' ');
        }
        out.push_str("|\n");
        for column in columns {
            out.push_str(if column.encoding == Encoding::Number { "| ---: " } else { "| --- " });
        }
        out.push_str("|\n");
    }

    fn open_row(&self, _first: bool, _out: &mut String) {}

    fn field(&self, _column: &ProjectedColumn, _first: bool, cell: Cell<'_>, out: &mut String) {
        out.push_str("| ");
        match cell {
            Cell::Null => out.push_str("NULL"),
            Cell::Withheld => out.push_str(WITHHELD_MARK),
            Cell::Whole("NULL") => out.push_str("\"NULL\""),
            Cell::Whole(text) => push_cell(text, out),
            Cell::Cut(text) => {
                push_cell(text, out);
                out.push_str(CUT_MARK);
            }
        }
        out.push(' ');
    }

    fn close_row(&self, out: &mut String) {
        out.push_str("|\n");
    }

    fn tail(&self) -> &'static str {
        ""
    }
}

/// Backslashes are doubled, so each escape can be read back.
fn push_cell(text: &str, out: &mut String) {
    let escape = |c: char, _: &str, out: &mut String| match c {
        '\\' => out.push_str("\\\\"),
        '|' => out.push_str("\\|"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c => invisible::push_shown(c, out),
    };
    invisible::push(text, |byte| matches!(byte, b'\\' | b'|'), escape, out);
}
