//! What the audit log costs a read: the same queries in turn without one, with one in a file, and a write's wait for its record.
//! `cargo bench --bench audit`.
//!
//! Starts a throwaway PostgreSQL. The two gateways take turns, so that whatever else the machine does meets both.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::audit::{At, Audit, Required, Settings, Statements};
use pgwarden::auth::Caller;
use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings};
use pgwarden::embedded::{Server, Settings as ServerSettings};
use pgwarden::gateway::{CallLimits, Gateway, QueryRequest, Served};
use pgwarden::policy::Policy;
use pgwarden::telemetry::{Event, Statement, Telemetry, Who, Witness as _};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TIMES: usize = 3_000;
const WRITES: usize = 300;
const SQL: &str = "SELECT n, 'x' AS x FROM generate_series(1, 20) AS n WHERE n > 3 ORDER BY n";

#[tokio::main]
async fn main() {
    let server = Server::start(ServerSettings::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let audit = Audit::open(Settings {
        at: At::File { path: folder.path().join("audit.jsonl"), rotate_bytes: u64::MAX, keep_files: 1 },
        statements: Statements::Redacted,
        required: Required::Writes,
        key: None,
        databases: vec!["bench".to_owned()],
    });
    let audit = audit.await.unwrap();
    let (admin, connection) =
        tokio_postgres::connect(&server.url("postgres", server.superuser()), tokio_postgres::NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    admin.batch_execute("CREATE ROLE reader LOGIN").await.unwrap();
    let without = gateway(&server, Telemetry::default());
    let with = gateway(&server, Telemetry::default().with_witness(Arc::clone(&audit) as _));
    let (mut bare, mut audited) = (Vec::new(), Vec::new());
    for turn in 0..TIMES {
        let (first, second) = (read(&without).await, read(&with).await);
        // Connections and caches are warm by then.
        if turn > TIMES / 10 {
            bare.push(first);
            audited.push(second);
        }
    }
    let mut writes = Vec::new();
    for _ in 0..WRITES {
        let begun = Instant::now();
        audit.keep(&announced()).await.unwrap();
        writes.push(begun.elapsed());
    }
    audit.close().await;
    println!("| | p50 us | p99 us |\n|---|---|---|");
    for (what, times) in
        [("read", bare), ("read, recorded", audited), ("record that a write waits for", writes)]
    {
        let [p50, p99] = percentiles(times);
        println!("| {what} | {} | {} |", p50.as_micros(), p99.as_micros());
    }
    server.stop();
}

fn gateway(server: &Server, telemetry: Telemetry) -> Gateway {
    let url = server.url("postgres", "reader");
    let settings = DatabaseSettings::new("bench", ConnectionSettings::parse(&url, &|_| None).unwrap());
    let deadline = Duration::from_secs(30);
    let limits = CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline };
    let served = Served::new(Database::new(settings), Policy::builtin());
    Gateway::new(vec![served], limits, telemetry)
}

async fn read(gateway: &Gateway) -> Duration {
    let request = QueryRequest { sql: SQL.to_owned(), ..QueryRequest::default() };
    let begun = Instant::now();
    gateway.query(&Caller::local("bench"), request, &CancellationToken::new()).await.unwrap();
    begun.elapsed()
}

fn announced() -> Event<'static> {
    Event::Write {
        query_id: "0011223344556677",
        who: Who { subject: "bench", ..Who::default() },
        database: "bench",
        kind: "UPDATE",
        policy: "v1",
        statement: Statement::Checked("UPDATE \"s\".\"t\" SET \"a\" = 1 WHERE (\"b\" = 2)"),
        relation: "s.t",
        approval: None,
    }
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 2] {
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() * 99 / 100]]
}
