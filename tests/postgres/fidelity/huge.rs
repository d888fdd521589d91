//! Values of hundreds of megabytes arrive cut, soon, and without anyone holding them.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Bench;

/// What a whole answer may take, in which PostgreSQL reads 500 MB nowhere.
const SOON: Duration = Duration::from_secs(10);
/// What pgwarden may take beyond what it takes when nobody asks.
const SERVER_KB: u64 = 64 * 1024;
/// What a backend may take of its own, above what it takes to print 4,000 characters.
const BACKEND_KB: u64 = 64 * 1024;

/// Hundreds of megabytes that compress to a few, and tens of them as they are.
const TABLES: &str = "
    CREATE FUNCTION v.many(text, int) RETURNS text LANGUAGE sql AS $$ SELECT repeat(repeat($1, 1000), $2 / 1000) $$;
    CREATE TABLE v.compressed (id int, t text, b bytea, c varchar, x xml);
    ALTER TABLE v.compressed ALTER t SET STORAGE MAIN, ALTER b SET STORAGE MAIN;
    INSERT INTO v.compressed (id, t) VALUES (1, v.many('x', 500000000));
    INSERT INTO v.compressed (id, b) VALUES (2, convert_to(v.many('x', 100000000), 'UTF8'));
    INSERT INTO v.compressed (id, c) SELECT 3, t FROM v.compressed WHERE id = 1;
    INSERT INTO v.compressed (id, x) VALUES (4, xmlelement(name a, v.many('x', 100000000)));
    CREATE TABLE v.plain (t text, b bytea);
    ALTER TABLE v.plain ALTER t SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
    INSERT INTO v.plain (t) VALUES (v.many('äöü', 20000000));
    INSERT INTO v.plain (b) VALUES (convert_to(v.many('x', 100000000), 'UTF8'));
    CREATE TYPE types.holds AS (id int, t text);
    CREATE TABLE v.whole (j jsonb, d json, a text[], n int[], r types.holds, rs types.holds[], h types.hstore);
    INSERT INTO v.whole (j) VALUES (to_jsonb(v.many('x', 200000000)));
    INSERT INTO v.whole (d) VALUES (to_json(v.many('x', 100000000)));
    INSERT INTO v.whole (a) VALUES (ARRAY[v.many('x', 100000000)]);
    INSERT INTO v.whole (n) VALUES (array_fill(7, ARRAY[25000000]));
    INSERT INTO v.whole (r) VALUES (ROW(1, v.many('x', 100000000)));
    INSERT INTO v.whole (rs) VALUES (ARRAY[ROW(1, v.many('x', 100000000))::types.holds]);
    INSERT INTO v.whole (h) VALUES (types.hstore('k', v.many('x', 100000000)));";

