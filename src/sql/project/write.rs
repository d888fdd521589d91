//! The outer projection of a statement that writes: its rows as text, bounded by PostgreSQL.

use super::{ProjectedColumn, ResultColumn, Width, encoding, text, type_name};
use crate::catalog::Catalog;
use crate::sql::CheckedWrite;

/// What stands before the caller's own columns: whether the row may stand, and the old row.
const OURS: usize = 2;
/// What arrives instead of an old row that is larger than asked for.
pub const OLD_ROW_TOO_LARGE: &str = "";

/// What is sent to be executed. INVARIANT: made only from a [`CheckedWrite`].
#[derive(Debug)]
pub struct ProjectedWrite {
    text: String,
    columns: Vec<ProjectedColumn>,
}

impl ProjectedWrite {
    /// The text to Parse. Its rows: whether the row may stand (boolean), the old row as JSON or NULL, and the caller's columns,
    /// all as text. Of a statement without RETURNING: no rows.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The caller's.
    pub fn columns(&self) -> &[ProjectedColumn] {
        &self.columns
    }
}

impl CheckedWrite {
    /// Wraps the statement so that each of the caller's fields comes as text of at most `field_chars` + 1 characters, and an
    /// old row of at most `old_row_bytes`, as stored. PostgreSQL runs it to its end, however many rows are read.
    pub fn project(
        &self,
        columns: &[ResultColumn],
        catalog: &Catalog,
        field_chars: usize,
        old_row_bytes: usize,
    ) -> ProjectedWrite {
        if !self.has_returning() {
            return ProjectedWrite { text: self.text().to_owned(), columns: Vec::new() };
        }
        let own = columns.get(OURS..).unwrap_or_default();
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
        let mut fields = vec![
            "c1".to_owned(),
            format!(
                "CASE WHEN pg_catalog.pg_column_size(c2) > {old_row_bytes} THEN '{OLD_ROW_TOO_LARGE}' \
                 ELSE c2::pg_catalog.text END"
            ),
        ];
        let mut projected = Vec::with_capacity(own.len());
        for (column, name) in own.iter().zip(names.iter().skip(OURS)) {
            let width = Width::of(column, catalog, field_chars);
            fields.push(width.bounded(name, &text(column.type_oid, name, catalog), field_chars));
            projected.push(ProjectedColumn {
                name: column.name.clone(),
                type_name: type_name(column.type_oid, catalog),
                encoding: encoding(column.type_oid),
                extent: width.extent(),
            });
        }
        let text = format!(
            "WITH w AS ({}) SELECT {} FROM w AS q({})",
            self.text(),
            fields.join(", "),
            names.join(", ")
        );
        ProjectedWrite { text, columns: projected }
    }

    /// Asks for the plan. The statement does not run.
    pub fn explained(&self) -> String {
        format!("EXPLAIN (FORMAT JSON) {}", self.text())
    }
}
