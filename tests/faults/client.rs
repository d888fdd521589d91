//! The client goes away, reads slowly, or wants very much.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::ground::Ground;
use super::row::row;
use super::served::{Served, configure, has_rows, program, words};
use crate::support::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_in_an_event_stream() {
    let ground = Ground::shared().await;
    let served = Served::start(&ground, "").await;
    let before = served.descriptors();
    let mut longest = Duration::ZERO;
    for _ in 0..5 {
        let mut stream = TcpStream::connect(&served.address).await.unwrap();
        stream.write_all(served.raw_query("SELECT s.wait(60)").as_bytes()).await.unwrap();
        ground.running().await;
        stream.set_zero_linger().unwrap();
        drop(stream);
        let began = Instant::now();
        until("the statement ends", async || ground.backends("active").await.is_empty().then_some(())).await;
        longest = longest.max(began.elapsed());
    }
    assert!(longest < Duration::from_secs(3), "{longest:?}");
    assert!(has_rows(&served.query("SELECT 1").await, &json!([[1]])));
    until("the descriptors are back", async || (served.descriptors() <= before + 6).then_some(())).await;
    ground.nothing_is_left(6).await;
    row(
        "client gone, over HTTP",
        "the socket was reset while pg_stat_activity showed the statement",
        "the statement ends in PostgreSQL within a second",
        &format!("after {} ms at the most, of five", longest.as_millis()),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_on_stdio_that_is_killed() {
    let ground = Ground::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configure(folder.path(), &ground, "");
    let mut command = program();
    command.args(["serve", "--stdio", "--config", config.to_str().unwrap()]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
    "name": "query", "arguments": {"sql": "SELECT s.wait(60)"}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    writeln!(input, "{call}").unwrap();
    ground.running().await;
    // What the kernel does with the pipes of a killed process.
    drop((input, child.stdout.take()));
    let began = Instant::now();
    let child = Mutex::new(child);
    let status = until("it ends", async || child.lock().unwrap().try_wait().unwrap()).await;
    let ended = began.elapsed();
    until("the statement ends", async || ground.backends("active").await.is_empty().then_some(())).await;
    let stopped = began.elapsed();
    assert!(ended < Duration::from_secs(14), "{ended:?}");
    until("no connection is left", async || ground.backends("%").await.is_empty().then_some(())).await;
    row(
        "client gone, on stdio",
        "both pipes were closed, as those of a killed process are",
        "the statement is cancelled and the server ends",
        &format!(
            "the statement ended by {:.1} s, the process after {:.1} s with {status}",
            stopped.as_secs_f64(),
            ended.as_secs_f64()
        ),
    );
}

/// Connections of the server at `address` with bytes that their client does not take, by the kernel's table.
fn unsent(address: &str) -> usize {
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let of_server = table.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().is_some_and(|local| local.ends_with(&format!(":{port:04X}")));
        let established = fields.nth(1) == Some("01");
        local && established && fields.next().is_some_and(|queues| !queues.starts_with("00000000:"))
    });
    of_server.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read() {
    let ground = Ground::shared().await;
    let served = Served::start(&ground, "").await;
    assert!(has_rows(&served.query("SELECT 1").await, &json!([[1]])));
    let before = served.resident();
    let call = served.raw_query("SELECT n, repeat('x', 300) AS x FROM generate_series(1, 100) AS n");
    let mut slow = Vec::new();
    for _ in 0..20 {
        // Small, so that the answers stay with the server.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(served.address.parse().unwrap()).await.unwrap();
        stream.write_all(call.repeat(50).as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let unsent = until("answers wait for their reader", async || {
        let unsent = unsent(&served.address);
        (unsent >= 20).then_some(unsent)
    })
    .await;
    let began = Instant::now();
    for _ in 0..5 {
        assert!(has_rows(&served.query("SELECT 2").await, &json!([[2]])));
    }
    let others = began.elapsed() / 5;
    assert!(others < Duration::from_secs(3), "{others:?}");
    ground.nothing_is_left(6).await;
    let grown = served.resident().saturating_sub(before) / 1024;
    assert!(grown < 128, "{grown} MB");
    let mut first = [0; 64];
    let unread = slow[0].read(&mut first).await.unwrap();
    assert!(unread > 0);
    row(
        "slow reader",
        &format!("the kernel has bytes to send on {unsent} of 20 connections with 50 calls each"),
        "no connection to PostgreSQL is held for them, others are served, memory is bounded",
        &format!("others' calls {} ms; {grown} MB more memory; no statement is left", others.as_millis()),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_rows() {
    let ground = Ground::shared().await;
    let served = Served::start(&ground, "[limits]\nrows = 2000000\n").await;
    assert!(has_rows(&served.query("SELECT 1").await, &json!([[1]])));
    let before = served.resident();
    let began = Instant::now();
    let sql = "SELECT n, md5(n::text) AS m FROM generate_series(1, 1000000) AS n";
    let first = served.query(sql).await.unwrap();
    let page = began.elapsed();
    let cursor = first["structuredContent"]["next_cursor"].clone();
    assert!(cursor.is_string(), "{}", words(&first));
    let highest = AtomicU64::new(served.resident());
    until("PostgreSQL is done", async || {
        highest.fetch_max(served.resident(), Relaxed);
        ground.backends("active").await.is_empty().then_some(())
    })
    .await;
    let all = began.elapsed();
    let next = served.ask("query", json!({"cursor": cursor})).await.unwrap();
    let rows = first["structuredContent"]["row_count"].as_u64().unwrap();
    assert_eq!(next["structuredContent"]["rows"][0][0], rows + 1, "{next}");
    let grown = highest.into_inner().saturating_sub(before) / 1024;
    // What is stored of an answer is bounded by 64 MB.
    assert!(grown < 160, "{grown} MB");
    ground.nothing_is_left(6).await;
    row(
        "a million rows",
        "generate_series made them, and the second page goes on behind the first",
        "a first page at once; what is kept is bounded, whatever the statement makes",
        &format!(
            "the first page after {:.2} s, PostgreSQL done after {:.1} s; {grown} MB more memory at the most",
            page.as_secs_f64(),
            all.as_secs_f64()
        ),
    );
}
