//! The protocol face in front of a real server: every way to cancel reaches PostgreSQL, every digit reaches the client.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::mcp::{Authentication, SessionMode, Settings};
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::mcp_wire::{HttpPeer, STATELESS, StdioPeer, caller, initialize, request, stateless};
use crate::support::{Database, READER, Template, gate, until};

/// From a cancellation to the end of the query. Clients measure 250 ms against a release build (tests/clients); here
/// other tests run beside it.
const SOON: Duration = Duration::from_secs(2);

fn gateway(database: &Database<'_>) -> Gateway {
    let served = Served::new(gate(&database.url(READER)), Policy::builtin());
    let limits = CallLimits {
        rows: 1000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(60),
    };
    Gateway::new(vec![served], limits, Telemetry::default())
}

async fn http(database: &Database<'_>, mode: SessionMode) -> HttpPeer {
    let mut settings = Settings::default();
    settings.http.sessions.mode = mode;
    HttpPeer::with(gateway(database), Authentication::Open(caller()), settings).await
}

/// A query that takes hours, told from others by a number in it.
struct Slow<'a> {
    admin: &'a Client,
    mark: u32,
}

impl<'a> Slow<'a> {
    fn new(admin: &'a Client, marks: &AtomicU32) -> Self {
        Self { admin, mark: marks.fetch_add(1, Ordering::Relaxed) }
    }

    fn params(&self) -> Value {
        let sql =
            format!("SELECT count(*) FROM generate_series(1, {}) a, generate_series(1, 100000) b", self.mark);
        json!({"name": "query", "arguments": {"sql": sql}})
    }

    async fn is_running(&self) -> bool {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()";
        let count: i64 = self.admin.query_one(sql, &[&format!("%{}%", self.mark)]).await.unwrap().get(0);
        count > 0
    }

    async fn runs(&self) {
        until("the query runs", async || self.is_running().await.then_some(())).await;
    }

    async fn ends(&self, what: &str) {
        let started = Instant::now();
        until(what, async || (!self.is_running().await).then_some(())).await;
        assert!(started.elapsed() < SOON, "{what}: gone after {:?}", started.elapsed());
    }
}

