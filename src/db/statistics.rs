//! What the last ANALYZE found in columns, as far as `pg_stats` shows it to the login: columns that it may read, of
//! relations whose rows it sees all.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use crate::pg::Oid;

const STATISTICS: &str = include_str!("statistics.sql");

/// One row of `pg_stats`. Values as PostgreSQL prints them, cut to 60 characters.
#[derive(Clone, PartialEq, Debug)]
pub struct ColumnStatistics {
    /// `pg_attribute.attnum`.
    pub column: i32,
    /// The share of rows where it is NULL.
    pub nulls: f64,
    /// `n_distinct`: below 0 a share of the rows, negated.
    pub distinct: f64,
    /// The most common values, each with its share of the rows.
    pub common: Vec<(String, f64)>,
    /// The least and the greatest of the other values.
    pub range: Option<(String, String)>,
}

/// Of those of the columns `numbers` that have statistics. A table's partitions count with it.
pub(super) async fn of_columns(
    client: &Client,
    relation: Oid,
    numbers: &[i32],
) -> Result<Vec<ColumnStatistics>, Error> {
    let numbers: Vec<i16> = numbers.iter().filter_map(|number| i16::try_from(*number).ok()).collect();
    let rows =
        client.query_typed(STATISTICS, &[(&relation.0, Type::OID), (&numbers, Type::INT2_ARRAY)]).await?;
    rows.iter()
        .map(|row| {
            let (values, shares): (Vec<String>, Vec<f64>) = (row.try_get(3)?, row.try_get(4)?);
            let (least, greatest): (Option<String>, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
            Ok(ColumnStatistics {
                column: row.try_get(0)?,
                nulls: row.try_get(1)?,
                distinct: row.try_get(2)?,
                common: values.into_iter().zip(shares).collect(),
                range: least.zip(greatest),
            })
        })
        .collect()
}
