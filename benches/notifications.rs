//! How soon a client hears of a change of the schema, and what looking for one costs the server.
//! `cargo bench --bench notifications`.
//!
//! Starts a throwaway PostgreSQL with 300 tables. A hundred changes for each source, at times that have nothing to do with
//! the poll's: from COMMIT, as the client that changes sees it, to the notification, as the client that is told sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a benchmark fails by panicking"
)]

#[path = "../tests/pure/mcp_wire.rs"]
#[allow(dead_code, reason = "it is the tests'")]
mod mcp_wire;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mcp_wire::{StdioPeer, initialize, request, stateless};
use pgwarden::db::notify::INSTALL;
use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings};
use pgwarden::embedded::{Server, Settings as ServerSettings};
use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::mcp::Settings;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::json;
use tokio_postgres::{Client, NoTls};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TABLES: u32 = 300;
const TIMES: u64 = 100;
const URI: &str = "postgres://bench/public/t1";
const MOMENT: &str = include_str!("../src/db/introspect/moment.sql");
const VERSION: &str = include_str!("../src/db/introspect/version.sql");

#[tokio::main]
async fn main() {
    let server = Server::start(ServerSettings::default()).unwrap();
    let url = server.url("postgres", server.superuser());
    let (admin, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    admin.batch_execute(&tables()).await.unwrap();

    println!("| look | p50 ms | p99 ms |\n|---|---|---|");
    for (name, sql) in [("`moment.sql`", MOMENT), ("`version.sql`", VERSION)] {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let started = Instant::now();
            admin.query(sql, &[]).await.unwrap();
            took.push(started.elapsed());
        }
        row(name, &mut took);
    }
    println!("\n| told, by | p50 ms | p99 ms |\n|---|---|---|");
    let gateway = gateway(&server.url("postgres", "reader"));
    gateway.ready().await.unwrap();
    for source in ["poll", "event trigger"] {
        if source == "event trigger" {
            admin.batch_execute(INSTALL).await.unwrap();
        }
        for era in ["2025-11-25", "2026-07-28"] {
            let mut took = told(&gateway, &admin, era, source).await;
            row(&format!("{source}, {era}"), &mut took);
            assert!(took[took.len() / 2] < Duration::from_secs(1), "{source}, {era}");
        }
    }
}

fn tables() -> String {
    let mut sql = "CREATE ROLE reader LOGIN;".to_owned();
    for number in 1..=TABLES {
        write!(
            sql,
            "CREATE TABLE t{number} (id bigint PRIMARY KEY, a text NOT NULL, b text, c numeric(12,2), d timestamptz, e int,
             f jsonb, g date); COMMENT ON TABLE t{number} IS 'table {number}'; CREATE INDEX ON t{number} (a);
             GRANT SELECT ON t{number} TO reader;"
        )
        .unwrap();
    }
    sql
}

fn gateway(url: &str) -> Gateway {
    let connection = ConnectionSettings::parse(url, &|_| None).unwrap();
    let database = Database::new(DatabaseSettings::new("bench", connection));
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    Gateway::new(vec![Served::new(database, Policy::builtin())], limits, Telemetry::default())
}

async fn told(gateway: &Gateway, admin: &Client, era: &str, source: &str) -> Vec<Duration> {
    let mut peer = StdioPeer::with(gateway.clone(), Settings::default());
    if era == "2026-07-28" {
        let filter = json!({"notifications": {"resourceSubscriptions": [URI]}});
        peer.ask(&stateless(1, "subscriptions/listen", filter)).await;
    } else {
        peer.ask(&initialize(era)).await;
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        peer.ask(&request(1, "resources/subscribe", json!({"uri": URI}))).await;
    }
    // For the listening connection, and for the poll to become slow.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut took = Vec::new();
    for time in 0..TIMES {
        let sql = format!("COMMENT ON COLUMN t1.b IS '{source} {era} {time}'");
        let started = Instant::now();
        admin.batch_execute(&sql).await.unwrap();
        let heard = peer.hear().await;
        took.push(started.elapsed());
        assert_eq!(heard["params"]["uri"], URI, "{heard}");
        // Steps that share no measure with the poll's.
        tokio::time::sleep(Duration::from_millis(300 + time * 137 % 251)).await;
    }
    took
}

/// Sorts them.
fn row(name: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)].as_secs_f64() * 1e3;
    println!("| {name} | {:.2} | {:.2} |", at(50), at(99));
}
