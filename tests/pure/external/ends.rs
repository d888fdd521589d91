//! What a token began ends with it.

use std::time::{Duration, Instant};

use pgwarden::auth::external::ProviderSettings;
use serde_json::json;

use super::guarded;
use super::keys::{Signer, claims, now, with};
use super::provider::Provider;
use crate::pure::mcp_wire::initialize;

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let signer = Signer::ed25519();
    let provider = Provider::with_key(&signer, "k").await;
    let peer = guarded(vec![ProviderSettings { skew: Duration::ZERO, ..provider.settings() }]).await;
    let claims = with(&claims(&provider.issuer), "exp", json!(now() + 4));
    let bearer = format!("Bearer {}", signer.token(&json!({"alg": "EdDSA", "kid": "k"}), &claims));
    let opened = peer.post(&[("authorization", &bearer)], initialize("2025-11-25")).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let listen = format!(
        "GET /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: {bearer}\r\nmcp-session-id: {}\r\n\
         accept: text/event-stream\r\nconnection: close\r\n\r\n",
        opened.session()
    );
    let begun = Instant::now();
    let heard = peer.raw(listen.as_bytes(), |_| false).await;
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
    assert!(begun.elapsed() > Duration::from_secs(2), "it was open until then: {:?}", begun.elapsed());
    let again = peer.post(&[("authorization", &bearer)], initialize("2025-11-25")).await;
    assert_eq!(again.status, 401);
}
