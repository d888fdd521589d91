//! Behind PgBouncer in transaction mode: the same answers, and nothing of one caller reaches another.
//!
//! That everything else goes well there too is shown by the other tests, which `TEST_THROUGH_PGBOUNCER` leads through one.

mod apart;
mod kept;
mod known;
mod written;

use pgwarden::auth::Caller;
use pgwarden::db::{ConnectionSettings, Pooler};
use pgwarden::gateway::{CallLimits, Gateway, QueryRequest, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::telemetry::Telemetry;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

use crate::support::{PgBouncer, cluster, keeps_statements, pgbouncer};

/// One in the way that a version keeps named statements, and one where it does not; each with so many server connections.
fn each_way(server_connections: usize) -> Vec<PgBouncer> {
    let Some(program) = pgbouncer() else { return Vec::new() };
    let size = format!("default_pool_size = {server_connections}\n");
    let ways = match keeps_statements(&program) {
        true => vec![
            format!("{size}max_prepared_statements = 0\n"),
            format!("{size}max_prepared_statements = 50\n"),
        ],
        false => vec![size],
    };
    ways.iter().map(|settings| PgBouncer::start(&program, cluster(), settings)).collect()
}

/// Another application's connection.
async fn other(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn one(client: &Client, sql: &str) -> String {
    use tokio_postgres::SimpleQueryMessage::Row;
    let messages = client.simple_query(sql).await.unwrap();
    let row = messages.iter().find_map(|message| if let Row(row) = message { Some(row) } else { None });
    row.and_then(|row| row.get(0)).unwrap_or("NULL").to_owned()
}

fn connection(url: &str, pooler: Pooler) -> ConnectionSettings {
    ConnectionSettings::parse(url, &|_| None).unwrap().with_pooler(pooler)
}

fn gateway(served: Served) -> Gateway {
    let deadline = std::time::Duration::from_secs(60);
    let limits = CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline };
    Gateway::new(vec![served], limits, Telemetry::default())
}

/// The rows as JSON.
async fn rows(gateway: &Gateway, caller: &Caller, sql: &str) -> Result<String, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let output = gateway.query(caller, request, &CancellationToken::new()).await?;
    Ok(output.rows.get().to_owned())
}
