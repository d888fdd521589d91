//! Statements under callers' own logins: the right password, a wrong one, one that was changed; how many, and for how long.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::Identity;
use pgwarden::embedded::Settings;
use pgwarden::gateway::{Gateway, OwnLogins, RunAs, Served};
use pgwarden::policy::Policy;
use tokio_util::sync::CancellationToken;

use super::{Office, gateway, refused, rows, with_login};
use crate::support::{Cluster, Database, Template, gate_with, until};

pub(super) const CANARY: &str = "canary-8f3b1c-password";
const WHO: &str = "SELECT current_user, session_user, max(tenant) FROM app.notes";

/// A cluster that asks members of `people` for a password, and nobody else.
pub(super) async fn asking() -> Cluster {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Empty).await;
    let admin = database.admin().await;
    admin.batch_execute("CREATE ROLE people").await.unwrap();
    let folder: String = admin.query_one("SHOW data_directory", &[]).await.unwrap().get(0);
    let hba = "local all +people scram-sha-256\nlocal all all trust\n";
    fs::write(Path::new(&folder).join("pg_hba.conf"), hba).unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    drop(database);
    cluster
}

impl Office<'_> {
    /// A login with the rights of the analysts, or of `roles`.
    pub(super) async fn person(&self, name: &str, roles: &str) -> String {
        let attributes = format!("LOGIN PASSWORD '{CANARY}' IN ROLE people, {roles}");
        self.database.create_role(name, &attributes).await
    }

    pub(super) fn own(&self, most: usize, idle: Duration) -> Served {
        self.own_with(Policy::builtin(), most, idle)
    }

    pub(super) fn own_with(&self, policy: Policy, most: usize, idle: Duration) -> Served {
        let gate = gate_with(&self.database.url(&self.login), |settings| {
            settings.name = "office".to_owned();
            settings.identity = Identity::Outside;
        });
        let run_as = RunAs::OwnLogin(OwnLogins { most, idle });
        Served::new(gate, policy).running_as(run_as)
    }

    pub(super) async fn connections(&self, role: &str) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1";
        self.database.admin().await.query_one(sql, &[&role]).await.unwrap().get(0)
    }

    /// A statement of `caller`'s that takes longer than any test.
    async fn running(
        &self,
        gateway: &Gateway,
        caller: &Caller,
        login: &str,
    ) -> tokio::task::JoinHandle<Result<String, pgwarden::pg::Diagnostic>> {
        let slow = "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b WHERE a + b < 0";
        let running = tokio::spawn({
            let (gateway, caller) = (gateway.clone(), caller.clone());
            async move { rows(&gateway, &caller, slow).await }
        });
        let active = "SELECT FROM pg_stat_activity WHERE usename = $1 AND query ~ 'generate_series' AND state = 'active'";
        let admin = self.database.admin().await;
        until("it runs", async || (!admin.query(active, &[&login]).await.unwrap().is_empty()).then_some(()))
            .await;
        running
    }

    pub(super) async fn until_gone(&self, role: &str) {
        until("no connections", async || (self.connections(role).await == 0).then_some(())).await;
    }
}

