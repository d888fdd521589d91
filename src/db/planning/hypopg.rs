//! Indexes that exist for the planner of one session only, by the extension hypopg.

use tokio_postgres::types::Type;

use crate::catalog::Catalog;
use crate::db::error;
use crate::db::link::Link;
use crate::pg::{Diagnostic, SqlState, quote_ident};
use crate::sql::IndexDefinition;

/// hypopg's functions are found by the search path: the schema that they are in is the DBA's choice.
const PATH: &str = include_str!("path.sql");
const RESET: &str = "SELECT hypopg_reset()";
const SUPPOSE: &str = include_str!("suppose.sql");
const BEGIN: &str = "BEGIN READ ONLY";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
/// Where the session is ours for a transaction only: one that does not end.
const COMMIT_AND_HOLD: &str = "COMMIT AND CHAIN";
const ROLLBACK_AND_HOLD: &str = "ROLLBACK AND CHAIN";

/// An index that is supposed to exist.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Supposed {
    /// As plans call it.
    pub name: String,
    /// hypopg's estimate.
    pub bytes: u64,
}

/// The schema of the extension, where it is installed.
pub(super) fn schema(catalog: &Catalog) -> Option<&str> {
    let mut extensions = catalog.contents().extensions.iter();
    extensions.find(|extension| extension.name == "hypopg").map(|extension| extension.schema.as_str())
}

pub(super) fn missing(server_version: u32) -> Diagnostic {
    let major = server_version / 10_000;
    Diagnostic::refused(
        SqlState::FEATURE_NOT_SUPPORTED,
        "hypothetical indexes need the extension hypopg, which this database does not have",
    )
    .rule("tuning.hypopg")
    .hint(format!(
        "the DBA installs the package (on Debian postgresql-{major}-hypopg) and runs CREATE EXTENSION hypopg; without \
         it ask without `indexes`"
    ))
}

/// Forgets what was supposed before.
pub(super) async fn suppose(
    link: &Link,
    schema: &str,
    indexes: &[IndexDefinition],
) -> Result<Vec<Supposed>, Diagnostic> {
    let supposed = supposed(link, schema, indexes).await;
    if supposed.is_err() {
        let end = if link.is_pooled() { ROLLBACK_AND_HOLD } else { ROLLBACK };
        link.client().batch_execute(end).await.map_err(|e| error::diagnostic(&e))?;
    }
    supposed.map_err(|e| not_possible(error::diagnostic(&e)))
}

/// hypopg has no SQLSTATE for an index that it cannot make up.
fn not_possible(error: Diagnostic) -> Diagnostic {
    if error.sqlstate != SqlState::INTERNAL_ERROR {
        return error;
    }
    let message = format!("such an index cannot be supposed: {}", error.message);
    Diagnostic::refused(SqlState::FEATURE_NOT_SUPPORTED, message)
        .rule("tuning.hypopg")
        .hint("use a method that has an operator class for the columns' types; btree serves most")
}

async fn supposed(
    link: &Link,
    schema: &str,
    indexes: &[IndexDefinition],
) -> Result<Vec<Supposed>, tokio_postgres::Error> {
    let client = link.client();
    client.batch_execute(BEGIN).await?;
    let path = format!("pg_catalog, {}, pg_temp", quote_ident(schema));
    client.query_typed(PATH, &[(&path, Type::TEXT)]).await?;
    client.query_typed(RESET, &[]).await?;
    let definitions: Vec<String> = indexes.iter().map(IndexDefinition::text).collect();
    let rows = client.query_typed(SUPPOSE, &[(&definitions, Type::TEXT_ARRAY)]).await?;
    let read = rows.iter().map(|row| {
        let bytes: i64 = row.try_get(1)?;
        Ok(Supposed { name: row.try_get(0)?, bytes: bytes.unsigned_abs() })
    });
    let read = read.collect::<Result<Vec<_>, tokio_postgres::Error>>()?;
    let end = if link.is_pooled() { COMMIT_AND_HOLD } else { COMMIT };
    client.batch_execute(end).await?;
    Ok(read)
}
