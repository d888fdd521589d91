//! Statements of our own that only look: a READ ONLY transaction, nobody's search path, an end after 15 s.

use std::time::Duration;

use futures_util::future::{join, try_join_all};
use tokio::time::timeout;

use super::error;
use super::fixed::{Record, Value};
use super::pool::Pool;
use crate::pg::{Diagnostic, SqlState};

const BEGIN: &str = include_str!("look.sql");
/// For a connection.
const WAIT: Duration = Duration::from_secs(5);
/// For the answers; PostgreSQL's own end of a statement comes before it.
const LIMIT: Duration = Duration::from_secs(20);

/// A statement and its values.
pub(super) type Fixed<'v> = (&'static str, &'v [Value<'v>]);

/// Runs `statements` in one transaction, all of them in flight at once. What is lost with its connection is tried again
/// on another.
pub(super) async fn look(pool: &Pool, statements: &[Fixed<'_>]) -> Result<Vec<Vec<Record>>, Diagnostic> {
    match once(pool, statements).await {
        Err(gone) if gone.retryable && gone.sqlstate.class() == "08" => {
            pool.sweep();
            once(pool, statements).await
        }
        ended => ended,
    }
}

async fn once(pool: &Pool, statements: &[Fixed<'_>]) -> Result<Vec<Vec<Record>>, Diagnostic> {
    let mut lease = pool.lease(WAIT).await?;
    let link = lease.link().ok_or_else(error::lost)?;
    let client = link.client();
    let typed: Vec<_> = statements.iter().map(|(sql, values)| (*sql, super::fixed::typed(values))).collect();
    let reads = try_join_all(typed.iter().map(|(sql, values)| client.query_typed(sql, values)));
    let answered = timeout(LIMIT, join(client.batch_execute(BEGIN), reads)).await;
    let (begun, answers) = answered.map_err(|_| silent())?;
    begun.map_err(|e| error::diagnostic(&e))?;
    let answers = answers.map_err(|e| error::diagnostic(&e))?;
    lease.end();
    Ok(answers.into_iter().map(|rows| rows.into_iter().map(Record::new).collect()).collect())
}

fn silent() -> Diagnostic {
    Diagnostic::connection(
        SqlState::CANNOT_CONNECT_NOW,
        format!("PostgreSQL did not answer within {} s", LIMIT.as_secs()),
    )
}
