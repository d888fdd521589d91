//! The HTTP endpoint, request by request: revisions, errors, batches, cancellation.

use std::time::Duration;

use pgwarden::mcp::{Authentication, HttpSettings, SessionMode, SessionSettings, Settings};
use serde_json::{Value, json};

use super::mcp_wire::{
    HttpPeer, LEGACY, STATELESS, caller, code, gateway, initialize, request, stateless, tool_names, tools,
};

fn stateless_settings() -> Settings {
    let sessions = SessionSettings { mode: SessionMode::Stateless, ..SessionSettings::default() };
    Settings { http: HttpSettings { sessions, ..HttpSettings::default() }, ..Settings::default() }
}

async fn stateless_peer() -> HttpPeer {
    HttpPeer::with(gateway(), Authentication::Open(caller()), stateless_settings()).await
}

/// Runs until it is cancelled.
fn endless() -> Value {
    json!({"name": "query", "arguments": {"sql": "SELECT 1"}})
}

#[tokio::test]
async fn every_revision_with_initialize_lists_the_tools_in_a_session() {
    let peer = HttpPeer::start().await;
    for revision in LEGACY {
        let session = peer.session(revision).await;
        let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", revision)];
        let answer = peer.post(&headers, request(1, "tools/list", json!({}))).await;
        assert_eq!(tool_names(&answer.json()), tools(), "{revision}");
        assert_eq!(peer.method("DELETE", &headers).await.status, 204, "{revision}");
        let answer = peer.post(&headers, request(2, "tools/list", json!({}))).await;
        assert_eq!((answer.status, answer.code()), (404, -32001), "{revision}");
    }
    peer.stop().await;
}

#[tokio::test]
async fn every_revision_with_initialize_lists_the_tools_without_a_session() {
    let peer = stateless_peer().await;
    for revision in LEGACY {
        let opened = peer.post(&[], initialize(revision)).await;
        assert_eq!(opened.json()["result"]["protocolVersion"], revision);
        let headers = [("mcp-session-id", opened.session()), ("mcp-protocol-version", revision)];
        let answer = peer.post(&headers, request(1, "tools/list", json!({}))).await;
        assert_eq!(tool_names(&answer.json()), tools(), "{revision}");
        assert_eq!(peer.method("DELETE", &headers).await.status, 204);
        assert_eq!(peer.method("GET", &headers).await.status, 405);
    }
}

#[tokio::test]
async fn the_stateless_revision_needs_neither_initialize_nor_a_session() {
    for peer in [HttpPeer::start().await, stateless_peer().await] {
        let answer = peer.ask("server/discover", json!({})).await;
        assert_eq!(
            answer.json()["result"]["supportedVersions"].as_array().unwrap().len(),
            5,
            "{}",
            answer.text
        );
        let answer = peer.ask("tools/list", json!({})).await;
        assert_eq!(tool_names(&answer.json()), tools());
        assert_eq!(answer.json()["result"]["ttlMs"], 60_000);
        assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/json"));
        let answer = peer.ask("resources/templates/list", json!({})).await;
        let templates = answer.json()["result"]["resourceTemplates"].clone();
        let uris: Vec<&str> =
            templates.as_array().unwrap().iter().map(|one| one["uriTemplate"].as_str().unwrap()).collect();
        let plain: Vec<&str> = uris.iter().copied().filter(|uri| !uri.contains('?')).collect();
        assert_eq!(
            plain,
            [
                "postgres://{database}",
                "postgres://{database}/{schema}",
                "postgres://{database}/{schema}/{relation}",
                "pgwarden://{database}/policy",
                "pgwarden://{database}/routines",
                "pgwarden://{database}/routines/{schema}/{routine}",
                "pgwarden://{database}/queries",
                "pgwarden://{database}/queries/{query}",
            ]
        );
        let formed = plain.iter().map(|uri| format!("{uri}?format={{format}}"));
        assert!(
            formed.eq(uris.iter().filter(|uri| uri.contains('?')).map(|uri| (*uri).to_owned())),
            "{uris:?}"
        );
    }
}

