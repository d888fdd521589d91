//! Login against a PostgreSQL that asks for passwords.

use std::fs;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use pgwarden::auth::server::{
    AuthorizationServer, Clock, LoginError, MemoryGrants, Parts, SystemResolver, WebFetcher,
};
use pgwarden::db::{ConnectionSettings, Proof, ProofError};
use pgwarden::embedded::{Auth, Listen, Settings};
use pgwarden::store::MasterKey;
use pgwarden::telemetry::Telemetry;
use zeroize::Zeroizing;

use super::stage::HERE;
use crate::support::{Cluster, Database, Template, until};

const PASSWORD: &str = "canary-owner's-own";

/// With SCRAM for all but one role, which pg_hba.conf trusts.
fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| {
        let auth = Auth::Scram { password: "open sesame".to_owned() };
        Cluster::start(Settings { listen: Listen::Loopback, auth, ..Settings::default() })
    })
}

async fn database() -> Database<'static> {
    Database::create_in(server(), Template::Empty).await
}

/// As the entry of the configuration has it: the gateway's login, with a password of its own.
fn entry(database: &Database<'_>, role: &str) -> ConnectionSettings {
    let password = |name: &str| (name == "PGPASSWORD").then(|| PASSWORD.to_owned());
    ConnectionSettings::parse(&database.url(role), &password).unwrap()
}

async fn people(database: &Database<'_>) -> (Proof, Box<dyn Fn(&str) -> String>) {
    let with = |attributes: &str| format!("LOGIN PASSWORD '{}' {attributes}", PASSWORD.replace('\'', "''"));
    for (name, attributes) in [
        ("gateway", ""),
        ("monitor", ""),
        ("ada", ""),
        ("root", "SUPERUSER"),
        ("copier", "REPLICATION"),
        ("seer", "BYPASSRLS"),
        ("maker", "CREATEROLE"),
        ("late", "VALID UNTIL '2001-01-01'"),
        ("deputy", ""),
        ("shell", ""),
        ("helper", ""),
    ] {
        database.create_role(name, &with(attributes)).await;
    }
    let staff = database.create_role("staff", "").await;
    let team = database.create_role("team", "").await;
    database.create_role("group", "NOLOGIN").await;
    let name = database.name().to_owned();
    let of = move |role: &str| format!("{name}_{role}");
    database
        .admin()
        .await
        .batch_execute(&format!(
            "GRANT {staff} TO {ada}; GRANT {team} TO {staff}; GRANT {root} TO {deputy};
             GRANT pg_execute_server_program TO {shell}; GRANT {monitor} TO {team2}; GRANT {team2} TO {helper}",
            ada = of("ada"),
            root = of("root"),
            deputy = of("deputy"),
            shell = of("shell"),
            monitor = of("monitor"),
            team2 = of("group"),
            helper = of("helper"),
        ))
        .await
        .unwrap();
    let proof = Proof::new(&entry(database, &of("gateway")), vec![of("monitor")]);
    (proof, Box::new(of))
}

#[tokio::test]
async fn only_a_role_with_its_own_password_and_no_power_is_proved() {
    let database = database().await;
    let (proof, of) = people(&database).await;
    let facts = proof.of(&of("ada"), PASSWORD).await.unwrap();
    assert_eq!((facts.role, facts.memberships), (of("ada"), vec![of("staff"), of("team")]));
    for (role, password, cause) in [
        (of("ada"), "wrong", "PostgreSQL refused the login"),
        (of("ada"), "", "no role or password can be so"),
        (of("ada"), "\0", "no role or password can be so"),
        (of("nobody"), PASSWORD, "PostgreSQL refused the login"),
        (of("group"), PASSWORD, "PostgreSQL refused the login"),
        (of("late"), PASSWORD, "PostgreSQL refused the login"),
        (String::new(), PASSWORD, "no role or password can be so"),
        (format!("{}\0", of("ada")), PASSWORD, "no role or password can be so"),
        ("x".repeat(64), PASSWORD, "no role or password can be so"),
        (of("gateway"), PASSWORD, "a login of pgwarden's own"),
        (of("monitor"), PASSWORD, "a login of pgwarden's own"),
        (of("root"), PASSWORD, "a superuser"),
        (of("copier"), PASSWORD, "can stream the whole cluster's data"),
        (of("seer"), PASSWORD, "passes by row level security"),
        (of("maker"), PASSWORD, "can create roles and grant itself others"),
        (of("deputy"), PASSWORD, "a member of a role with administrative rights"),
        (of("helper"), PASSWORD, "a member of a login of pgwarden's own"),
        (of("shell"), PASSWORD, "a member of a role with administrative rights"),
    ] {
        match proof.of(&role, password).await {
            Err(ProofError::Refused(told)) => assert_eq!(told, cause, "{role:?}"),
            other => panic!("{role:?}: {other:?}"),
        }
    }
    assert!(!format!("{proof:?}").contains("canary"));
}

