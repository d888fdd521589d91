//! How soon PostgreSQL is idle again after each way to cancel, what a million rows in pages cost, and what ten thousand
//! queued tasks cost.
//! `cargo bench --bench tasks`.
//!
//! Starts a throwaway PostgreSQL. Every way is taken 200 times, while a neighbour's statements run one after the other
//! over the same pool: all of them must be answered. A cancel is over when pg_stat_activity knows nothing more of the
//! statement; it is asked every millisecond, which the figures include.

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

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mcp_wire::{HttpPeer, STATELESS, StdioPeer, caller, initialize, request, stateless};
use pgwarden::auth::Caller;
use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings};
use pgwarden::embedded::{Server, Settings as ServerSettings};
use pgwarden::gateway::{CallLimits, Gateway, Patience, QueryRequest, Served};
use pgwarden::mcp::{Authentication, SessionMode, Settings};
use pgwarden::policy::Policy;
use pgwarden::tasks::{Holder, MemoryStore, TaskId, TaskSettings};
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TIMES: u32 = 200;
const QUEUED: u32 = 10_000;

#[tokio::main]
async fn main() {
    let server = Server::start(ServerSettings::default()).unwrap();
    let url = server.url("postgres", server.superuser());
    let (admin, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    admin.batch_execute("CREATE ROLE reader LOGIN").await.unwrap();
    let bench = Bench { url: server.url("postgres", "reader"), admin, mark: AtomicU64::new(1_000_000) };

    println!("| cancelled by | p50 ms | p99 ms | most ms |\n|---|---|---|---|");
    bench.measure("the call's own token (in process)", Bench::token).await;
    bench.measure("`notifications/cancelled` on stdio", Bench::stdio_notification).await;
    bench.measure("the end of stdin", Bench::end_of_input).await;
    bench.measure("a dropped HTTP connection", Bench::dropped_connection).await;
    bench.measure("`tasks/cancel` of 2025-11-25", Bench::legacy_cancel).await;
    bench.measure("`tasks/cancel` of 2026-07-28", Bench::extension_cancel).await;
    bench.measure("the tool `task_cancel`", Bench::tool).await;
    bench.measure("the deadline", Bench::deadline).await;
    bench.measure("the order to stop", Bench::stop).await;
    bench.million().await;
    bench.queue().await;
    server.stop();
}

struct Bench {
    url: String,
    admin: Client,
    mark: AtomicU64,
}

/// A running statement and what ends it.
struct Running {
    mark: u64,
    /// Sends the wish. The moment that it returns is not measured.
    cancel: std::pin::Pin<Box<dyn Future<Output = ()>>>,
    /// What has to live until then.
    _kept: Box<dyn std::any::Any>,
}

impl Bench {
    fn gateway(&self, deadline: Duration) -> Gateway {
        let connection = ConnectionSettings::parse(&self.url, &|_| None).unwrap();
        let database = Database::new(DatabaseSettings::new("bench", connection));
        let limits = CallLimits { rows: 1000, characters: 40_000, field_characters: 4_000, deadline };
        let settings = TaskSettings {
            task_after: Duration::from_millis(1),
            handle_after: Duration::from_millis(1),
            open_per_owner: 100_000,
            open: 100_000,
            ..TaskSettings::default()
        };
        let store = Arc::new(MemoryStore::new(settings.clone()));
        let served = Served::new(database, Policy::builtin());
        Gateway::new(vec![served], limits, Telemetry::default()).with_tasks(
            store,
            settings,
            Holder(TaskId::random().unwrap()),
        )
    }

    fn gateway_of_rows(&self, rows: u64) -> Gateway {
        let connection = ConnectionSettings::parse(&self.url, &|_| None).unwrap();
        let database = Database::new(DatabaseSettings::new("bench", connection));
        let deadline = Duration::from_secs(600);
        let limits = CallLimits { rows, characters: 40_000, field_characters: 4_000, deadline };
        Gateway::new(vec![Served::new(database, Policy::builtin())], limits, Telemetry::default())
    }

    fn patient(&self) -> Gateway {
        let settings = TaskSettings::default();
        let store = Arc::new(MemoryStore::new(settings.clone()));
        self.gateway(Duration::from_secs(600)).with_tasks(store, settings, Holder(TaskId::random().unwrap()))
    }

    fn mark(&self) -> (u64, String) {
        let mark = self.mark.fetch_add(1, Ordering::Relaxed);
        (mark, format!("SELECT count(*) FROM generate_series(1, {mark}) a, generate_series(1, 100000) b"))
    }

    fn call(sql: &str) -> Value {
        json!({"name": "query", "arguments": {"sql": sql}})
    }

    async fn is_running(&self, mark: u64) -> bool {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1
                   AND pid <> pg_backend_pid()";
        self.admin.query_one(sql, &[&format!("%{mark}%")]).await.unwrap().get::<_, i64>(0) > 0
    }

    async fn until(&self, mark: u64, running: bool) {
        let started = Instant::now();
        while self.is_running(mark).await != running {
            assert!(started.elapsed() < Duration::from_secs(20), "running should be {running}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn measure(&self, name: &str, begin: impl AsyncFn(&Self, &Shared) -> Running) {
        let shared = Shared::new(self).await;
        let (stop, neighbour) = neighbour(shared.impatient.clone());
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let running = begin(self, &shared).await;
            self.until(running.mark, true).await;
            running.cancel.await;
            let started = Instant::now();
            self.until(running.mark, false).await;
            times.push(started.elapsed());
        }
        stop.cancel();
        assert!(neighbour.await.unwrap() > 0, "the neighbour has asked nothing");
        times.sort();
        let at = |part: u32| {
            times[usize::try_from((TIMES * part / 100).min(TIMES - 1)).unwrap()].as_secs_f64() * 1e3
        };
        println!("| {name} | {:.1} | {:.1} | {:.1} |", at(50), at(99), at(100));
    }

    async fn token(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let (gateway, stop) = (shared.patient.clone(), CancellationToken::new());
        let token = stop.clone();
        let call = tokio::spawn(async move {
            let request = QueryRequest { sql, ..QueryRequest::default() };
            gateway.ask(&caller(), request, Patience::default(), &token).await
        });
        Running { mark, cancel: Box::pin(async move { stop.cancel() }), _kept: Box::new(call) }
    }

    async fn stdio_notification(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let mut peer = StdioPeer::with(shared.patient.clone(), Settings::default());
        peer.ask(&initialize("2025-06-18")).await;
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        peer.say(&request(1, "tools/call", Self::call(&sql)));
        let cancel = async move {
            peer.say(
                &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
            );
            // It must not go before the statement has.
            tokio::time::sleep(Duration::from_millis(20)).await;
            tokio::spawn(peer.finish());
        };
        Running { mark, cancel: spawned(cancel), _kept: Box::new(()) }
    }

    async fn end_of_input(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let mut peer = StdioPeer::with(shared.patient.clone(), Settings::default());
        peer.ask(&initialize("2025-06-18")).await;
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        peer.say(&request(1, "tools/call", Self::call(&sql)));
        Running { mark, cancel: spawned(async move { drop(peer.finish().await) }), _kept: Box::new(()) }
    }

    async fn dropped_connection(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let body = request(1, "tools/call", Self::call(&sql)).to_string();
        let post = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = tokio::net::TcpStream::connect(shared.patient_http.address).await.unwrap();
        stream.write_all(post.as_bytes()).await.unwrap();
        Running { mark, cancel: Box::pin(async move { drop(stream) }), _kept: Box::new(()) }
    }

    async fn legacy_cancel(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let mut call = Self::call(&sql);
        call["task"] = json!({});
        let headers = [("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", shared.session.as_str())];
        let created = shared.http.post(&headers, request(1, "tools/call", call)).await.json();
        let id = created["result"]["task"]["taskId"].clone();
        let (http, session) = (Arc::clone(&shared.http), shared.session.clone());
        let cancel = async move {
            let headers = [("mcp-protocol-version", "2025-11-25"), ("mcp-session-id", session.as_str())];
            http.post(&headers, request(2, "tasks/cancel", json!({"taskId": id}))).await;
        };
        Running { mark, cancel: spawned(cancel), _kept: Box::new(()) }
    }

    async fn extension_cancel(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let http = Arc::clone(&shared.http);
        let created = declared(&http, "tools/call", Self::call(&sql), Some("query")).await;
        let id = created["result"]["taskId"].clone();
        let cancel = async move {
            declared(&http, "tasks/cancel", json!({"taskId": id}), None).await;
        };
        Running { mark, cancel: spawned(cancel), _kept: Box::new(()) }
    }

    async fn tool(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let http = Arc::clone(&shared.http);
        let handle = http.ask("tools/call", Self::call(&sql)).await.json();
        let id = handle["result"]["structuredContent"]["task_id"].clone();
        let cancel = async move {
            http.ask("tools/call", json!({"name": "task_cancel", "arguments": {"task_id": id}})).await;
        };
        Running { mark, cancel: spawned(cancel), _kept: Box::new(()) }
    }

    async fn deadline(&self, shared: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let gateway = shared.brief.clone();
        let started = Instant::now();
        let call = tokio::spawn(async move {
            let request = QueryRequest { sql, ..QueryRequest::default() };
            gateway.query(&caller(), request, &CancellationToken::new()).await
        });
        let cancel = Box::pin(async move { tokio::time::sleep_until((started + BRIEF).into()).await });
        Running { mark, cancel, _kept: Box::new(call) }
    }

    async fn stop(&self, _: &Shared) -> Running {
        let (mark, sql) = self.mark();
        let gateway = self.gateway(Duration::from_secs(600));
        let request = QueryRequest { sql, ..QueryRequest::default() };
        gateway.submit(&caller(), request, None).await.unwrap();
        let stop = CancellationToken::new();
        let order = stop.clone();
        let working = tokio::spawn(async move { gateway.work(order, Duration::ZERO).await });
        Running { mark, cancel: Box::pin(async move { stop.cancel() }), _kept: Box::new(working) }
    }

    /// A million rows, paged to the end.
    async fn million(&self) {
        let settings = TaskSettings {
            answer_bytes: 1 << 30,
            stored_bytes_per_owner: 1 << 30,
            ..TaskSettings::default()
        };
        let store = Arc::new(MemoryStore::new(settings.clone()));
        let gateway =
            self.gateway_of_rows(2_000_000).with_tasks(store, settings, Holder(TaskId::random().unwrap()));
        gateway.ready().await.unwrap();
        let sql =
            "SELECT n, n * 7 AS seven, n % 97 AS rest, md5(n::text) AS digest, now() AS at, n / 3.0 AS third,
                   'row ' || n AS words FROM generate_series(1, 1000000) AS n";
        let before = resident();
        let (started, never) = (Instant::now(), CancellationToken::new());
        let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
        let first = gateway.query(&caller(), request, &never).await.unwrap();
        let (first_page, mut rows, mut pages, mut peak) = (started.elapsed(), first.row_count, 1, 0);
        let mut cursor = first.next_cursor;
        while let Some(at) = cursor {
            let page =
                gateway.next_page(&caller(), &at, None, Duration::from_secs(60), &never).await.unwrap();
            rows += page.row_count;
            pages += 1;
            cursor = page.next_cursor;
            if pages % 50 == 0 {
                peak = peak.max(resident());
            }
        }
        println!(
            "\n{rows} rows x 7 columns in {pages} pages: the first after {:.0} ms, all after {:.1} s; {} KiB more resident \
             memory at the most",
            first_page.as_secs_f64() * 1e3,
            started.elapsed().as_secs_f64(),
            peak.saturating_sub(before) / 1024,
        );
    }

    async fn queue(&self) {
        let gateway = self.gateway(Duration::from_secs(600));
        gateway.ready().await.unwrap();
        let before = resident();
        let mut times = Vec::new();
        for number in 0..QUEUED {
            let request = QueryRequest { sql: format!("SELECT {number} AS n"), ..QueryRequest::default() };
            let started = Instant::now();
            gateway.submit(&Caller::local("many"), request, None).await.unwrap();
            times.push(started.elapsed());
        }
        times.sort();
        let grown = resident().saturating_sub(before);
        let request = QueryRequest { sql: "SELECT -1 AS n".to_owned(), ..QueryRequest::default() };
        let one = gateway.submit(&Caller::local("one"), request, None).await.unwrap();
        let stop = CancellationToken::new();
        let working = tokio::spawn({
            let (gateway, stop) = (gateway.clone(), stop.clone());
            async move { gateway.work(stop, Duration::ZERO).await }
        });
        let started = Instant::now();
        let wait = Duration::from_secs(600);
        let never = CancellationToken::new();
        gateway.task_outcome(&Caller::local("one"), one.id, wait, &never).await.unwrap();
        let fair = started.elapsed();
        let done = gateway.list_tasks(&Caller::local("many"), None, usize::MAX).await.unwrap();
        let done = done.iter().filter(|task| task.state.is_terminal()).count();
        let ms = |at: usize| times[at].as_secs_f64() * 1e3;
        println!(
            "\n{QUEUED} queued tasks of one caller: create p50 {:.3} ms, p99 {:.3} ms; {} KiB more resident memory\n\
             a task of another caller behind them: answered after {:.0} ms, when {done} of the others were",
            ms(times.len() / 2),
            ms(times.len() * 99 / 100),
            grown / 1024,
            fair.as_secs_f64() * 1e3,
        );
        stop.cancel();
        working.await.unwrap();
    }
}

const BRIEF: Duration = Duration::from_millis(300);

/// What all rounds of one way share.
struct Shared {
    /// Answers after a millisecond, with a task or a handle.
    impatient: Gateway,
    patient: Gateway,
    /// Its deadline is [`BRIEF`].
    brief: Gateway,
    http: Arc<HttpPeer>,
    session: String,
    patient_http: HttpPeer,
}

impl Shared {
    async fn new(bench: &Bench) -> Self {
        let impatient = bench.gateway(Duration::from_secs(600));
        let patient = bench.patient();
        let brief = bench.gateway(BRIEF);
        for gateway in [&impatient, &patient, &brief] {
            gateway.ready().await.unwrap();
        }
        let open = || Authentication::Open(caller());
        let http = Arc::new(HttpPeer::with(impatient.clone(), open(), Settings::default()).await);
        let session = http.session("2025-11-25").await;
        let mut stateless = Settings::default();
        stateless.http.sessions.mode = SessionMode::Stateless;
        let patient_http = HttpPeer::with(patient.clone(), open(), stateless).await;
        Self { impatient, patient, brief, http, session, patient_http }
    }
}

/// Asks one statement after the other until it is told to stop; panics where one is not answered.
fn neighbour(gateway: Gateway) -> (CancellationToken, tokio::task::JoinHandle<u64>) {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let asking = tokio::spawn(async move {
        let mut asked = 0;
        while !stopped.is_cancelled() {
            let sql = format!("SELECT {asked} AS n, sum(x) FROM generate_series(1, 20000) AS x");
            let request = QueryRequest { sql, ..QueryRequest::default() };
            let answer = gateway.query(&Caller::local("neighbour"), request, &CancellationToken::new()).await;
            assert_eq!(answer.unwrap().row_count, 1);
            asked += 1;
        }
        asked
    });
    (stop, asking)
}

async fn declared(http: &HttpPeer, method: &str, params: Value, name: Option<&str>) -> Value {
    let mut message = stateless(1, method, params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let mut headers = vec![("mcp-protocol-version", STATELESS), ("mcp-method", method)];
    headers.extend(name.map(|name| ("mcp-name", name)));
    http.post(&headers, message).await.json()
}

/// The wish is on its way as soon as it is polled; nobody waits for its answer.
fn spawned(wish: impl Future<Output = ()> + Send + 'static) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        tokio::spawn(wish);
    })
}

/// Bytes, as Linux counts them.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