const LONG: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn each_person_works_under_their_own_login() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let (anna, ben) =
        (office.person("anna", &office.analyst).await, office.person("ben", &office.support).await);
    let gateway = gateway(office.own(5, LONG));
    let mut callers = Vec::new();
    for number in 0..8 {
        let (login, tenant) = if number % 2 == 0 { (&anna, "a") } else { (&ben, "b") };
        let caller = with_login(&format!("person of {login}"), login, CANARY);
        let expected = format!(r#"[["{login}","{login}","{tenant}"]]"#);
        let gateway = gateway.clone();
        callers.push(tokio::spawn(async move {
            for _ in 0..25 {
                assert_eq!(rows(&gateway, &caller, WHO).await.unwrap(), expected);
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    for login in [&anna, &ben] {
        assert!(office.connections(login).await <= 3);
    }
    assert!(
        refused(&gateway, &with_login("anna", &anna, CANARY), "SELECT secret FROM app.notes")
            .await
            .rule
            .is_some()
    );
}

#[tokio::test]
async fn without_a_login_or_with_a_wrong_password_nothing_runs() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let anna = office.person("anna", &office.analyst).await;
    let gateway = gateway(office.own(5, LONG));
    let none = refused(&gateway, &Caller::local("anna"), "SELECT 1").await;
    assert_eq!((none.sqlstate.as_str(), none.rule.as_deref()), ("28000", Some("login.own")));
    assert!(none.hint.unwrap().contains("log in again"));
    // Somebody's good connections are no way in for a wrong password, not even for the same person.
    rows(&gateway, &with_login("anna", &anna, CANARY), "SELECT 1").await.unwrap();
    for (person, role, password) in [
        ("anna", anna.as_str(), "wrong"),
        ("eve", &anna, "wrong"),
        ("eve", &anna, ""),
        ("eve", "no_such_role", CANARY),
    ] {
        let refusal = refused(&gateway, &with_login(person, role, password), "SELECT 1").await;
        assert_eq!(refusal.sqlstate.as_str(), "28000", "{person} {role}: {refusal}");
        assert!(refusal.rule.as_deref().is_some_and(|rule| rule.starts_with("login.")), "{refusal}");
    }
    rows(&gateway, &with_login("anna", &anna, CANARY), "SELECT 1").await.unwrap();
}

/// What was typed at another database's login page is not shown to this one's server.
#[tokio::test]
async fn a_database_that_asks_itself_takes_no_login_of_the_login_page() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let anna = office.person("anna", &office.analyst).await;
    let gateway = gateway(office.own(5, LONG).asking_itself());
    let mut caller = with_login("anna", &anna, CANARY);
    let refusal = refused(&gateway, &caller, "SELECT 1").await;
    assert_eq!(refusal.rule.as_deref(), Some("login.own"), "{refusal}");
    assert_eq!(office.connections(&anna).await, 0);
    caller.given.extend(caller.login.take().map(|login| ("office".to_owned(), login)));
    rows(&gateway, &caller, "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_changed_password_ends_everything_as_soon_as_one_connection_is_refused() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let anna = office.person("anna", &office.analyst).await;
    let gateway = gateway(office.own(5, LONG));
    let caller = with_login("anna", &anna, CANARY);
    rows(&gateway, &caller, WHO).await.unwrap();
    office.admin(&format!("ALTER ROLE {anna} PASSWORD 'another'")).await;
    office
        .admin(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{anna}'"))
        .await;
    let refusal = until("refused", async || rows(&gateway, &caller, WHO).await.err()).await;
    // By the connection that takes the place of the broken one, or by the call's own.
    assert!(matches!(refusal.rule.as_deref(), Some("login.own" | "login.ended")), "{refusal}");
    office.until_gone(&anna).await;
    // A new login with the new password is another identity.
    let again = with_login("anna", &anna, "another");
    assert!(rows(&gateway, &again, WHO).await.unwrap().contains(&anna));
    assert_eq!(refused(&gateway, &caller, WHO).await.rule.as_deref(), Some("login.own"));
}

#[tokio::test]
async fn what_runs_under_a_changed_password_ends_when_another_connection_is_refused() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let anna = office.person("anna", &office.analyst).await;
    let gateway = gateway(office.own(5, LONG));
    let caller = with_login("anna", &anna, CANARY);
    let running = office.running(&gateway, &caller, &anna).await;
    office.admin(&format!("ALTER ROLE {anna} PASSWORD 'another'")).await;
    assert_eq!(refused(&gateway, &caller, WHO).await.rule.as_deref(), Some("login.own"));
    assert_eq!(running.await.unwrap().unwrap_err().rule.as_deref(), Some("login.ended"));
    office.until_gone(&anna).await;
    assert_eq!(refused(&gateway, &caller, WHO).await.rule.as_deref(), Some("login.own"));
}

/// Roles, or spellings of one password.
#[tokio::test]
async fn one_person_does_not_take_all_places() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let ben = office.person("ben", &office.support).await;
    let gateway = gateway(office.own(20, LONG));
    let mut running = Vec::new();
    for number in 0..5 {
        let role = office.person(&format!("anna_{number}"), &office.analyst).await;
        let caller = with_login("anna", &role, CANARY);
        if number < 4 {
            running.push(office.running(&gateway, &caller, &role).await);
            continue;
        }
        let refusal = rows(&gateway, &caller, WHO).await.unwrap_err();
        assert_eq!(
            (refusal.rule.as_deref(), refusal.retryable),
            (Some("limits.own_logins"), true),
            "{refusal}"
        );
        running.remove(0).abort();
        until("her own gives way", async || rows(&gateway, &caller, WHO).await.ok()).await;
    }
    rows(&gateway, &with_login("ben", &ben, CANARY), WHO).await.unwrap();
    running.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_login_that_ends_takes_its_connections_and_its_running_statement_with_it() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let (anna, ben) =
        (office.person("anna", &office.analyst).await, office.person("ben", &office.analyst).await);
    let gateway = gateway(office.own(5, LONG));
    let caller = with_login("anna", &anna, CANARY);
    rows(&gateway, &caller, WHO).await.unwrap();
    rows(&gateway, &with_login("ben", &ben, CANARY), WHO).await.unwrap();
    let running = office.running(&gateway, &caller, &anna).await;
    let started = std::time::Instant::now();
    gateway.forget(&Caller::local("anna")).await.unwrap();
    let refusal = running.await.unwrap().unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("login.ended"), "{refusal}");
    office.until_gone(&anna).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(office.connections(&ben).await > 0, "others keep theirs");
}

#[tokio::test]
async fn logins_beyond_the_cap_take_the_place_of_the_one_unused_for_longest() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let gateway = gateway(office.own(2, LONG));
    let mut people = Vec::new();
    for name in ["anna", "ben", "cleo"] {
        let role = office.person(name, &office.analyst).await;
        rows(&gateway, &with_login(name, &role, CANARY), WHO).await.unwrap();
        people.push(role);
    }
    office.until_gone(&people[0]).await;
    assert!(office.connections(&people[1]).await > 0 && office.connections(&people[2]).await > 0);
}

#[tokio::test]
async fn a_login_that_nobody_uses_loses_its_connections() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let anna = office.person("anna", &office.analyst).await;
    let gateway = gateway(office.own(2, Duration::from_millis(300)));
    let caller = with_login("anna", &anna, CANARY);
    rows(&gateway, &caller, WHO).await.unwrap();
    office.until_gone(&anna).await;
    rows(&gateway, &caller, WHO).await.unwrap();
}

