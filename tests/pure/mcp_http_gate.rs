//! Who gets through to the HTTP endpoint at all: Host, Origin, tokens, sizes, connections.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::{Authenticator, NewToken, TokenFile, TokenStore};
use pgwarden::mcp::{Authentication, ServeError, Settings, serve_http};
use pgwarden::web::Pages;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::mcp_wire::{HttpPeer, STATELESS, caller, code, gateway, initialize, stateless};

/// An announced body that never comes: whoever waits for it does not answer.
fn unsent(headers: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\n{headers}content-type: application/json\r\ncontent-length: 500\r\n\r\n")
}

/// The status, and the JSON of the body.
fn read(answer: &str) -> (u16, Value) {
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer}")).parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")))
}

fn whole(answer: &str) -> bool {
    answer.ends_with('}')
}

#[tokio::test]
async fn a_wrong_host_or_origin_is_refused_before_the_body_is_read() {
    let peer = HttpPeer::start().await;
    let port = peer.address.port();
    for headers in [
        format!("host: evil.com:{port}\r\n"),
        format!("host: evil.com:{port}\r\norigin: http://evil.com:{port}\r\n"),
        format!("host: 127.0.0.1:{port}\r\norigin: http://evil.com:{port}\r\n"),
        format!("host: 127.0.0.1:{port}\r\norigin: http://127.0.0.1:{port}\r\n"),
        format!("host: localhost:{port}\r\norigin: null\r\n"),
        format!("host: localhost.:{port}\r\n"),
        format!("host: user@localhost:{port}\r\n"),
        format!("host: LOCALHOST:{port}\r\norigin: HTTPS://EVIL.com\r\n"),
        format!("host: [::ffff:127.0.0.1]:{port}\r\n"),
        String::new(),
        format!("host: localhost:{port}\r\nhost: evil.com\r\n"),
    ] {
        let answer = peer.raw(unsent(&headers).as_bytes(), whole).await;
        let (status, body) = read(&answer);
        assert_eq!((status, code(&body)), (403, -32600), "{headers}");
    }
    let request = unsent("host: localhost\r\n").replace("POST /mcp", "POST http://evil.com/mcp");
    assert_eq!(read(&peer.raw(request.as_bytes(), whole).await).0, 403);
}

#[tokio::test]
async fn loopback_names_and_listed_names_get_through() {
    let mut settings = Settings::default();
    settings.http.allowed_hosts = vec!["db.example.com".to_owned()];
    settings.http.allowed_origins = vec!["https://app.example.com".to_owned()];
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    for headers in [
        vec![("host", "LocalHost:1")],
        vec![("host", "[::1]:9")],
        vec![("host", "db.example.com")],
        vec![("host", "db.example.com:443"), ("origin", "https://app.example.com")],
    ] {
        let answer = peer.post(&headers, initialize("2025-11-25")).await;
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.text);
        assert_eq!(answer.headers.get("access-control-allow-origin"), None);
    }
    assert_eq!(peer.method("OPTIONS", &[("origin", "https://app.example.com")]).await.status, 405);
}

#[tokio::test]
async fn a_port_that_others_can_reach_needs_authentication() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let settings = Settings::default();
    // Whoever would serve here, stops at once.
    let stop = CancellationToken::new();
    stop.cancel();
    let served =
        serve_http(gateway(), listener, Authentication::Open(caller()), Pages::default(), &settings, stop)
            .await;
    assert!(matches!(served, Err(ServeError::OpenToAll(_))), "{served:?}");
}

struct Guarded {
    peer: HttpPeer,
    file: TokenFile,
    _folder: tempfile::TempDir,
}

async fn guarded() -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    let file = TokenFile::open(&path).unwrap();
    let store = Arc::new(TokenStore::load(&path).unwrap());
    let peer = HttpPeer::with(
        gateway(),
        Authentication::Bearer(Authenticator::new(vec![store])),
        Settings::default(),
    )
    .await;
    Guarded { peer, file, _folder: folder }
}

