//! The outer projection: every column as the text that psql would print, rows and fields bounded by PostgreSQL.

use super::{Checked, StatementKind};
use crate::catalog::{Catalog, Type, TypeKind};
use crate::pg::{Oid, QualifiedName};

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
    /// Wraps the statement so that PostgreSQL sends at most `rows` + 1 rows (one more tells that there are more),
    /// each field as text of at most `field_chars` + 1 characters (one more tells that it was cut).
    pub fn project(
        &self,
        columns: &[ResultColumn],
        catalog: &Catalog,
        rows: u64,
        field_chars: usize,
    ) -> Projected {
        let projected = columns.iter().map(|column| ProjectedColumn {
            name: column.name.clone(),
            type_name: type_name(column.type_oid, catalog),
            encoding: encoding(column.type_oid),
        });
        let projected: Vec<_> = projected.collect();
        if self.kind() == StatementKind::Explain {
            return Projected { text: self.text().to_owned(), columns: projected };
        }
        let names: Vec<String> = (1..=columns.len()).map(|n| format!("c{n}")).collect();
        let fields = columns
            .iter()
            .zip(&names)
            .map(|(column, name)| field(column.type_oid, name, catalog, field_chars));
        let fields = fields.collect::<Vec<_>>().join(", ");
        let alias = if names.is_empty() { String::new() } else { format!("({})", names.join(", ")) };
        let limit = rows.saturating_add(1);
        let text = format!("SELECT {fields} FROM ({}) AS q{alias} LIMIT {limit}", self.text());
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
fn field(oid: Oid, name: &str, catalog: &Catalog, most: usize) -> String {
    let found = catalog.type_by_oid(oid);
    let text = match found {
        Some(t) if t.text_cast_is_function && oid.0 != 16 => {
            format!("pg_catalog.textin({}({name}))", t.output.quoted())
        }
        Some(_) => format!("{name}::pg_catalog.text"),
        None => {
            format!("pg_catalog.textin({}({name}))", QualifiedName::new("pg_catalog", "record_out").quoted())
        }
    };
    match found.map_or(Width::Any, width) {
        Width::Small => text,
        // Measured without fetching or decompressing the value.
        Width::Text => format!(
            "CASE WHEN pg_catalog.octet_length({name}) <= {most} THEN {text} ELSE pg_catalog.left({text}, {}) END",
            most.saturating_add(1)
        ),
        Width::Bytes => format!(
            "CASE WHEN pg_catalog.octet_length({name}) <= {half} THEN {text} ELSE \
             pg_catalog.left(pg_catalog.substr({name}, 1, {most})::pg_catalog.text, {}) END",
            most.saturating_add(1),
            half = most / 2
        ),
        Width::Any => format!("pg_catalog.left({text}, {})", most.saturating_add(1)),
    }
}

/// How long a value's text can be.
enum Width {
    Small,
    /// text and varchar, whose bytes are their text.
    Text,
    /// bytea, two characters a byte.
    Bytes,
    Any,
}

fn width(named: &Type) -> Width {
    match named.oid.0 {
        // bool, int8, int2, int4, oid, float4, float8, date, time, timestamp(tz), interval, timetz, uuid, name,
        // inet, cidr, macaddr(8), money, point, pg_lsn
        16 | 19 | 20 | 21 | 23 | 26 | 700 | 701 | 1082 | 1083 | 1114 | 1184 | 1186 | 1266 | 2950 | 869
        | 650 | 829 | 774 | 790 | 600 | 3220 => Width::Small,
        25 | 1043 => Width::Text,
        17 => Width::Bytes,
        _ if named.kind == TypeKind::Enum => Width::Small,
        _ => Width::Any,
    }
}
