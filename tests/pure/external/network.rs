//! How a provider is asked: over TLS that is verified, never elsewhere than where it was said to be, and not for long.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::serve::Listener;
use pgwarden::auth::external::{ProviderError, ProviderSettings, Providers};
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::keys::{Signer, claims};
use super::provider::Provider;
use super::{guarded, present};

struct Secured {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A provider at an https address, and the certificate to know it by.
async fn over_tls(signer: &Signer) -> (Provider, String) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("https://localhost:{}/realms/x", listener.local_addr().unwrap().port());
    let listener = Secured { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
    (Provider::serve(listener, issuer, vec![signer.jwk("k")]), cert.pem())
}

fn token(signer: &Signer, provider: &Provider) -> String {
    signer.token(&json!({"alg": "EdDSA", "kid": "k"}), &claims(&provider.issuer))
}

#[tokio::test]
async fn a_provider_is_known_by_its_certificate() {
    let signer = Signer::ed25519();
    let (provider, certificate) = over_tls(&signer).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    };
    let trusting = |ca_file: Option<PathBuf>| ProviderSettings { ca_file, ..provider.settings() };
    let own = guarded(vec![trusting(Some(file("own.pem", &certificate)))]).await;
    let answer = present(&own, &token(&signer, &provider)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);

    let (_, another) = over_tls(&signer).await;
    for ca_file in [Some(file("another.pem", &another)), None] {
        let peer = guarded(vec![trusting(ca_file)]).await;
        assert_eq!(present(&peer, &token(&signer, &provider)).await.status, 503);
    }
    for text in ["", "nonsense"] {
        let made = Providers::new(vec![trusting(Some(file("faulty.pem", text)))]);
        assert!(matches!(made, Err(ProviderError::Outbound(_))), "{made:?}");
    }
}

#[tokio::test]
async fn keys_are_taken_from_where_they_were_said_to_be_and_from_safe_places_only() {
    let signer = Signer::ed25519();
    let provider = Provider::with_key(&signer, "k").await;
    let at = |uri: String| ProviderSettings { jwks_uri: Some(uri), ..provider.settings() };
    for (uri, status) in [
        (provider.url("/keys"), 200),
        (provider.url("/moved"), 503),
        (provider.url("/nothing"), 503),
        // The same place, by an address that is not loopback.
        (provider.url("/keys").replace("127.0.0.1", "0.0.0.0"), 503),
        ("file:///etc/passwd".to_owned(), 503),
    ] {
        let before = provider.key_fetches();
        let peer = guarded(vec![at(uri.clone())]).await;
        assert_eq!(present(&peer, &token(&signer, &provider)).await.status, status, "{uri}");
        assert_eq!(provider.key_fetches() > before, status == 200, "{uri}");
    }
}

#[tokio::test]
async fn an_endless_answer_and_a_slow_one_are_given_up() {
    let signer = Signer::ed25519();
    let mut keys = vec![signer.jwk("k")];
    keys.extend((0..300).map(|_| json!({"kty": "new", "x": "x".repeat(2_000)})));
    let provider = Provider::start(keys).await;
    let peer = guarded(vec![provider.settings()]).await;
    assert_eq!(present(&peer, &token(&signer, &provider)).await.status, 503, "600 kB of keys");

    let provider = Provider::with_key(&signer, "k").await;
    provider.said.slow.store(60_000, std::sync::atomic::Ordering::Relaxed);
    let peer = guarded(vec![provider.settings()]).await;
    let begun = Instant::now();
    assert_eq!(present(&peer, &token(&signer, &provider)).await.status, 503);
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
}