fn token(name: &str) -> NewToken {
    NewToken { name: name.to_owned(), subject: format!("{name}@example.com"), ..NewToken::default() }
}

/// Until the server has seen the changed file.
async fn until_status(peer: &HttpPeer, bearer: &str, status: u16) {
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let answer = peer.post(&[("authorization", bearer)], initialize("2025-11-25")).await;
        if answer.status == status {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "still {}", answer.status);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_a_token_is_needed_for_is_kept_by_nobody_else() {
    let Guarded { peer, mut file, _folder } = guarded().await;
    let bearer = format!("Bearer {}", file.create(token("ci")).unwrap().reveal());
    until_status(&peer, &bearer, 200).await;
    for method in ["tools/list", "prompts/list", "resources/templates/list"] {
        let headers =
            [("authorization", bearer.as_str()), ("mcp-protocol-version", STATELESS), ("mcp-method", method)];
        let answer = peer.post(&headers, stateless(1, method, json!({}))).await;
        assert_eq!(answer.json()["result"]["cacheScope"], "private", "{method}: {}", answer.text);
    }
    let open = HttpPeer::with(gateway(), Authentication::Open(caller()), Settings::default()).await;
    assert_eq!(open.ask("tools/list", json!({})).await.json()["result"]["cacheScope"], "public");
    let prompt = open.ask("prompts/get", json!({"name": "review_schema"})).await;
    assert!(prompt.json()["result"]["messages"].is_array(), "{}", prompt.text);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_read_and_a_challenge_is_answered() {
    let Guarded { peer, mut file, _folder } = guarded().await;
    let secret = file.create(token("ci")).unwrap();
    let bearer = format!("Bearer {}", secret.reveal());
    until_status(&peer, &bearer, 200).await;

    let wrong = format!("{bearer}x");
    for (authorization, challenge) in [
        (None, r#"Bearer realm="pgwarden""#),
        (Some("Basic dXNlcjpwYXNz"), r#"Bearer realm="pgwarden""#),
        (Some("Bearer"), r#"Bearer realm="pgwarden""#),
        (Some("Bearer "), r#"Bearer realm="pgwarden""#),
        (Some("Bearer nonsense"), r#"Bearer realm="pgwarden", error="invalid_token""#),
        (Some(wrong.as_str()), r#"Bearer realm="pgwarden", error="invalid_token""#),
    ] {
        let line = authorization.map(|value| format!("authorization: {value}\r\n")).unwrap_or_default();
        let answer = peer.raw(unsent(&format!("host: localhost\r\n{line}")).as_bytes(), whole).await;
        assert_eq!(read(&answer).0, 401, "{authorization:?}");
        assert!(
            answer.contains(&format!("www-authenticate: {challenge}\r\n")),
            "{authorization:?}: {answer}"
        );
    }
    for method in ["GET", "DELETE", "PUT"] {
        assert_eq!(peer.method(method, &[]).await.status, 401, "{method}");
    }
    assert_eq!(peer.method("GET", &[("host", "evil.com")]).await.status, 403, "Host before the token");
    let url = format!("/mcp?access_token={}", secret.reveal());
    assert_eq!(peer.path(&url).await.status, 401, "only in the header");

    file.revoke("ci").unwrap();
    until_status(&peer, &bearer, 401).await;
}

#[tokio::test]
async fn a_session_exists_only_for_the_one_who_opened_it() {
    let Guarded { peer, mut file, _folder } = guarded().await;
    let (one, two) = (file.create(token("one")).unwrap(), file.create(token("two")).unwrap());
    let (one, two) = (format!("Bearer {}", one.reveal()), format!("bearer  {}", two.reveal()));
    until_status(&peer, &one, 200).await;
    let opened = peer.post(&[("authorization", &one)], initialize("2025-11-25")).await;
    let session = opened.session();
    let ping = super::mcp_wire::request(1, "ping", json!({}));

    let foreign = [("authorization", two.as_str()), ("mcp-session-id", session)];
    let unknown =
        [("authorization", two.as_str()), ("mcp-session-id", "00000000-0000-4000-8000-000000000000")];
    let (refused, missing) = (peer.post(&foreign, &ping).await, peer.post(&unknown, &ping).await);
    assert_eq!((refused.status, refused.code()), (404, -32001), "{}", refused.text);
    assert_eq!(refused.text, missing.text, "as if it were not there");
    let batch = json!([ping]);
    for answer in [
        peer.post(&foreign, &batch).await,
        peer.post(
            &foreign,
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}),
        )
        .await,
        peer.method("GET", &foreign).await,
        peer.method("GET", &[foreign[0], foreign[1], ("last-event-id", "0/0")]).await,
        peer.method("DELETE", &foreign).await,
    ] {
        assert_eq!((answer.status, answer.code()), (404, -32001), "{}", answer.text);
    }
    let own = [("authorization", one.as_str()), ("mcp-session-id", session)];
    assert_eq!(peer.post(&own, &ping).await.json()["id"], 1, "and it is still there");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_announced_or_not() {
    let settings = Settings { message_bytes: 1000, ..Settings::default() };
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let announced = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n";
    assert_eq!(read(&peer.raw(announced.as_bytes(), whole).await).0, 413, "before it is sent");
    let answer = peer.post(&[], "x".repeat(1001)).await;
    assert_eq!((answer.status, answer.code()), (413, -32600));
    let chunk = format!("{:x}\r\n{}\r\n", 600, " ".repeat(600));
    let chunked =
        format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}");
    assert_eq!(read(&peer.raw(chunked.as_bytes(), whole).await).0, 413, "not announced");
}

#[tokio::test]
async fn slow_headers_and_bodies_are_not_waited_for() {
    let mut settings = Settings::default();
    settings.http.header_timeout = Duration::from_millis(200);
    settings.http.body_timeout = Duration::from_millis(200);
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let started = std::time::Instant::now();
    peer.raw(b"POST /mcp HTTP/1.1\r\nhost: loc", |_| false).await;
    peer.raw(b"", |_| false).await;
    assert_eq!(read(&peer.raw(unsent("host: localhost\r\n").as_bytes(), whole).await).0, 408);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let mut settings = Settings::default();
    settings.http.connections = 2;
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let held = [
        tokio::net::TcpStream::connect(peer.address).await.unwrap(),
        tokio::net::TcpStream::connect(peer.address).await.unwrap(),
    ];
    let request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answer = peer.raw(request, |_| false).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    drop(held);
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while !peer.raw(request, |_| false).await.starts_with("HTTP/1.1 200 ") {
        assert!(std::time::Instant::now() < deadline, "the places are not given back");
    }
}

#[tokio::test]
async fn health_is_told_to_all_and_nothing_else_is() {
    let peer = HttpPeer::start().await;
    let answer = peer.path("/healthz").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "ok\n"));
    let answer = peer.path("/readyz").await;
    assert_eq!((answer.status, answer.text.as_str()), (503, "not ready\n"), "its database is not there");
    assert_eq!(peer.path("/").await.status, 404);
}

#[tokio::test]
async fn what_rmcp_refuses_in_plain_text_is_json_rpc_too() {
    let peer = HttpPeer::start().await;
    let plain = [("accept", "application/json")];
    let answer = peer.method("GET", &[]).await;
    assert_eq!((answer.status, answer.code()), (400, -32600), "{}", answer.text);
    let answer = peer.method("DELETE", &plain).await;
    assert_eq!((answer.status, answer.code()), (400, -32600), "{}", answer.text);
    let answer = peer.post(&[("mcp-protocol-version", STATELESS)], initialize("2025-11-25")).await;
    assert_eq!((answer.status, answer.code()), (400, -32600), "{}", answer.text);
    let body = initialize("2025-11-25").to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\naccept: application/json, \
         text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, answer) = read(&peer.raw(request.as_bytes(), whole).await);
    assert_eq!((status, code(&answer)), (415, -32600));
}
