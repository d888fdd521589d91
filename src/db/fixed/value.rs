//! What goes into a fixed statement and what comes out of it, as plain values.

use std::fmt;

use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use crate::db::error;
use crate::pg::Diagnostic;

/// A parameter. Its Debug shows nothing.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Bytes, or NULL.
    Maybe(Option<&'a [u8]>),
    Int(i64),
    Bool(bool),
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

pub(in crate::db) fn typed<'v>(values: &'v [Value<'_>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    values.iter().map(one).collect()
}

fn one<'v>(value: &'v Value<'_>) -> (&'v (dyn ToSql + Sync), Type) {
    match value {
        Value::Text(text) => (text, Type::TEXT),
        Value::Bytes(bytes) => (bytes, Type::BYTEA),
        Value::Maybe(bytes) => (bytes, Type::BYTEA),
        Value::Int(number) => (number, Type::INT8),
        Value::Bool(is) => (is, Type::BOOL),
    }
}

/// A row of the answer, its columns from 0.
pub struct Record(Row);

impl Record {
    pub(in crate::db) fn new(row: Row) -> Self {
        Self(row)
    }

    pub fn text(&self, column: usize) -> Result<String, Diagnostic> {
        self.read(column)
    }

    pub fn bytes(&self, column: usize) -> Result<Vec<u8>, Diagnostic> {
        self.read(column)
    }

    /// Bytes, or NULL.
    pub fn maybe(&self, column: usize) -> Result<Option<Vec<u8>>, Diagnostic> {
        self.read(column)
    }

    /// Text, or NULL.
    pub fn maybe_text(&self, column: usize) -> Result<Option<String>, Diagnostic> {
        self.read(column)
    }

    /// `int8`.
    pub fn int(&self, column: usize) -> Result<i64, Diagnostic> {
        self.read(column)
    }

    pub fn maybe_int(&self, column: usize) -> Result<Option<i64>, Diagnostic> {
        self.read(column)
    }

    /// `float8`.
    pub fn float(&self, column: usize) -> Result<f64, Diagnostic> {
        self.read(column)
    }

    pub fn is(&self, column: usize) -> Result<bool, Diagnostic> {
        self.read(column)
    }

    fn read<'r, T: FromSql<'r>>(&'r self, column: usize) -> Result<T, Diagnostic> {
        self.0.try_get(column).map_err(|e| error::diagnostic(&e))
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
