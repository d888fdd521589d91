//! Sessions of the older revisions over HTTP: bounded in number, for each caller and in all.

use std::sync::Arc;

use pgwarden::auth::{Authenticator, NewToken, TokenFile, TokenStore};
use pgwarden::mcp::{Authentication, Settings};
use serde_json::json;

use super::mcp_wire::{HttpPeer, caller, gateway, initialize, request};

async fn peer(total: usize, per_subject: usize) -> HttpPeer {
    let mut settings = Settings::default();
    settings.http.sessions.total = total;
    settings.http.sessions.per_subject = per_subject;
    HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await
}

async fn is_open(peer: &HttpPeer, session: &str) -> bool {
    let answer = peer.post(&[("mcp-session-id", session)], request(1, "ping", json!({}))).await;
    assert!([200, 404].contains(&answer.status), "{}", answer.text);
    answer.status == 200
}

#[tokio::test]
async fn a_flood_of_initialize_costs_the_caller_its_own_oldest_sessions() {
    let peer = peer(100, 3).await;
    let mut sessions = Vec::new();
    for _ in 0..10 {
        sessions.push(peer.session("2025-11-25").await);
    }
    let mut open = Vec::new();
    for session in &sessions {
        open.push(is_open(&peer, session).await);
    }
    assert_eq!(open, [false, false, false, false, false, false, false, true, true, true]);
}

#[tokio::test]
async fn the_session_used_last_is_not_the_one_that_ends() {
    let peer = peer(100, 2).await;
    let (first, second) = (peer.session("2025-11-25").await, peer.session("2025-11-25").await);
    assert!(is_open(&peer, &first).await);
    let third = peer.session("2025-11-25").await;
    assert!(!is_open(&peer, &second).await);
    assert!(is_open(&peer, &first).await && is_open(&peer, &third).await);
}

#[tokio::test]
async fn sessions_with_a_running_call_are_kept_and_the_next_initialize_is_refused() {
    for (total, per_subject, status) in [(100, 2, 429), (2, 100, 503)] {
        let peer = peer(total, per_subject).await;
        let (first, second) = (peer.session("2025-11-25").await, peer.session("2025-06-18").await);
        let endless = request(5, "tools/call", json!({"name": "query", "arguments": {"sql": "SELECT 1"}}));
        let (one, two) = ([("mcp-session-id", first.as_str())], [("mcp-session-id", second.as_str())]);
        let refused = async {
            for session in [&one, &two] {
                peer.post(session, request(6, "ping", json!({}))).await;
            }
            let answer = peer.post(&[], initialize("2025-11-25")).await;
            assert_eq!((answer.status, answer.code()), (status, -32600), "{}", answer.text);
            assert_eq!(answer.json()["id"], "init");
            assert!(answer.headers.contains_key("retry-after"));
        };
        tokio::select! {
            biased;
            _ = peer.post(&one, &endless) => panic!("ended"),
            _ = peer.post(&two, &endless) => panic!("ended"),
            () = refused => {}
        }
    }
}

#[tokio::test]
async fn an_ended_session_gives_its_place_back() {
    let peer = peer(2, 2).await;
    for _ in 0..20 {
        let session = peer.session("2025-11-25").await;
        assert_eq!(peer.method("DELETE", &[("mcp-session-id", &session)]).await.status, 204);
        assert!(!is_open(&peer, &session).await);
    }
    let (first, second) = (peer.session("2025-11-25").await, peer.session("2025-11-25").await);
    assert!(is_open(&peer, &first).await && is_open(&peer, &second).await);
}

#[tokio::test]
async fn a_refused_initialize_takes_no_place() {
    let peer = peer(1, 1).await;
    let session = peer.session("2025-11-25").await;
    for _ in 0..5 {
        let answer = peer.post(&[("mcp-protocol-version", "2024-11-05")], initialize("2025-11-25")).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    let _ = session;
    let session = peer.session("2025-11-25").await;
    assert!(is_open(&peer, &session).await);
}

/// What a session is told unasked is told to whose claims it was opened with.
#[tokio::test]
async fn a_session_is_of_one_subject_with_the_same_claims() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    let mut file = TokenFile::open(&path).unwrap();
    let bearers = [("one", "acme"), ("two", "acme"), ("three", "globex")].map(|(name, tenant)| {
        let claims = [("tenant".to_owned(), tenant.to_owned())].into();
        let token =
            NewToken { name: name.to_owned(), subject: "anna".to_owned(), claims, ..NewToken::default() };
        format!("Bearer {}", file.create(token).unwrap().reveal())
    });
    let tokens = Authentication::Bearer(Authenticator::new(vec![Arc::new(TokenStore::load(&path).unwrap())]));
    let peer = HttpPeer::with(gateway(), tokens, Settings::default()).await;
    let opened = peer.post(&[("authorization", &bearers[0])], initialize("2025-11-25")).await;
    let session = opened.session().to_owned();
    let mut seen = Vec::new();
    for bearer in &bearers {
        let headers = [("authorization", bearer.as_str()), ("mcp-session-id", session.as_str())];
        seen.push(peer.post(&headers, request(1, "ping", json!({}))).await.status);
    }
    assert_eq!(seen, [200, 200, 404]);
    let headers = [("authorization", bearers[2].as_str()), ("mcp-session-id", session.as_str())];
    assert_eq!(peer.method("GET", &headers).await.status, 404);
}
