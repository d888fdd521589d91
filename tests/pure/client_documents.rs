//! The fetch of clients' documents, by real connections on one machine where names lead as the test says: nothing
//! connects to an address that is not of the public internet.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use pgwarden::auth::server::{
    AuthorizationServer, AuthorizeError, Clock, FetchError, Fetcher as _, Identity, MemoryGrants, Parts,
    Resolver, Roles, Settings, TrustedHosts, WebFetcher,
};
use pgwarden::auth::{Scope, Scopes};
use pgwarden::db::{ProofError, RoleFacts};
use pgwarden::pg::Diagnostic;
use pgwarden::store::MasterKey;
use pgwarden::telemetry::Telemetry;
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// A host of the public internet, played on loopback.
const HOST: &str = "client.example";

/// Names and what they lead to, look-up by look-up; the last stays.
#[derive(Debug, Default)]
struct Names {
    of: Mutex<HashMap<String, Vec<Vec<SocketAddr>>>>,
    asked: AtomicUsize,
}

impl Names {
    fn lead(&self, host: &str, looks: Vec<Vec<SocketAddr>>) {
        self.of.lock().unwrap().insert(host.to_owned(), looks);
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let mut of = self.of.lock().unwrap();
            let looks = of.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
            Ok(if looks.len() > 1 { looks.remove(0) } else { looks[0].clone() })
        })
    }
}

/// An HTTPS server that says the same to everybody, and counts who connects.
struct Site {
    address: SocketAddr,
    accepts: Arc<AtomicUsize>,
}

impl Site {
    fn accepts(&self) -> usize {
        self.accepts.load(Ordering::Relaxed)
    }
}

struct Internet {
    names: Arc<Names>,
    roots: RootCertStore,
    tls: TlsAcceptor,
}

impl Internet {
    fn new() -> Self {
        let names = [HOST, "other.example", "localhost"].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config =
            config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        Self { names: Arc::default(), roots, tls: TlsAcceptor::from(Arc::new(config)) }
    }

