//! Very many who wait: streams without a word, and tasks in the queue.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::auth::Caller;
use pgwarden::db::ConnectionSettings;
use pgwarden::gateway::QueryRequest;
use pgwarden::store::MasterKey;
use pgwarden::store::migrate::migrate;
use pgwarden::tasks::{Holder, MemoryStore, Pace, PostgresStore, State, Store, TaskId, TaskSettings};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::ground::Ground;
use super::row::{full, row};
use super::served::{Served, program};
use crate::support::until;

/// Callers who may listen a hundred times each: a file of tokens, and what they send.
fn callers(folder: &Path, count: u32) -> Vec<String> {
    let file = folder.join("tokens.toml");
    let tokens = (0..count).map(|number| {
        let words =
            ["token", "create", "--tokens-file", file.to_str().unwrap(), "--name", &format!("c{number}")];
        let made = program().args(words).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let token = String::from_utf8(made.stdout).unwrap();
        format!("authorization: Bearer {}\r\n", token.trim())
    });
    tokens.collect()
}

async fn stream(served: &Served, from: u8, token: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from([127, 0, 0, from]), 0).into()).unwrap();
    let mut stream = socket.connect(served.address.parse().unwrap()).await.unwrap();
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let request = served.raw("subscriptions/listen", None, filter);
    let request = request.replacen("content-type", &format!("{token}content-type"), 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    let (mut heard, mut buffer) = (Vec::new(), [0; 2048]);
    while !String::from_utf8_lossy(&heard).contains("acknowledged") {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await;
        let told = String::from_utf8_lossy(&heard);
        let count = read.unwrap_or_else(|_| panic!("no answer from {from}: {told}")).unwrap();
        assert!(count > 0, "{from}: {told}");
        heard.extend_from_slice(&buffer[..count]);
    }
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_idle_streams() {
    let ground = Ground::shared().await;
    let folder = tempfile::tempdir().unwrap();
    let tokens = callers(folder.path(), 20);
    let file = folder.path().join("tokens.toml");
    let tokens_file = format!("[auth]\nmethods = [\"tokens\"]\ntokens_file = \"{}\"\n", file.display());
    let served = Served::start(&ground, &tokens_file).await;
    drop(stream(&served, 2, &tokens[0]).await);
    let (memory, descriptors) = (served.resident(), served.descriptors());
    let mut streams = Vec::new();
    for number in 0..1_000_u32 {
        let token = &tokens[usize::try_from(number).unwrap() % tokens.len()];
        streams.push(stream(&served, u8::try_from(2 + number / 200).unwrap(), token).await);
    }
    let open = served.descriptors() - descriptors;
    // A connection of before may have been closing when they were counted.
    assert!(open >= 990, "{open}");
    let each = served.resident().saturating_sub(memory) / 1_000;
    let began = Instant::now();
    let (status, _) = served.path("/readyz").await;
    assert_eq!(status, 200);
    let call = began.elapsed();
    assert!(each < 200 && call < Duration::from_secs(3), "{each} kB, {call:?}");
    drop(streams);
    until("the descriptors are back", async || (served.descriptors() <= descriptors + 6).then_some(())).await;
    ground.nothing_is_left(6).await;
    row(
        "1,000 idle streams",
        &format!("/proc/PID/fd has {open} more entries"),
        "others are served; memory and descriptors are bounded and come back",
        &format!(
            "{each} kB for each; a look at /readyz beside them {} ms; the descriptors are back",
            call.as_millis()
        ),
    );
}

/// From the first to the last, and the 99th of a hundred.
async fn queue(
    ground: &Ground,
    store: Arc<dyn Store>,
    settings: TaskSettings,
    count: u32,
) -> (Duration, Duration) {
    let gateway = ground.gateway(ground.port(), Duration::from_secs(30));
    let holder = Holder(TaskId::random().unwrap());
    let gateway = gateway.with_tasks(Arc::clone(&store), settings, holder);
    let began = Instant::now();
    let mut took = Vec::new();
    for number in 0..count {
        let request = QueryRequest { sql: format!("SELECT {number}"), ..QueryRequest::default() };
        let one = Instant::now();
        gateway.submit(&Caller::local(format!("caller {}", number / 500)), request, None).await.unwrap();
        took.push(one.elapsed());
    }
    let all = began.elapsed();
    let states = store.states().await.unwrap();
    let queued = states.iter().find(|(state, _)| *state == State::Queued).unwrap().1;
    assert_eq!(queued, usize::try_from(count).unwrap());
    // One more is claimed as fast as the first.
    let began = Instant::now();
    assert!(store.claim(holder, 4).await.unwrap().is_some());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    took.sort();
    (all, took[took.len() * 99 / 100])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_queued_tasks() {
    let ground = Ground::shared().await;
    let settings = TaskSettings::default();
    let (memory, most) =
        queue(&ground, Arc::new(MemoryStore::new(settings.clone())), settings.clone(), 10_000).await;
    assert!(most < Duration::from_millis(50), "{most:?}");
    let connection = ConnectionSettings::parse(&ground.store_url(ground.port()), &|_| None).unwrap();
    migrate(&connection).await.unwrap();
    let pace = Pace { heartbeat: Duration::from_secs(60), grace: Duration::from_secs(60) };
    let store =
        PostgresStore::open(connection, settings.clone(), &MasterKey::new([7; 32]), pace).await.unwrap();
    let count = if full() { 10_000 } else { 1_000 };
    let (stored, most_stored) = queue(&ground, Arc::new(store), settings, count).await;
    assert!(most_stored < Duration::from_millis(250), "{most_stored:?}");
    ground.nothing_is_left(8).await;
    row(
        "10,000 queued tasks",
        &format!("the stores count 10000 queued in memory and {count} in PostgreSQL"),
        "each is taken in the same short time, and the next is begun at once",
        &format!(
            "p99 {:.2} ms in memory ({:.1} s for all), {:.1} ms in PostgreSQL ({:.1} s)",
            most.as_secs_f64() * 1e3,
            memory.as_secs_f64(),
            most_stored.as_secs_f64() * 1e3,
            stored.as_secs_f64()
        ),
    );
}