#[tokio::test]
async fn unreadable_messages_are_told_apart() {
    let peer = HttpPeer::start().await;
    for (body, expected) in [
        ("", -32700),
        ("{", -32700),
        ("\u{0}", -32700),
        ("[1,", -32700),
        ("null", -32600),
        ("{}", -32600),
        ("[]", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","method":5}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, -32602),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#, -32600),
    ] {
        let answer = peer.post(&[], body).await;
        assert_eq!((answer.status, answer.code()), (400, expected), "{body}: {}", answer.text);
        let answer = peer.post(&[("mcp-protocol-version", STATELESS)], body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        assert_ne!(answer.json().get("id"), Some(&Value::Null), "left out: {}", answer.text);
    }
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(code(&peer.post(&[], deep).await.json()[0]), -32700, "a batch of one");
    let deep = format!("{}1{}", r#"{"a":"#.repeat(50_000), "}".repeat(50_000));
    assert_eq!(peer.post(&[], deep).await.status, 400);
}

#[tokio::test]
async fn parameters_and_methods_are_told_apart_by_revision() {
    let peer = HttpPeer::start().await;
    let session = peer.session("2025-06-18").await;
    for (method, params, expected) in [
        ("tools/call", json!({"name": 5}), -32602),
        ("tools/call", json!([1]), -32602),
        ("tools/list", json!({"cursor": 5}), -32602),
        ("resources/read", json!({"uri": "postgres://nowhere"}), -32002),
        ("resources/subscribe", json!({"uri": "postgres://nowhere"}), -32002),
        ("resources/subscribe", json!({}), -32602),
        ("subscriptions/listen", json!({"notifications": {}}), -32601),
        ("prompts/list", json!({"cursor": "made up"}), -32602),
        ("completion/complete", json!({}), -32602),
        ("tasks/list", json!({}), -32601),
        ("no/such", json!({}), -32601),
    ] {
        let answer = peer.post(&[("mcp-session-id", &session)], request(1, method, params.clone())).await;
        assert_eq!(answer.code(), expected, "{method} {params}: {}", answer.text);
    }
    for (method, params, status, expected) in [
        ("resources/read", json!({"uri": "postgres://nowhere"}), 200, -32602),
        ("tools/call", json!({"name": "no_such_tool"}), 200, -32602),
        ("initialize", json!({}), 404, -32601),
        ("ping", json!({}), 404, -32601),
        ("no/such", json!({}), 404, -32601),
        ("subscriptions/listen", json!({}), 200, -32602),
        ("resources/subscribe", json!({"uri": "postgres://demo"}), 404, -32601),
    ] {
        let answer = peer.ask(method, params.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, expected), "{method} {params}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_standard_headers_must_agree_with_the_body() {
    let peer = HttpPeer::start().await;
    let call = stateless(1, "tools/call", endless());
    let version = ("mcp-protocol-version", STATELESS);
    for headers in [
        vec![],
        vec![version],
        vec![version, ("mcp-method", "tools/list"), ("mcp-name", "query")],
        vec![version, ("mcp-method", "tools/call")],
        vec![version, ("mcp-method", "tools/call"), ("mcp-name", "describe")],
        vec![("mcp-protocol-version", "2025-11-25"), ("mcp-method", "tools/call"), ("mcp-name", "query")],
    ] {
        let answer = peer.post(&headers, &call).await;
        assert_eq!((answer.status, answer.code()), (400, -32020), "{headers:?}: {}", answer.text);
    }
    // Clients that leave the name out on tasks are met half way: what is wrong is that they did not declare tasks.
    let answer = peer
        .post(&[version, ("mcp-method", "tasks/get")], stateless(1, "tasks/get", json!({"taskId": "t"})))
        .await;
    assert_eq!(answer.code(), -32021, "{}", answer.text);
    let answer =
        peer.post(&[("mcp-protocol-version", "2031-01-01")], request(1, "tools/list", json!({}))).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_batch_of_2025_03_26_is_answered_as_one_array() {
    let batch = json!([
        request(1, "ping", json!({})),
        {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
        request("two", "tools/list", json!({})),
        {"id": 3},
        request(4, "no/such", json!({})),
        initialize("2025-03-26"),
    ]);
    for (peer, kept) in [(HttpPeer::start().await, true), (stateless_peer().await, false)] {
        let opened = peer.post(&[], initialize("2025-03-26")).await;
        let headers = [("mcp-session-id", opened.session())];
        let answer = peer.post(&headers, &batch).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        let ids: Vec<String> = answer.as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
        assert_eq!(ids, ["1", "\"two\"", "3", "4", "\"init\""], "{answer}");
        assert_eq!(tool_names(&answer[1]), tools());
        assert_eq!((code(&answer[2]), code(&answer[3]), code(&answer[4])), (-32600, -32601, -32600));
        let notes = json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]);
        assert_eq!(peer.post(&headers, notes).await.status, 202);
        let orphans =
            peer.post(&[], json!([request(1, "ping", json!({})), request(2, "ping", json!({}))])).await;
        if kept {
            assert_eq!(
                (code(&orphans.json()[0]), code(&orphans.json()[1])),
                (-32600, -32600),
                "{}",
                orphans.text
            );
            let session = peer.session("2025-11-25").await;
            let answer = peer.post(&[("mcp-session-id", &session)], &batch).await;
            assert_eq!((answer.status, answer.code()), (400, -32600), "{}", answer.text);
        }
        let answer = peer.post(&[("mcp-protocol-version", "2025-06-18")], &batch).await;
        assert_eq!((answer.status, answer.code()), (400, -32600), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_cancelled_call_in_a_session_ends_without_an_answer() {
    let peer = HttpPeer::start().await;
    let session = peer.session("2025-11-25").await;
    let headers = [("mcp-session-id", session.as_str())];
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}});
    let (call, ()) = tokio::join!(peer.post(&headers, request(5, "tools/call", endless())), async {
        // The call's own stream opens before it is answered: a ping behind it finds it running.
        peer.post(&headers, request(6, "ping", json!({}))).await;
        assert_eq!(peer.post(&headers, &cancel).await.status, 202);
    });
    assert!(!call.text.contains("result") && !call.text.contains("error"), "{}", call.text);
}

#[tokio::test]
async fn a_cancellation_without_sessions_reaches_the_client_s_own_call_only() {
    let peer = stateless_peer().await;
    let (mine, other) =
        (peer.post(&[], initialize("2025-11-25")).await, peer.post(&[], initialize("2025-11-25")).await);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}});
    let (mine, other) = ([("mcp-session-id", mine.session())], [("mcp-session-id", other.session())]);
    let call = peer.post(&mine, request(5, "tools/call", endless()));
    let mut call = std::pin::pin!(call);
    let cancels = async {
        for headers in [&[][..], &other] {
            assert_eq!(peer.post(headers, &cancel).await.status, 202);
        }
    };
    tokio::select! {
        biased;
        answer = &mut call => panic!("ended too early: {}", answer.text),
        () = cancels => {}
    }
    assert_eq!(peer.post(&mine, &cancel).await.status, 202);
    let answer = call.await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""));
}