#[tokio::test]
async fn values_of_500_megabytes_arrive_cut_and_nobody_holds_them() {
    let bench = Bench::new(&format!("CREATE EXTENSION hstore SCHEMA types; {TABLES}")).await;
    let mut server = Server::start(&bench.url).await;
    let warm = server.ask("SELECT left(t, 10), b, c, x FROM v.compressed WHERE id = 0").await;
    assert_eq!(warm["row_count"], 0);
    let (idle, backend_idle) = (server.resident(), backend_peak(&bench).await);
    let cut = |value: &Value, start: &str| {
        let text = value.as_str().unwrap();
        assert!(text.starts_with(start) && text.ends_with("…[cut]"), "{text}");
        assert_eq!(text.chars().count(), 4_000 + "…[cut]".chars().count());
    };
    for (sql, start) in [
        ("SELECT t FROM v.compressed WHERE id = 1", "xxx"),
        ("SELECT b FROM v.compressed WHERE id = 2", "\\x7878"),
        ("SELECT c FROM v.compressed WHERE id = 3", "xxx"),
        ("SELECT x FROM v.compressed WHERE id = 4", "<a>xxx"),
        ("SELECT t FROM v.plain WHERE t IS NOT NULL", "äöü"),
        ("SELECT b FROM v.plain WHERE b IS NOT NULL", "\\x7878"),
    ] {
        let started = Instant::now();
        let answer = server.ask(sql).await;
        assert!(started.elapsed() < SOON, "{sql}: {:?}", started.elapsed());
        cut(&answer["rows"][0][0], start);
        assert_eq!(answer["truncated"], true);
    }
    let peak = backend_peak(&bench).await;
    assert!(peak < backend_idle + BACKEND_KB, "the backend took {peak} kB after {backend_idle} kB");
    for sql in [
        "SELECT j FROM v.whole WHERE j IS NOT NULL",
        "SELECT d FROM v.whole WHERE d IS NOT NULL",
        "SELECT a FROM v.whole WHERE a IS NOT NULL",
        "SELECT n FROM v.whole WHERE n IS NOT NULL",
        "SELECT r FROM v.whole WHERE (r).id IS NOT NULL",
        "SELECT rs FROM v.whole WHERE rs IS NOT NULL",
        "SELECT h FROM v.whole WHERE h IS NOT NULL",
        "SELECT w FROM v.compressed AS w WHERE id = 1",
        "SELECT ROW(b, 1) FROM v.compressed WHERE id = 2",
    ] {
        let started = Instant::now();
        let answer = server.ask(sql).await;
        assert!(started.elapsed() < SOON, "{sql}: {:?}", started.elapsed());
        assert_eq!(answer["rows"][0][0], "…[too large]", "{sql}");
        let reason = answer["truncated_reason"].as_str().unwrap();
        assert!(reason.contains("1 value was too large to print"), "{reason}");
    }
    let answer = server.ask("SELECT * FROM v.compressed ORDER BY id").await;
    assert_eq!((&answer["row_count"], &answer["rows"][3][0]), (&json!(4), &json!(4)));
    let took = server.peak().saturating_sub(idle);
    assert!(took < SERVER_KB, "pgwarden took {took} kB more than idle");
}

/// A field's parts are there for the asking.
#[tokio::test]
async fn a_part_of_a_large_document_can_be_selected() {
    let bench = Bench::new(
        "CREATE TABLE v.t AS SELECT jsonb_build_object('k', 1, 'big', (SELECT jsonb_agg(md5(g::text)) FROM generate_series(1, 60000) AS g)) AS j",
    )
    .await;
    let mut server = Server::start(&bench.url).await;
    let answer =
        server.ask("SELECT j, j -> 'k', j -> 'big' -> 59999, jsonb_array_length(j -> 'big') FROM v.t").await;
    let last = "2b4226dd7ed6eb2d419b881f3ae9c97c";
    assert_eq!(answer["rows"][0], json!(["…[too large]", 1, last, 60_000]));
}

/// The most that a backend of the login has held of memory, shared buffers included.
async fn backend_peak(bench: &Bench) -> u64 {
    let rows = bench
        .printed("SELECT pid FROM pg_catalog.pg_stat_activity WHERE usename LIKE '%login' AND datname = current_database()")
        .await;
    let pids = rows.into_iter().flatten().flatten();
    pids.map(|pid| status(&pid, "VmHWM:")).max().unwrap_or_default()
}

fn status(pid: &str, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let found = status.lines().find_map(|found| found.strip_prefix(line));
    found.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// `pgwarden serve --stdio`, as a client starts it.
struct Server {
    child: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    last: u64,
}

impl Server {
    async fn start(url: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pgwarden"))
            .args(["serve", "--stdio", "--database", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, requests, answers, last: 0 };
        let hello = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
        });
        server.call("initialize", hello).await;
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        server
    }

    async fn ask(&mut self, sql: &str) -> Value {
        let answer = self.call("tools/call", json!({"name": "query", "arguments": {"sql": sql}})).await;
        assert_ne!(answer["isError"], true, "{sql}: {answer}");
        answer["structuredContent"].clone()
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        loop {
            let line = self.answers.next_line().await.unwrap().expect("the server has ended");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{message}");
                return message["result"].clone();
            }
        }
    }

    async fn send(&mut self, message: &Value) {
        self.requests.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, line: &str) -> u64 {
        let kilobytes = status(&self.child.id().unwrap().to_string(), line);
        assert!(kilobytes > 0);
        kilobytes
    }
}
