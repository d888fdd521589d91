//! HTTPS with certificates that are renewed, and proxies that end it in front of the server.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::auth::{Authenticator, TokenStore};
use pgwarden::gateway::{CallLimits, Gateway};
use pgwarden::mcp::{Authentication, ServeError, Settings, TlsFiles, serve_http};
use pgwarden::telemetry::Telemetry;
use pgwarden::telemetry::metrics::{Format, Metrics};
use pgwarden::web::Pages;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::mcp_wire::{HttpPeer, caller, gateway, initialize};
use crate::wait::until;

struct Certificate {
    authority: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Certificate {
    fn authority() -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "authority");
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority =
            rcgen::CertifiedIssuer::self_signed(parameters, rcgen::KeyPair::generate().unwrap()).unwrap();
        Self { authority }
    }

    /// A certificate for `localhost` with its key, both PEM.
    fn issue(&self) -> (String, String) {
        self.issue_until(2_100)
    }

    /// The same, which ends with that year.
    fn issue_until(&self, year: i32) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2_000, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 12, 31);
        (parameters.signed_by(&key, &self.authority).unwrap().pem(), key.serialize_pem())
    }

    fn client(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let certificate: &rcgen::Certificate = self.authority.as_ref();
        roots.add(certificate.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

type Secured = TlsStream<TcpStream>;

async fn connect(client: &TlsConnector, address: SocketAddr) -> std::io::Result<Secured> {
    let stream = TcpStream::connect(address).await?;
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// One request on a connection that stays open.
async fn asked(stream: &mut Secured) -> String {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"ok\n") {
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "closed");
        heard.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8(heard).unwrap()
}

fn presented(stream: &Secured) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

fn write(folder: &Path, (certificate, key): &(String, String)) -> TlsFiles {
    let files = TlsFiles { cert_file: folder.join("cert.pem"), key_file: folder.join("key.pem") };
    std::fs::write(&files.key_file, key).unwrap();
    std::fs::write(&files.cert_file, certificate).unwrap();
    files
}

#[tokio::test]
async fn certificates_are_renewed_while_connections_go_on() {
    let authority = Certificate::authority();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.http.tls = Some(write(folder.path(), &authority.issue()));
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let client = authority.client();
    let mut first = connect(&client, peer.address).await.unwrap();
    assert_eq!(first.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(asked(&mut first).await.starts_with("HTTP/1.1 200 OK"));

    // A certificate without its key, as while the files are being replaced, and one that is none.
    let (next, next_key) = authority.issue();
    for wrong in [next.as_str(), "nonsense"] {
        std::fs::write(folder.path().join("cert.pem"), wrong).unwrap();
        tokio::time::sleep(Duration::from_millis(2_200)).await;
        let again = connect(&client, peer.address).await.unwrap();
        assert_eq!(presented(&again), presented(&first), "the one before stays");
    }
    write(folder.path(), &(next, next_key));
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let now = connect(&client, peer.address).await.unwrap();
        if presented(&now) != presented(&first) {
            break;
        }
        assert!(Instant::now() < deadline, "still the old certificate");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(asked(&mut first).await.starts_with("HTTP/1.1 200 OK"), "the old connection goes on");
    peer.stop().await;
}

#[tokio::test]
async fn who_speaks_no_tls_or_never_speaks_gets_nothing() {
    let authority = Certificate::authority();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.http.tls = Some(write(folder.path(), &authority.issue()));
    settings.http.connections = 1;
    settings.http.header_timeout = Duration::from_secs(1);
    let peer = HttpPeer::with(gateway(), Authentication::Open(caller()), settings).await;
    let plain = peer.raw(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", |_| false).await;
    assert!(!plain.contains("HTTP/1.1"), "{plain}");
    let stranger = Certificate::authority().client();
    connect(&stranger, peer.address).await.unwrap_err();
    // The only place is free again once its handshake is over its time.
    let _silent = TcpStream::connect(peer.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let client = authority.client();
    connect(&client, peer.address).await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let mut stream = connect(&client, peer.address).await.unwrap();
    assert!(asked(&mut stream).await.starts_with("HTTP/1.1 200 OK"));
}

/// `/readyz`, past its moment of keeping.
async fn readiness(client: &TlsConnector, address: SocketAddr) -> String {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut stream = connect(client, address).await.unwrap();
    let request = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut heard = String::new();
    let _ = stream.read_to_string(&mut heard).await;
    heard
}

#[tokio::test]
async fn a_certificate_that_ended_is_not_taken_and_one_about_to_end_is_told_of() {
    let authority = Certificate::authority();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.http.tls = Some(write(folder.path(), &authority.issue()));
    let metrics = Arc::new(Metrics::default());
    let telemetry = Telemetry::default().with_sink(Arc::clone(&metrics) as _);
    let limits =
        CallLimits { rows: 1, characters: 2_000, field_characters: 100, deadline: Duration::from_secs(1) };
    let nothing = Gateway::new(Vec::new(), limits, telemetry);
    let peer = HttpPeer::with(nothing, Authentication::Open(caller()), settings).await;
    let client = authority.client();
    let first = presented(&connect(&client, peer.address).await.unwrap());
    let page = async || metrics.page().await.write(Format::Prometheus);
    let series = "pgwarden_tls_certificate_expiry_timestamp_seconds 4133894400";
    assert!(page().await.contains(series), "{}", page().await);
    assert!(readiness(&client, peer.address).await.ends_with("ready\n"));

    write(folder.path(), &authority.issue_until(2_001));
    let refused = "degraded: certificate not taken, the one before stays\n";
    until("it is told", async || readiness(&client, peer.address).await.ends_with(refused).then_some(()))
        .await;
    assert_eq!(presented(&connect(&client, peer.address).await.unwrap()), first, "the one before stays");
    assert!(page().await.contains("kind=\"certificate\",result=\"refused\"} 1"), "{}", page().await);

    // A tenth of its life is two years and a half.
    let year = chrono::Datelike::year(&chrono::Utc::now());
    write(folder.path(), &authority.issue_until(year));
    let ending = format!("degraded: the certificate ends on {year}-12-31 00:00 UTC\n");
    until("it is told", async || readiness(&client, peer.address).await.ends_with(&ending).then_some(()))
        .await;
    assert_ne!(presented(&connect(&client, peer.address).await.unwrap()), first, "it holds all the same");
    write(folder.path(), &authority.issue());
    until("it is well", async || {
        readiness(&client, peer.address).await.ends_with("\r\nready\n").then_some(())
    })
    .await;
    peer.stop().await;
}

/// Why serving there is refused, if it is.
async fn served(listen: &str, authentication: Authentication, settings: &Settings) -> Result<(), ServeError> {
    let listener = TcpListener::bind(listen).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    serve_http(gateway(), listener, authentication, Pages::default(), settings, stop).await
}

fn bearer() -> Authentication {
    let tokens = Arc::new(TokenStore::load("/nonexistent/tokens.toml").unwrap());
    Authentication::Bearer(Authenticator::new(vec![tokens]))
}

#[tokio::test]
async fn plain_http_beyond_loopback_needs_a_proxy_and_a_proxy_needs_authentication() {
    let plain = Settings::default();
    let refused = served("0.0.0.0:0", bearer(), &plain).await;
    assert!(matches!(refused, Err(ServeError::PlainBeyondLoopback(_))), "{refused:?}");
    served("127.0.0.1:0", bearer(), &plain).await.unwrap();

    let mut behind = Settings::default();
    behind.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    served("0.0.0.0:0", bearer(), &behind).await.unwrap();
    for listen in ["0.0.0.0:0", "127.0.0.1:0"] {
        let refused = served(listen, Authentication::Open(caller()), &behind).await;
        assert!(matches!(refused, Err(ServeError::OpenToAll(_))), "{refused:?}");
    }

    let authority = Certificate::authority();
    let folder = tempfile::tempdir().unwrap();
    let mut own = Settings::default();
    own.http.tls = Some(write(folder.path(), &authority.issue()));
    served("0.0.0.0:0", bearer(), &own).await.unwrap();
    write(folder.path(), &(authority.issue().0, authority.issue().1));
    let refused = served("127.0.0.1:0", bearer(), &own).await;
    assert!(matches!(refused, Err(ServeError::Tls(_))), "{refused:?}");
}

#[tokio::test]
async fn only_what_came_to_the_proxy_over_https_is_answered() {
    let mut settings = Settings::default();
    settings.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let peer = HttpPeer::with(gateway(), bearer(), settings).await;
    let status = async |headers: &[(&str, &str)]| peer.post(headers, initialize("2025-11-25")).await.status;
    assert_eq!(status(&[("x-forwarded-proto", "https")]).await, 401, "as far as the token");
    assert_eq!(status(&[("x-forwarded-proto", "http")]).await, 403);
    assert_eq!(status(&[]).await, 403);
    assert_eq!(peer.path("/healthz").await.status, 200, "for whoever watches over it");

    let mut settings = Settings::default();
    settings.http.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    let peer = HttpPeer::with(gateway(), bearer(), settings).await;
    let past = peer.post(&[("x-forwarded-proto", "https")], initialize("2025-11-25")).await;
    assert_eq!(past.status, 403, "past the proxy");
}