#[tokio::test]
async fn a_dropped_connection_cancels_a_stateless_call() {
    for (peer, revision) in [(HttpPeer::start().await, STATELESS), (stateless_peer().await, "2025-11-25")] {
        let (body, headers) = if revision == STATELESS {
            let headers =
                format!("mcp-protocol-version: {STATELESS}\r\nmcp-method: tools/call\r\nmcp-name: query\r\n");
            (stateless(1, "tools/call", endless()), headers)
        } else {
            (request(1, "tools/call", endless()), String::new())
        };
        let body = body.to_string();
        let text = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        // Sent, and the connection dropped while nothing has come back.
        let heard =
            tokio::time::timeout(Duration::from_millis(300), peer.raw(text.as_bytes(), |_| false)).await;
        assert!(heard.is_err(), "answered at once: {heard:?}");
        let started = std::time::Instant::now();
        peer.stop().await;
        assert!(started.elapsed() < Duration::from_secs(2), "{revision}: the call went on");
    }
}

#[tokio::test]
async fn the_order_to_stop_waits_for_running_calls_and_then_cancels_them() {
    let mut settings = Settings::default();
    settings.http.drain_timeout = Duration::from_millis(200);
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let session = peer.session("2025-11-25").await;
    let headers = [("mcp-session-id", session.as_str())];
    let shutdown = peer.shutdown.clone();
    let (call, ()) = tokio::join!(peer.post(&headers, request(5, "tools/call", endless())), async {
        peer.post(&headers, request(6, "ping", json!({}))).await;
        shutdown.cancel();
    });
    assert_eq!(call.json()["result"]["isError"], true, "{}", call.text);
    peer.stop().await;
}
