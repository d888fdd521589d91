//! The outer projection: every column as the text that psql would print, rows and fields bounded by PostgreSQL.

use super::{Checked, StatementKind};
use crate::catalog::Catalog;
use crate::pg::Oid;

/// A result column as PostgreSQL describes it after Parse.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResultColumn {
    pub name: String,
    pub type_oid: Oid,
}

/// How a field's text goes into JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProjectedColumn {
    pub name: String,
    /// As `format_type` prints it, without modifier.
    pub type_name: String,
    pub encoding: Encoding,
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

    pub fn columns(&self) -> &[ProjectedColumn] {
        &self.columns
    }
}

impl Checked {
    /// Wraps the statement so that PostgreSQL sends at most `rows` rows, each field as text of at most
    /// `field_chars` + 1 characters (one more tells that it was cut).
    pub fn project(
        &self,
        _columns: &[ResultColumn],
        _catalog: &Catalog,
        _rows: u64,
        _field_chars: usize,
    ) -> Projected {
        let _ = StatementKind::Query;
        todo!("skeleton")
    }
}