#[tokio::test]
async fn a_mighty_login_and_one_that_needs_no_password_are_refused() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let gateway = gateway(office.own(5, LONG));
    let boss = office
        .database
        .create_role("boss", &format!("LOGIN SUPERUSER PASSWORD '{CANARY}' IN ROLE people"))
        .await;
    let refusal = refused(&gateway, &with_login("boss", &boss, CANARY), "SELECT 1").await;
    assert_eq!(refusal.message, "your role in this database is over-privileged: superuser");
    // Whoever it is, PostgreSQL would let them in.
    let trusted = office.database.create_role("trusted", &format!("LOGIN IN ROLE {}", office.analyst)).await;
    let refusal = refused(&gateway, &with_login("eve", &trusted, "anything"), "SELECT 1").await;
    assert_eq!(refusal.rule.as_deref(), Some("login.unproved"), "{refusal}");
}

/// What the process logs, in this thread.
#[derive(Clone, Default)]
pub(super) struct Lines(pub(super) Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// All of it, for as long as the guards live.
    pub(super) fn listen() -> (Self, impl Sized) {
        let lines = Self::default();
        let writer = lines.clone();
        // With one subscriber alone, a thread that has none would settle for all of them that nobody listens.
        let second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        (lines, (tracing::subscriber::set_default(subscriber), second))
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_password_is_in_no_log_error_or_debug() {
    let (lines, _logging) = Lines::listen();
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    let anna = office.person("anna", &office.analyst).await;
    let served = office.own(5, LONG);
    let gateway: Gateway = gateway(served.clone());
    let caller = with_login("anna", &anna, CANARY);
    rows(&gateway, &caller, WHO).await.unwrap();
    let mut said = format!("{caller:?} {gateway:?} {served:?}");
    for sql in ["SELECT nothing FROM app.notes", "SELECT 1/0", "nonsense"] {
        let refusal = rows(&gateway, &caller, sql).await.unwrap_err();
        said += &format!("{refusal} {refusal:?}");
    }
    office.admin(&format!("ALTER ROLE {anna} PASSWORD 'another'")).await;
    let fresh = self::gateway(office.own(5, LONG));
    let refusal = rows(&fresh, &caller, "SELECT 1").await.unwrap_err();
    said += &format!("{refusal} {refusal:?} {fresh:?}");
    gateway.forget(&Caller::local("anna")).await.unwrap();
    let request = pgwarden::gateway::QueryRequest { sql: WHO.to_owned(), ..Default::default() };
    let _ = gateway.query(&Caller::local("anna"), request, &CancellationToken::new()).await;
    said += &String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("catalog of `office` read"), "it was listened to: {said}");
    assert!(!said.contains(CANARY) && !said.contains("canary-8f3b"), "{said}");
}