    /// `answer` is the whole of it; after `slowly` a byte.
    async fn site(&self, ip: &str, answer: Vec<u8>, slowly: Duration) -> Site {
        let listener = TcpListener::bind((ip.parse::<IpAddr>().unwrap(), 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepts = Arc::new(AtomicUsize::new(0));
        let (tls, count) = (self.tls.clone(), Arc::clone(&accepts));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                let (tls, answer) = (tls.clone(), answer.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = tls.accept(stream).await else { return };
                    let _ = stream.read(&mut [0; 4096]).await;
                    let step = if slowly.is_zero() { answer.len().max(1) } else { 1 };
                    for part in answer.chunks(step) {
                        tokio::time::sleep(slowly).await;
                        if stream.write_all(part).await.is_err() {
                            return;
                        }
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Site { address, accepts }
    }

    fn fetcher(&self, excepted: Vec<SocketAddr>) -> WebFetcher {
        let names = Arc::clone(&self.names) as Arc<dyn Resolver>;
        WebFetcher::new(names, self.roots.clone(), excepted).unwrap()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
        .into_bytes()
}

fn json(body: &str) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", body)
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[tokio::test]
async fn a_document_of_the_public_internet_is_read() {
    let internet = Internet::new();
    let headers =
        "content-type: application/client+json; charset=utf-8\r\ncache-control: public, max-age=600\r\n";
    let site = internet.site("127.0.0.1", answer("200 OK", headers, "{}"), Duration::ZERO).await;
    internet.names.lead(HOST, vec![vec![site.address]]);
    let fetched = internet.fetcher(vec![site.address]).fetch(&url("https://client.example/c")).await.unwrap();
    assert_eq!(fetched.body, b"{}");
    assert_eq!(fetched.max_age, Some(chrono::TimeDelta::seconds(600)));
    assert_eq!(site.accepts(), 1);
}

/// Every address of this machine that is not public, under a name: no connection.
#[tokio::test]
async fn names_that_lead_inside_are_not_followed() {
    let internet = Internet::new();
    let good = internet.site("127.0.0.1", json("{}"), Duration::ZERO).await;
    let mut inside = Vec::new();
    for ip in ["127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0"] {
        inside.push(internet.site(ip, json("{}"), Duration::ZERO).await);
    }
    if let Ok(probe) = TcpListener::bind("[::1]:0").await {
        drop(probe);
        inside.push(internet.site("::1", json("{}"), Duration::ZERO).await);
    }
    let fetcher = internet.fetcher(vec![good.address]);
    let port = inside[0].address.port();
    let mut sets: Vec<Vec<SocketAddr>> = inside.iter().map(|site| vec![site.address]).collect();
    let forms = [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "203.0.113.1",
        "224.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "100::1",
    ];
    sets.extend(forms.map(|form| vec![SocketAddr::new(form.parse().unwrap(), port)]));
    // One bad address among good ones, wherever it stands.
    sets.push(vec![good.address, inside[0].address]);
    sets.push(vec![inside[0].address, good.address]);
    sets.push(vec![SocketAddr::new("8.8.8.8".parse().unwrap(), 443), inside[1].address]);
    assert!(sets.len() >= 37);
    for set in sets {
        internet.names.lead(HOST, vec![set.clone()]);
        let refused = fetcher.fetch(&url("https://client.example/c")).await.unwrap_err();
        assert_eq!(refused, FetchError::Address, "{set:?}");
    }
    internet.names.lead(HOST, vec![Vec::new()]);
    assert_eq!(fetcher.fetch(&url("https://client.example/c")).await.unwrap_err(), FetchError::Name);
    assert_eq!(inside.iter().map(Site::accepts).sum::<usize>() + good.accepts(), 0);
}

/// The first look gives a good address, every later one another: there is no later one.
#[tokio::test]
async fn a_name_is_looked_up_once() {
    let internet = Internet::new();
    let good = internet.site("127.0.0.1", json("{}"), Duration::ZERO).await;
    let inside = internet.site("127.0.0.1", json("{}"), Duration::ZERO).await;
    let fetcher = internet.fetcher(vec![good.address]);
    internet.names.lead(HOST, vec![vec![good.address], vec![inside.address]]);
    fetcher.fetch(&url("https://client.example/c")).await.unwrap();
    assert_eq!((internet.names.asked.load(Ordering::Relaxed), good.accepts(), inside.accepts()), (1, 1, 0));
    // No connection outlives its look-up either.
    assert_eq!(fetcher.fetch(&url("https://client.example/c")).await.unwrap_err(), FetchError::Address);
    assert_eq!((good.accepts(), inside.accepts()), (1, 0));
}

#[tokio::test]
async fn redirects_lead_nowhere() {
    let internet = Internet::new();
    let inside = internet.site("127.0.0.1", json("{}"), Duration::ZERO).await;
    internet.names.lead("localhost", vec![vec![inside.address]]);
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        for to in [format!("https://{}/x", inside.address), "https://localhost/x".to_owned()] {
            let headers = format!("location: {to}\r\ncontent-type: application/json\r\n");
            let site = internet.site("127.0.0.1", answer(status, &headers, "{}"), Duration::ZERO).await;
            internet.names.lead(HOST, vec![vec![site.address]]);
            let fetcher = internet.fetcher(vec![site.address]);
            assert_eq!(
                fetcher.fetch(&url("https://client.example/c")).await.unwrap_err(),
                FetchError::Status
            );
            assert_eq!((site.accepts(), inside.accepts()), (1, 0), "{status} {to}");
        }
    }
}

#[tokio::test]
async fn what_is_no_short_json_in_time_is_not_taken() {
    let internet = Internet::new();
    let long = format!("\"{}\"", "x".repeat(5 * 1024));
    let endless = {
        let mut endless = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n".to_vec();
        endless.extend(vec![b' '; 1_000_000]);
        endless
    };
    for (whole, fault) in [
        (json(&long), FetchError::TooLong),
        (endless, FetchError::TooLong),
        (answer("200 OK", "content-type: text/html\r\n", "{}"), FetchError::Type),
        (answer("200 OK", "", "{}"), FetchError::Type),
        (answer("404 Not Found", "content-type: application/json\r\n", "{}"), FetchError::Status),
        (answer("204 No Content", "content-type: application/json\r\n", ""), FetchError::Status),
        (answer("500 Oops", "content-type: application/json\r\n", "{}"), FetchError::Status),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), FetchError::Silent),
        (Vec::new(), FetchError::Silent),
    ] {
        let site = internet.site("127.0.0.1", whole, Duration::ZERO).await;
        internet.names.lead(HOST, vec![vec![site.address]]);
        let fetcher = internet.fetcher(vec![site.address]);
        assert_eq!(fetcher.fetch(&url("https://client.example/c")).await.unwrap_err(), fault);
    }
    let slow = internet.site("127.0.0.1", json("{}"), Duration::from_millis(200)).await;
    internet.names.lead(HOST, vec![vec![slow.address]]);
    let began = Instant::now();
    let fetched = internet.fetcher(vec![slow.address]).fetch(&url("https://client.example/c")).await;
    assert_eq!(fetched.unwrap_err(), FetchError::Silent);
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test]
async fn another_certificate_is_not_trusted() {
    let (internet, stranger) = (Internet::new(), Internet::new());
    let site = stranger.site("127.0.0.1", json("{}"), Duration::ZERO).await;
    internet.names.lead(HOST, vec![vec![site.address]]);
    internet.names.lead("unnamed.example", vec![vec![site.address]]);
    let fetcher = internet.fetcher(vec![site.address]);
    for host in [HOST, "unnamed.example"] {
        let fetched = fetcher.fetch(&url(&format!("https://{host}/c"))).await;
        assert_eq!(fetched.unwrap_err(), FetchError::Silent);
    }
}

#[derive(Debug)]
struct Nobody;

impl Roles for Nobody {
    fn prove<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<RoleFacts, ProofError>> {
        Box::pin(async { Err(ProofError::Refused("nobody")) })
    }

    fn standing<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<RoleFacts>, Diagnostic>> {
        Box::pin(async { Ok(None) })
    }
}

/// The whole way, with every host trusted: of 44 hostile client ids none makes a connection.
#[tokio::test]
async fn no_hostile_client_id_makes_a_connection() {
    let internet = Internet::new();
    let inside = internet.site("127.0.0.1", json("{}"), Duration::ZERO).await;
    let port = inside.address.port();
    for name in
        ["localhost", "rebind.example", "inside.example", "metadata.google.internal", "127.0.0.1.nip.example"]
    {
        internet.names.lead(name, vec![vec![inside.address]]);
    }
    internet
        .names
        .lead("mapped.example", vec![vec![SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), port)]]);
    let settings = Settings {
        trusted: TrustedHosts::Any,
        ..Settings::new("https://db.example", "https://db.example/mcp")
    };
    let parts = Parts {
        store: Arc::new(MemoryGrants::default()),
        key: MasterKey::random().unwrap(),
        roles: Arc::new(Nobody),
        fetcher: Arc::new(internet.fetcher(Vec::new())),
        telemetry: Telemetry::default(),
        clock: Clock::default(),
    };
    let server = AuthorizationServer::new(settings, parts);
    let session = |subject: String| async {
        let identity = Identity {
            issuer: "https://db.example".to_owned(),
            subject,
            oid: Some(1),
            claims: [].into(),
            scopes: Scopes::from(Scope::Read),
        };
        let cookie = server.sessions().begin(&identity, None).await.unwrap();
        server.sessions().find(cookie.reveal()).await.unwrap().unwrap()
    };
    let at = |rest: &str| format!("https://{rest}");
    let hostile = [
        at("localhost/c"),
        at(&format!("localhost:{port}/c")),
        at(&format!("127.0.0.1:{port}/c")),
        at("127.0.0.1/c"),
        at("127.1/c"),
        at("2130706433/c"),
        at("0x7f000001/c"),
        at("0177.0.0.1/c"),
        at("0/c"),
        at("0.0.0.0/c"),
        at("[::1]/c"),
        at(&format!("[::1]:{port}/c")),
        at("[::ffff:127.0.0.1]/c"),
        at("[::ffff:7f00:1]/c"),
        at("[64:ff9b::7f00:1]/c"),
        at("[fe80::1]/c"),
        at("[fd00:ec2::254]/c"),
        at("169.254.169.254/latest/meta-data"),
        at("100.100.100.200/c"),
        at("168.63.129.16/c"),
        at("10.0.0.1/c"),
        at("192.168.0.1/c"),
        at("172.16.0.1/c"),
        at("metadata.google.internal/c"),
        at("inside.example/c"),
        at("rebind.example/c"),
        at("mapped.example/c"),
        at("127.0.0.1.nip.example/c"),
        at(&format!("inside.example:{port}/c")),
        at("inside.example:443/c"),
        at("inside.example./c"),
        at("INSIDE.example/c"),
        at("inside.example/../c"),
        at("inside.example/%2e%2e/c"),
        at("inside.example/"),
        at("inside.example"),
        at("inside.example/c?x"),
        at("inside.example/c#x"),
        at("user@inside.example/c"),
        at("public.example\\@inside.example/c"),
        at("public.example@inside.example/c"),
        format!("http://inside.example:{port}/c"),
        "file:///etc/passwd".to_owned(),
        "gopher://inside.example/c".to_owned(),
    ];
    assert_eq!(hostile.len(), 44);
    for (number, client_id) in hostile.iter().enumerate() {
        let query = [
            ("client_id", client_id.as_str()),
            ("redirect_uri", "http://localhost:1/cb"),
            ("response_type", "code"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("resource", "https://db.example/mcp"),
        ];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let outcome = match server.authorize(&query).await {
            // A person each, so that none is refused for asking too often.
            Ok(asked) => server.resolve(&asked, &session(number.to_string()).await).await.map(drop),
            Err(error) => Err(error),
        };
        match outcome {
            Err(AuthorizeError::Page(_)) => {}
            Err(AuthorizeError::Document(words)) => {
                assert_eq!(words, "the client's metadata document cannot be read", "{client_id}");
            }
            other => panic!("{client_id}: {other:?}"),
        }
    }
    assert_eq!(inside.accepts(), 0);
}
