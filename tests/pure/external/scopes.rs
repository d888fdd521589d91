//! What a token's scopes open, how more of them are asked for, and where clients learn of the provider.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};

use pgwarden::auth::Scope;
use serde_json::{Value, json};

use super::keys::{Signer, claims, with};
use super::provider::Provider;
use super::{METADATA, RESOURCE, challenge, guarded, present};
use crate::pure::mcp_wire::{Answer, HttpPeer, STATELESS, request, stateless, tool_names};

async fn ask(peer: &HttpPeer, token: &str, method: &str, params: Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers =
        vec![("authorization", bearer.as_str()), ("mcp-protocol-version", STATELESS), ("mcp-method", method)];
    let name = params["name"].as_str().map(str::to_owned);
    headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
    peer.post(&headers, stateless(1, method, params)).await
}

fn token(signer: &Signer, provider: &Provider, scope: &str) -> String {
    let claims = with(&claims(&provider.issuer), "scope", json!(scope));
    signer.token(&json!({"alg": "EdDSA", "kid": "k"}), &claims)
}

#[tokio::test]
async fn without_read_nothing_is_served_and_without_write_nothing_is_written() {
    let signer = Signer::ed25519();
    let provider = Provider::with_key(&signer, "k").await;
    let peer = guarded(vec![provider.settings()]).await;
    let with_scopes = |scope: &str| token(&signer, &provider, scope);
    let expected = |scopes: &str| {
        format!(
            r#"Bearer realm="pgwarden", error="insufficient_scope", resource_metadata="{METADATA}", scope="{scopes}""#
        )
    };
    for (scope, needed) in [("", "read"), ("openid", "read"), ("approve", "read approve")] {
        let answer = ask(&peer, &with_scopes(scope), "tools/list", json!({})).await;
        assert_eq!((answer.status, challenge(&answer)), (403, expected(needed).as_str()), "{scope}");
        let streamed =
            peer.method("GET", &[("authorization", &format!("Bearer {}", with_scopes(scope)))]).await;
        assert_eq!(streamed.status, 403, "{scope}");
    }
    for tool in ["execute", "preview"] {
        for (scope, needed) in [("read", "read write"), ("read approve", "read write approve")] {
            let params = json!({"name": tool, "arguments": {"sql": "DELETE FROM t"}});
            let answer = ask(&peer, &with_scopes(scope), "tools/call", params).await;
            assert_eq!(
                (answer.status, challenge(&answer)),
                (403, expected(needed).as_str()),
                "{tool} {scope}"
            );
        }
        for scope in ["write", "admin"] {
            let answer = ask(&peer, &with_scopes(scope), "tools/call", json!({"name": tool})).await;
            assert_ne!(answer.status, 403, "{tool} {scope}");
        }
    }
    // One member of a batch is enough.
    let bearer = format!("Bearer {}", with_scopes("read"));
    let batch = json!([request(1, "ping", json!({})), request(2, "tools/call", json!({"name": "execute"}))]);
    let headers = [("authorization", bearer.as_str()), ("mcp-protocol-version", "2025-03-26")];
    let answer = peer.post(&headers, batch).await;
    assert_eq!((answer.status, challenge(&answer)), (403, expected("read write").as_str()));
}

#[tokio::test]
async fn tools_are_listed_as_far_as_the_scopes_go() {
    let signer = Signer::ed25519();
    let provider = Provider::with_key(&signer, "k").await;
    let peer = guarded(vec![provider.settings()]).await;
    let listed = async |scope: &str| {
        let answer = ask(&peer, &token(&signer, &provider, scope), "tools/list", json!({})).await.json();
        tool_names(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (reading, writing) = (listed("read").await, listed("write").await);
    assert!(reading.contains(&"query".to_owned()));
    assert!(!reading.iter().any(|tool| ["preview", "execute"].contains(&tool.as_str())), "{reading:?}");
    assert!(reading.iter().all(|tool| writing.contains(tool)));
}

#[tokio::test]
async fn clients_learn_of_the_provider_at_both_places() {
    let signer = Signer::ed25519();
    let provider = Provider::with_key(&signer, "k").await;
    let other = Provider::with_key(&signer, "k").await;
    let mut settings = provider.settings();
    "api://pg/".clone_into(&mut settings.scope_prefix);
    settings.scopes = BTreeMap::from([("Change".to_owned(), Scope::Write)]);
    let peer = guarded(vec![settings, other.settings_as("other")]).await;
    for place in ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"] {
        let answer = peer.path(place).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let expected = json!({
            "resource": RESOURCE,
            "authorization_servers": [provider.issuer, other.issuer],
            "scopes_supported": ["api://pg/read", "api://pg/Change", "api://pg/approve"],
            "bearer_methods_supported": ["header"],
            "resource_name": "pgwarden",
        });
        assert_eq!(answer.json(), expected);
        let foreign = format!("GET {place} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
        assert!(peer.raw(foreign.as_bytes(), |_| false).await.starts_with("HTTP/1.1 403 "));
    }
    let answer = peer.post(&[], "not even JSON").await;
    let expected =
        format!(r#"Bearer realm="pgwarden", resource_metadata="{METADATA}", scope="api://pg/read""#);
    assert_eq!((answer.status, challenge(&answer)), (401, expected.as_str()), "before the body is parsed");

    let local = HttpPeer::start().await;
    assert_eq!(local.path("/.well-known/oauth-protected-resource").await.status, 404);
}

/// What is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_token_and_no_part_of_one_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _here = tracing::subscriber::set_default(subscriber);

    let (signer, evil) = (Signer::ed25519(), Signer::ed25519());
    let provider = Provider::with_key(&signer, "k").await;
    let peer = guarded(vec![provider.settings()]).await;
    let canary = with(&claims(&provider.issuer), "note", json!("canary-7f3a"));
    let header = json!({"alg": "EdDSA", "kid": "k"});
    let (good, forged) = (signer.token(&header, &canary), evil.token(&header, &canary));
    assert_eq!(present(&peer, &good).await.status, 200);
    assert_eq!(present(&peer, &forged).await.status, 401);
    assert_eq!(present(&peer, "canary-7f3a.x.y").await.status, 401);
    provider.turn(true);
    let unknown = evil.token(&json!({"alg": "EdDSA", "kid": "canary-7f3a"}), &canary);
    assert_eq!(present(&peer, &unknown).await.status, 401, "a minute has not passed");

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a token was refused") && logged.contains("its signature is wrong"), "{logged}");
    // hyper's and reqwest's own events, on their highest level, are of the test's client too.
    let ours: String = logged.lines().filter(|line| line.contains("pgwarden")).collect();
    assert!(ours.contains("its signature is wrong"));
    for token in [&good, &forged, &unknown] {
        for part in token.split('.').chain(["canary-7f3a"]) {
            assert!(!ours.contains(part), "{part}");
        }
    }
}