fn cancelled(id: i64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

/// The bytes of a POST that is sent and then left alone.
fn post(headers: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn on_stdio_a_cancellation_and_the_end_of_input_and_the_order_to_stop_reach_postgresql() {
    let database = Database::create(Template::Shop).await;
    let (admin, marks) = (database.admin().await, AtomicU32::new(100_000_000));
    for way in ["cancelled", "end of input", "order to stop"] {
        let mut peer = StdioPeer::with(gateway(&database), Settings::default());
        peer.ask(&initialize("2025-11-25")).await;
        let (slow, other) = (Slow::new(&admin, &marks), Slow::new(&admin, &marks));
        peer.say(&request(1, "tools/call", slow.params()));
        peer.say(&request(2, "tools/call", other.params()));
        slow.runs().await;
        other.runs().await;
        let quick = json!({"name": "query", "arguments": {"sql": "SELECT 7 AS n"}});
        let answer = peer.ask(&request(3, "tools/call", quick)).await;
        assert_eq!(
            answer["result"]["structuredContent"]["rows"],
            json!([[7]]),
            "beside two slow ones: {answer}"
        );
        match way {
            "cancelled" => {
                peer.say(&cancelled(1));
                slow.ends(way).await;
                assert!(other.is_running().await, "and no other");
                peer.finish().await;
            }
            "end of input" => drop(peer.finish().await),
            _ => peer.shutdown.cancel(),
        }
        slow.ends(way).await;
        other.ends(way).await;
    }
}

#[tokio::test]
async fn over_http_a_cancellation_reaches_postgresql_with_and_without_a_session() {
    let database = Database::create(Template::Shop).await;
    let (admin, marks) = (database.admin().await, AtomicU32::new(200_000_000));
    for mode in [SessionMode::Kept, SessionMode::Stateless] {
        let peer = http(&database, mode).await;
        let opened = peer.post(&[], initialize("2025-11-25")).await;
        let headers = [("mcp-session-id", opened.session())];
        let slow = Slow::new(&admin, &marks);
        let call = peer.post(&headers, request(1, "tools/call", slow.params()));
        let cancels = async {
            slow.runs().await;
            assert_eq!(peer.post(&headers, cancelled(1)).await.status, 202);
            slow.ends("cancelled over HTTP").await;
        };
        let (answer, ()) = tokio::join!(call, cancels);
        assert!(!answer.text.contains("result"), "{}", answer.text);
    }
}

#[tokio::test]
async fn over_http_a_dropped_connection_reaches_postgresql_where_nothing_is_kept() {
    let database = Database::create(Template::Shop).await;
    let (admin, marks) = (database.admin().await, AtomicU32::new(300_000_000));
    let version =
        format!("mcp-protocol-version: {STATELESS}\r\nmcp-method: tools/call\r\nmcp-name: query\r\n");
    for (mode, headers) in [(SessionMode::Kept, version.as_str()), (SessionMode::Stateless, "")] {
        let peer = http(&database, mode).await;
        let slow = Slow::new(&admin, &marks);
        let body = match mode {
            SessionMode::Kept => stateless(1, "tools/call", slow.params()),
            SessionMode::Stateless => request(1, "tools/call", slow.params()),
        };
        let text = post(headers, &body);
        tokio::select! {
            heard = peer.raw(text.as_bytes(), |_| false) => panic!("answered: {heard}"),
            () = slow.runs() => {}
        }
        slow.ends("connection dropped").await;
    }
}

#[tokio::test]
async fn in_a_session_a_dropped_connection_cancels_nothing_and_the_end_of_the_session_does() {
    let database = Database::create(Template::Shop).await;
    let (admin, marks) = (database.admin().await, AtomicU32::new(400_000_000));
    let peer = http(&database, SessionMode::Kept).await;
    let session = peer.session("2025-06-18").await;
    let slow = Slow::new(&admin, &marks);
    let text = post(&format!("mcp-session-id: {session}\r\n"), &request(1, "tools/call", slow.params()));
    tokio::select! {
        heard = peer.raw(text.as_bytes(), |_| false) => panic!("answered: {heard}"),
        () = slow.runs() => {}
    }
    let headers = [("mcp-session-id", session.as_str())];
    assert_eq!(peer.post(&headers, request(2, "ping", json!({}))).await.status, 200);
    assert!(slow.is_running().await, "it can be resumed");
    assert_eq!(peer.method("DELETE", &headers).await.status, 204);
    slow.ends("session ended").await;
}

#[tokio::test]
async fn every_digit_arrives_in_the_text_and_in_the_structured_content() {
    let database = Database::create(Template::Shop).await;
    let exact = "1.100000000000000000000000000000000001";
    let sql =
        format!("SELECT '{{\"a\": {exact}, \"b\": \"\\\\ \\\" é\"}}'::jsonb AS j, 9007199254740993 AS n");
    let call = json!({"name": "query", "arguments": {"sql": sql}});
    let mut texts = Vec::new();

    let mut peer = StdioPeer::with(gateway(&database), Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    peer.say(&request(1, "tools/call", call.clone()));
    texts.push(peer.hear_text().await);
    let peer = http(&database, SessionMode::Kept).await;
    let session = peer.session("2025-11-25").await;
    let headers = [("mcp-session-id", session.as_str())];
    texts.push(peer.post(&headers, request(1, "tools/call", call.clone())).await.text);
    texts.push(peer.ask("tools/call", call).await.text);

    for text in texts {
        let structured = text.split("\"structuredContent\":").nth(1).unwrap_or_else(|| panic!("{text}"));
        assert!(structured.contains(exact), "{text}");
        assert!(structured.contains("9007199254740993"), "{text}");
        assert!(!text.contains("pgwarden:"), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_shows_the_place_and_what_to_do() {
    let database = Database::create(Template::Shop).await;
    let mut peer = StdioPeer::with(gateway(&database), Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    let sql = "SELECT 1,\n       pg_sleep(10)";
    let answer =
        peer.ask(&request(1, "tools/call", json!({"name": "query", "arguments": {"sql": sql}}))).await;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("ERROR:  42501: "), "{text}");
    assert!(text.contains("\nLINE 2:        pg_sleep(10)\n               ^\n"), "{text}");
    assert!(text.contains("\nRULE:  ") && text.contains("\nHINT:  "), "{text}");
    let error = &answer["result"]["_meta"]["pgwarden/error"];
    assert_eq!((&error["sqlstate"], &error["source"]), (&json!("42501"), &json!("pgwarden")), "{answer}");
    assert_eq!(error["position"], json!({"line": 2, "column": 8}));
}

#[tokio::test]
async fn every_listed_resource_can_be_read_and_no_other() {
    let database = Database::create(Template::Shop).await;
    let peer = http(&database, SessionMode::Kept).await;
    let listed = peer.ask("resources/list", json!({})).await.json();
    let listed = listed["result"]["resources"].as_array().unwrap().clone();
    assert!(listed.len() > 10, "{listed:?}");
    for resource in &listed {
        let uri = resource["uri"].as_str().unwrap();
        let read = peer.ask("resources/read", json!({"uri": uri})).await.json();
        let contents = &read["result"]["contents"][0];
        assert_eq!((&contents["uri"], &contents["mimeType"]), (&json!(uri), &json!("text/markdown")));
        assert!(contents["text"].as_str().unwrap().len() > 20, "{read}");
    }
    for uri in
        ["postgres://nowhere", "postgres://test/pg_catalog", "postgres://test/staff/payroll_", "http://x"]
    {
        let answer = peer.ask("resources/read", json!({"uri": uri})).await;
        assert_eq!(answer.code(), -32602, "{uri}: {}", answer.text);
    }
}
