//! The outer projection: every column as the text that psql would print, rows and fields bounded by PostgreSQL.
//!
//! A field is bounded before its text is made, so that no backend builds gigabytes for a reader of some lines. The
//! statement stands behind OFFSET 0: pulled up, its expressions would be evaluated once for each use of a column.

mod width;
mod write;

use serde::{Deserialize, Serialize};

use super::{Checked, StatementKind};
use crate::catalog::Catalog;
use crate::pg::Oid;
use width::Width;
pub use write::{OLD_ROW_TOO_LARGE, ProjectedWrite};

/// A value of a type that cannot be printed in part, with more bytes than this as stored, is not printed at all.
pub const LARGEST_PRINTED: u32 = 1024 * 1024;
/// What arrives instead, in a column of [`Extent::CutOrWithheld`]. No such type prints a control character first.
pub const WITHHELD: &str = "\u{1}too large";
/// Up to so many bytes as stored, a value is printed without looking at the length of its text.
const BRIEF: u32 = 256;

/// A result column as PostgreSQL describes it after Parse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResultColumn {
    pub name: String,
    pub type_oid: Oid,
    /// `atttypmod`: what `numeric(12, 2)` or `varchar(20)` holds beyond the type, -1 for nothing.
    pub type_modifier: i32,
}

/// How a field's text goes into JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Raw if it is a finite number of at most 15 significant digits, else a string.
    Number,
    /// `true` or `false`.
    Boolean,
    /// json, jsonb: raw (if it was not cut).
    Json,
    /// A string.
    Text,
}

/// How much of a field arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it: a line or a document of EXPLAIN.
    Whole,
    /// Its first characters, one more than asked for where it was cut.
    Cut,
    /// That, or [`WITHHELD`].
    CutOrWithheld,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectedColumn {
    pub name: String,
    /// As `format_type` prints it, without modifier.
    pub type_name: String,
    pub encoding: Encoding,
    pub extent: Extent,
}

/// What is sent to be executed. INVARIANT: made only from a [`Checked`].
#[derive(Debug)]
pub struct Projected {
    text: String,
    columns: Vec<ProjectedColumn>,
}

impl Projected {
    /// The text to Parse: all result columns are of type text. EXPLAIN stays as it is.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text that asks for its plan. Of a query: EXPLAIN has no plan of its own.
    pub fn explained(&self) -> String {
        format!("EXPLAIN (FORMAT JSON) {}", self.text)
    }

    pub fn columns(&self) -> &[ProjectedColumn] {
        &self.columns
    }
}

impl Checked {
    /// Wraps the statement so that PostgreSQL sends at most `rows` + 1 rows (one more tells that there are more),
    /// each field as text of at most `field_chars` + 1 characters (one more tells that it was cut).
    pub fn project(
        &self,
        columns: &[ResultColumn],
        catalog: &Catalog,
        rows: u64,
        field_chars: usize,
    ) -> Projected {
        let explain = self.kind() == StatementKind::Explain;
        let widths: Vec<Width> =
            columns.iter().map(|column| Width::of(column, catalog, field_chars)).collect();
        let projected = columns.iter().zip(&widths).map(|(column, width)| ProjectedColumn {
            name: column.name.clone(),
            type_name: type_name(column.type_oid, catalog),
            encoding: encoding(column.type_oid),
            extent: if explain { Extent::Whole } else { width.extent() },
        });
        let projected: Vec<_> = projected.collect();
        if explain {
            return Projected { text: self.text().to_owned(), columns: projected };
        }
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
        let fields = columns.iter().zip(&names).zip(&widths).map(|((column, name), width)| {
            let text = text(column.type_oid, name, catalog);
            width.bounded(name, &text, field_chars)
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        let alias = if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) };
        let limit = rows.saturating_add(1);
        let fenced = format!("SELECT * FROM ({}) AS s OFFSET 0", self.text());
        let text = format!("SELECT {fields} FROM ({fenced}) AS q{alias} LIMIT {limit}");
        Projected { text, columns: projected }
    }
}

fn type_name(oid: Oid, catalog: &Catalog) -> String {
    catalog.type_by_oid(oid).map_or_else(|| format!("type {}", oid.0), |t| t.display.clone())
}

/// OIDs of pg_type.dat, the same in every PostgreSQL.
fn encoding(oid: Oid) -> Encoding {
    match oid.0 {
        16 => Encoding::Boolean,
        20 | 21 | 23 | 26 | 700 | 701 | 1700 => Encoding::Number,
        114 | 3802 => Encoding::Json,
        _ => Encoding::Text,
    }
}

/// One column as text: by the cast where that is what psql prints, else by the type's own output function. A cast
/// that a user defined is never used.
fn text(oid: Oid, name: &str, catalog: &Catalog) -> String {
    match catalog.type_by_oid(oid) {
        Some(t) if !t.text_cast_is_function || oid.0 == 16 => format!("{name}::pg_catalog.text"),
        Some(t) if t.output.schema == "pg_catalog" => {
            format!("pg_catalog.textin({}({name}))", t.output.quoted())
        }
        // Prints any type, though its schema be closed to us; but NULL as an empty text.
        Some(_) | None => format!(
            "CASE WHEN pg_catalog.pg_column_size({name}) IS NOT NULL THEN pg_catalog.format('%s', {name}) END"
        ),
    }
}
