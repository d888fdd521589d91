//! Large answers in gzip: for clients that take it, and are not on this machine.

use std::io::Read as _;
use std::sync::Arc;

use flate2::read::GzDecoder;
use pgwarden::auth::{Authenticator, NewToken, TokenFile, TokenStore};
use pgwarden::mcp::{Authentication, Settings};
use serde_json::{Value, json};

use super::mcp_wire::{HttpPeer, STATELESS, gateway, stateless};

/// The answer to `method` of a client at `from`, by a proxy: its encoding and bytes.
async fn answered(peer: &HttpPeer, token: &str, from: &str, takes: &str, method: &str) -> (String, Vec<u8>) {
    let request = reqwest::Client::new()
        .post(peer.url())
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("accept-encoding", takes)
        .header("authorization", format!("Bearer {token}"))
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-for", from)
        .header("mcp-protocol-version", STATELESS)
        .header("mcp-method", method);
    let response = request.body(stateless(7, method, json!({})).to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let encoding = response.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
    (encoding.unwrap_or_default(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn who_is_afar_and_takes_gzip_gets_large_answers_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    let subject = "anna".to_owned();
    let new = NewToken { name: subject.clone(), subject, ..NewToken::default() };
    let secret = TokenFile::open(&path).unwrap().create(new).unwrap();
    let token = secret.reveal();
    let store = Arc::new(TokenStore::load(&path).unwrap());
    let mut settings = Settings::default();
    settings.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let peer =
        HttpPeer::with(gateway(), Authentication::Bearer(Authenticator::new(vec![store])), settings).await;

    let (encoding, plain) = answered(&peer, token, "203.0.113.9", "identity", "tools/list").await;
    assert!(encoding.is_empty() && plain.len() > 4 * 1024, "{encoding} {}", plain.len());
    let (encoding, packed) = answered(&peer, token, "203.0.113.9", "gzip, br", "tools/list").await;
    assert_eq!(encoding, "gzip");
    assert!(packed.len() * 2 < plain.len(), "{} of {}", packed.len(), plain.len());
    let mut text = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let values = [text.as_bytes(), &plain].map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap());
    assert_eq!(values[0], values[1]);

    let (encoding, near) = answered(&peer, token, "127.0.0.1", "gzip", "tools/list").await;
    assert_eq!((encoding.as_str(), near.len()), ("", plain.len()), "on this machine");
    let (encoding, _) = answered(&peer, token, "203.0.113.9", "gzip", "server/discover").await;
    assert_eq!(encoding, "", "a small answer");
}
