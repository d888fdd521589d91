//! TLS to a real server: what each sslmode accepts, and a client that proves itself by a certificate.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use pgwarden::db::ConnectionSettings;
use pgwarden::db::fixed::Fixed;
use pgwarden::embedded::{Auth, Listen, Settings};

use crate::support::{Cluster, Database, Page, Template, checked, gate, limits, until};

const PASSWORD: &str = "open sesame";

fn certificate(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name).display().to_string()
}

/// Keys in a checkout are readable by all, which libpq and we refuse.
fn own_key(name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::copy(certificate(name), &path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

/// A cluster on loopback with a login `tls_client`; TLS as `ssl` says.
async fn server(ssl: bool) -> Cluster {
    let settings = Settings {
        listen: Listen::Loopback,
        auth: Auth::Scram { password: PASSWORD.to_owned() },
        ..Settings::default()
    };
    let cluster = Cluster::start(settings);
    let database = Database::create_in(&cluster, Template::Empty).await;
    let admin = database.admin().await;
    admin.batch_execute("CREATE ROLE tls_client LOGIN PASSWORD 'open sesame'").await.unwrap();
    if ssl {
        let folder: String = admin.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
        install(Path::new(&folder));
        let hba = "local all all scram-sha-256\nhostssl postgres tls_client all cert\nhost all all all scram-sha-256\n";
        fs::write(Path::new(&folder).join("pg_hba.conf"), hba).unwrap();
        for setting in [
            "ssl_cert_file = 'server.crt'",
            "ssl_key_file = 'server.key'",
            "ssl_ca_file = 'authority.crt'",
            "ssl = on",
        ] {
            admin.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
        }
        admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        until("TLS is on", || async {
            let ssl: String = database.admin().await.query_one("SHOW ssl", &[]).await.unwrap().get(0);
            (ssl == "on").then_some(())
        })
        .await;
    }
    drop(database);
    cluster
}

/// The server's files belong to the server's user.
fn install(folder: &Path) {
    let owner = fs::metadata(folder).unwrap();
    for name in ["server.crt", "server.key", "authority.crt"] {
        let path: PathBuf = folder.join(name);
        fs::copy(certificate(name), &path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
}

/// `Ok` with the protocol's version (`None` without TLS), `Err` with what was said.
async fn attempt(cluster: &Cluster, dbname: &str, host: &str, more: &str) -> Result<Option<String>, String> {
    let url = cluster.url("postgres", "tls_client");
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let conninfo =
        format!("hostaddr=127.0.0.1 host={host} port={port} user=tls_client dbname={dbname} {more}");
    let gate = gate(&conninfo);
    let examined = gate.examine().await.map(|examination| {
        assert_eq!(examination.pooler, None, "PostgreSQL itself answers");
        examination.tls
    });
    examined.map_err(|error| format!("{} {}", error.message, error.hint.unwrap_or_default()))
}

#[tokio::test]
async fn each_sslmode_accepts_what_libpq_accepts() {
    let cluster = server(true).await;
    let root = |name: &str| format!("sslrootcert={}", certificate(name));
    let password = format!("password='{PASSWORD}'");
    let (authority, stranger) = (root("authority.crt"), root("stranger.crt"));
    for (host, more, accepted) in [
        ("localhost", "sslmode=disable".to_owned(), Ok(false)),
        ("localhost", "sslmode=prefer".to_owned(), Ok(true)),
        ("localhost", "sslmode=require".to_owned(), Ok(true)),
        ("localhost", format!("sslmode=require {authority}"), Ok(true)),
        ("localhost", format!("sslmode=require {stranger}"), Err("not signed by the roots")),
        ("elsewhere", format!("sslmode=verify-ca {authority}"), Ok(true)),
        ("localhost", format!("sslmode=verify-ca {stranger}"), Err("not signed by the roots")),
        ("localhost", format!("sslmode=verify-full {authority}"), Ok(true)),
        ("elsewhere", format!("sslmode=verify-full {authority}"), Err("names another host")),
        ("127.0.0.1", format!("sslmode=verify-full {authority}"), Err("names another host")),
        ("localhost", format!("sslmode=verify-full {stranger}"), Err("not signed by the roots")),
        ("localhost", "sslmode=verify-full sslrootcert=/nowhere.crt".to_owned(), Err("cannot be read")),
        ("localhost", "sslmode=require channel_binding=require".to_owned(), Ok(true)),
    ] {
        let seen = attempt(&cluster, "template1", host, &format!("{more} {password}")).await;
        match (&seen, accepted) {
            (Ok(tls), Ok(encrypted)) => assert_eq!(tls.is_some(), encrypted, "{host} {more}"),
            (Err(said), Err(expected)) => assert!(said.contains(expected), "{host} {more}: {said}"),
            _ => panic!("{host} {more}: {seen:?}"),
        }
        assert!(!format!("{seen:?}").contains(PASSWORD));
    }
}

#[tokio::test]
async fn a_client_proves_itself_by_its_certificate() {
    let cluster = server(true).await;
    let (_folder, key) = own_key("client.key");
    let proof = format!("sslmode=require sslcert={} sslkey={key}", certificate("client.crt"));
    let tls = attempt(&cluster, "postgres", "localhost", &proof).await.unwrap();
    assert_eq!(tls.as_deref(), Some("TLSv1.3"));
    let without = attempt(&cluster, "postgres", "localhost", "sslmode=require").await.unwrap_err();
    assert!(!without.is_empty());
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let open = attempt(&cluster, "postgres", "localhost", &proof).await.unwrap_err();
    assert!(open.contains("can be read by others"), "{open}");
}

/// The connections from before stay; files that do not fit leave the last certificate in use.
#[tokio::test]
async fn certificates_are_read_again_when_their_files_change() {
    let cluster = server(true).await;
    let (folder, key) = own_key("client.key");
    let file = |name: &str| folder.path().join(name).display().to_string();
    fs::copy(certificate("client.crt"), file("client.crt")).unwrap();
    fs::copy(certificate("authority.crt"), file("roots.crt")).unwrap();
    let url = cluster.url("postgres", "tls_client");
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let conninfo = format!(
        "hostaddr=127.0.0.1 host=localhost port={port} user=tls_client dbname=postgres sslmode=verify-full \
         sslcert={} sslkey={key} sslrootcert={}",
        file("client.crt"),
        file("roots.crt")
    );
    let fixed = Fixed::new("test", ConnectionSettings::parse(&conninfo, &|_| None).unwrap(), 10);
    // None goes back: each is a new connection.
    let mut open = vec![fixed.begin().await.unwrap()];
    fs::write(file("roots.crt"), "nothing").unwrap();
    open.push(fixed.begin().await.unwrap());
    fs::copy(certificate("stranger.crt"), file("roots.crt")).unwrap();
    let refused = fixed.begin().await.unwrap_err();
    assert!(
        refused.hint.as_deref().is_some_and(|hint| hint.contains("not signed by the roots")),
        "{refused}"
    );
    fs::copy(certificate("authority.crt"), file("roots.crt")).unwrap();
    open.push(fixed.begin().await.unwrap());
    // It is not the key's.
    fs::copy(certificate("stranger.crt"), file("client.crt")).unwrap();
    open.push(fixed.begin().await.unwrap());
    for transaction in &mut open {
        transaction.script("SELECT 1").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_without_tls_is_taken_only_where_tls_is_a_preference() {
    let cluster = server(false).await;
    let password = format!("password='{PASSWORD}'");
    let seen = attempt(&cluster, "template1", "localhost", &format!("sslmode=prefer {password}")).await;
    assert_eq!(seen, Ok(None));
    let refused = attempt(&cluster, "template1", "localhost", &format!("sslmode=require {password}"))
        .await
        .unwrap_err();
    assert!(refused.contains("the server has TLS off"), "{refused}");
}

#[tokio::test]
async fn a_missing_or_wrong_password_is_told_apart() {
    let cluster = server(false).await;
    let missing = attempt(&cluster, "template1", "localhost", "").await.unwrap_err();
    assert!(missing.contains("asks for a password of `tls_client`"), "{missing}");
    assert!(missing.contains("PGPASSWORD"), "{missing}");
    let wrong = attempt(&cluster, "template1", "localhost", "password=hunter2").await.unwrap_err();
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    assert!(!wrong.contains("hunter2"));
}

/// The cancel request goes over TLS as well.
#[tokio::test]
async fn a_statement_is_canceled_over_tls() {
    let cluster = server(true).await;
    let url = cluster.url("postgres", "tls_client");
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    let gate = gate(&format!(
        "hostaddr=127.0.0.1 host=localhost port={port} user=tls_client dbname=template1 password='{PASSWORD}' \
         sslmode=verify-full sslrootcert={}",
        certificate("authority.crt")
    ));
    let statement =
        checked(&gate, "SELECT count(*) FROM (SELECT generate_series(1, 100000000000)) AS g").await.unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    let call = {
        let (gate, cancel) = (gate.clone(), cancel.clone());
        tokio::spawn(async move { gate.run(statement, &[], &limits(), &mut Page::default(), &cancel).await })
    };
    let database = Database::create_in(&cluster, Template::Empty).await;
    let admin = database.admin().await;
    let active = || async {
        let active =
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tls_client' AND state = 'active'";
        admin.query_one(active, &[]).await.unwrap().get::<_, i64>(0)
    };
    until("it runs", || async { (active().await == 1).then_some(()) }).await;
    cancel.cancel();
    assert_eq!(call.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    until("it ends", || async { (active().await == 0).then_some(()) }).await;
}