#[tokio::test]
async fn a_role_stands_as_long_as_it_may_log_in() {
    let database = database().await;
    let (proof, of) = people(&database).await;
    let admin = database.admin().await;
    let ada = of("ada");
    let refusal = async || proof.standing(&ada).await.unwrap().unwrap().refusal();
    assert_eq!(refusal().await, None);
    let name = database.name();
    for (change, undo) in [
        (format!("ALTER ROLE {ada} NOLOGIN"), format!("ALTER ROLE {ada} LOGIN")),
        (
            format!("ALTER ROLE {ada} VALID UNTIL '2001-01-01'"),
            format!("ALTER ROLE {ada} VALID UNTIL 'infinity'"),
        ),
        (
            format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {name} TO PUBLIC"),
        ),
        (format!("ALTER ROLE {ada} BYPASSRLS"), format!("ALTER ROLE {ada} NOBYPASSRLS")),
    ] {
        // The gateway itself stays connected.
        admin.batch_execute(&change).await.unwrap();
        assert!(refusal().await.is_some(), "{change}");
        admin.batch_execute(&undo).await.unwrap();
        assert_eq!(refusal().await, None, "{undo}");
    }
    let helper = proof.standing(&of("helper")).await.unwrap().unwrap();
    assert!(helper.refusal().is_some() && helper.oid >= 16_384);
    assert_eq!(proof.standing(&of("nobody")).await.unwrap(), None);
}

/// Where no password is asked for, any would do.
#[tokio::test]
async fn a_connection_that_needs_no_password_proves_nobody() {
    let cluster = Cluster::start(Settings {
        listen: Listen::Loopback,
        auth: Auth::Scram { password: "x".to_owned() },
        ..Settings::default()
    });
    let database = Database::create_in(&cluster, Template::Empty).await;
    let ada = database.create_role("ada", "LOGIN PASSWORD 'right'").await;
    let admin = database.admin().await;
    let url = database.url("gateway");
    let proof = Proof::new(&ConnectionSettings::parse(&url, &|_| None).unwrap(), Vec::new());
    proof.of(&ada, "right").await.unwrap();
    let folder: String = admin.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    let hba =
        format!("local all all scram-sha-256\nhost all {ada} all trust\nhost all all all scram-sha-256\n");
    fs::write(Path::new(&folder).join("pg_hba.conf"), hba).unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    until("PostgreSQL trusts the role", || async {
        match proof.of(&ada, "whatever").await {
            Err(ProofError::Refused("PostgreSQL does not ask for the role's password")) => Some(()),
            Err(ProofError::Refused("PostgreSQL refused the login")) => None,
            other => panic!("{other:?}"),
        }
    })
    .await;
    assert!(proof.of(&ada, "right").await.is_err());
    drop(database);
}

#[tokio::test]
async fn the_server_s_login_is_this_proof() {
    let database = database().await;
    let (proof, of) = people(&database).await;
    let parts = Parts {
        store: Arc::new(MemoryGrants::default()),
        key: MasterKey::random().unwrap(),
        roles: Arc::new(proof),
        fetcher: Arc::new(
            WebFetcher::new(Arc::new(SystemResolver), rustls::RootCertStore::empty(), Vec::new()).unwrap(),
        ),
        telemetry: Telemetry::default(),
        clock: Clock::default(),
    };
    let server = AuthorizationServer::new(super::stage::settings(), parts);
    let log_in = async |role: String, password: &str| {
        let began = Instant::now();
        let outcome = server.login(&role, Zeroizing::new(password.to_owned()), HERE).await;
        (outcome, began.elapsed())
    };
    let (session, _) = log_in(of("ada"), PASSWORD).await;
    let session = server.sessions().find(session.unwrap().reveal()).await.unwrap().unwrap();
    assert_eq!(session.identity.claims["roles"], format!("{},{}", of("staff"), of("team")));
    assert!(session.login.is_none(), "the password is gone");
    assert!(session.ends > chrono::Utc::now() + TimeDelta::hours(7));
    for (role, password) in [("ada", "wrong"), ("nobody", "wrong"), ("root", PASSWORD), ("gateway", PASSWORD)]
    {
        let (outcome, took) = log_in(of(role), password).await;
        assert!(matches!(outcome, Err(LoginError::Refused)), "{role}: {outcome:?}");
        assert!(took >= Duration::from_millis(300), "{role} took {took:?}");
    }
}
