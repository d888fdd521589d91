//! Certificates that have run out: PostgreSQL's, and our own.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Client;

use super::ground::Ground;
use super::row::row;
use super::served::Served;
use crate::support::{gate, until};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// For `localhost`, until `end`: certificate and key, both PEM.
fn issue(authority: &Authority, end: SystemTime) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.not_before = (SystemTime::now() - Duration::from_secs(7_200)).into();
    parameters.not_after = end.into();
    (parameters.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn pem(authority: &Authority) -> String {
    let certificate: &rcgen::Certificate = authority.as_ref();
    certificate.pem()
}

async fn encrypt(ground: &Ground, folder: &Path, authority: &Authority, end: SystemTime) {
    let owner = fs::metadata(folder).unwrap();
    let (certificate, key) = issue(authority, end);
    for (name, text) in [("server.crt", certificate), ("server.key", key)] {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    ground.admin.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    ground.admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_s_certificate_has_run_out() {
    let ground = Ground::own(&[]).await;
    let (folder, authority) = (ground.one("current_setting('data_directory')").await, authority());
    let roots = tempfile::tempdir().unwrap();
    let root = roots.path().join("root.crt");
    fs::write(&root, pem(&authority)).unwrap();
    let url = format!(
        "hostaddr=127.0.0.1 host=localhost port={} user={} password='open sesame' dbname={} sslmode=verify-full sslrootcert={}",
        ground.port(),
        ground.login,
        ground.database.name(),
        root.display()
    );
    let hour = Duration::from_secs(3_600);
    encrypt(&ground, Path::new(&folder), &authority, SystemTime::now() - hour).await;
    let asked = async || gate(&url).examine().await;
    let expired = until("TLS is on", async || {
        let error = asked().await.err()?;
        (!error.message.contains("does not support TLS")).then_some(error)
    })
    .await;
    assert!(expired.message.to_lowercase().contains("expired"), "{expired:?}");
    assert!(
        !expired.retryable && expired.hint.as_ref().is_some_and(|hint| hint.contains("renew")),
        "{expired:?}"
    );
    encrypt(&ground, Path::new(&folder), &authority, SystemTime::now() + hour).await;
    let examined = until("the new one is taken", async || asked().await.ok()).await;
    assert!(examined.tls.is_some());
    row(
        "PostgreSQL's certificate has run out",
        "its notAfter is an hour ago",
        "no connection, and an error that says why and what to do; a renewed one is taken at once",
        &format!("{}; then {}", expired.message.rsplit(": ").next().unwrap(), examined.tls.unwrap()),
    );
}

async fn healthy(client: &Client, port: &str) -> Result<String, String> {
    let answer = client.get(format!("https://localhost:{port}/healthz")).send().await;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    answer.text().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_certificate_runs_out_and_is_renewed() {
    let ground = Ground::shared().await;
    let (authority, files) = (authority(), tempfile::tempdir().unwrap());
    let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let put = |end: SystemTime| {
        let (certificate, secret) = issue(&authority, end);
        fs::write(&key, secret).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        fs::write(&cert, certificate).unwrap();
    };
    let end = SystemTime::now() + Duration::from_secs(4);
    put(end);
    let tls = format!("[server.tls]\ncert_file = \"{}\"\nkey_file = \"{}\"\n", cert.display(), key.display());
    let served = Served::start(&ground, &tls).await;
    let port = served.address.rsplit(':').next().unwrap().to_owned();
    let client = || {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        let certificate: &rcgen::Certificate = authority.as_ref();
        roots.add(certificate.der().clone()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Client::builder().use_preconfigured_tls(config).build().unwrap()
    };
    let early = client();
    assert_eq!(healthy(&early, &port).await.unwrap(), "ok\n");
    tokio::time::sleep(end.duration_since(SystemTime::now()).unwrap_or_default() + Duration::from_secs(1))
        .await;
    let refused = healthy(&client(), &port).await.unwrap_err();
    assert!(refused.contains("xpired"), "{refused}");
    // Who is connected stays so.
    assert_eq!(healthy(&early, &port).await.unwrap(), "ok\n");
    put(SystemTime::now() + Duration::from_secs(3_600));
    let began = Instant::now();
    until("the new one is shown", async || healthy(&client(), &port).await.ok()).await;
    let renewed = began.elapsed();
    assert_eq!(healthy(&early, &port).await.unwrap(), "ok\n");
    row(
        "our certificate runs out",
        "a client's check says that it has expired",
        "who is connected stays so; a renewed file is taken without a restart",
        &format!(
            "the new one was shown after {:.1} s; the early connection was never cut",
            renewed.as_secs_f64()
        ),
    );
}
