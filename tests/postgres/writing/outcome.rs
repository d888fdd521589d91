//! How a write ends when something else comes in its way: other transactions, its caller, the backend, the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use pgwarden::auth::Caller;
use pgwarden::embedded::{Auth, Listen, Settings};
use pgwarden::gateway::{Gateway, Written};
use pgwarden::pg::Diagnostic;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{GROUND, Ground, request, rule, run, unasked};
use crate::support::{Cluster, Database, Template, until};

const UPDATE: &str = "UPDATE s.customers SET tier = 'gold' WHERE id = 1";

fn start(gateway: &Gateway, sql: &str, stop: &CancellationToken) -> JoinHandle<Result<Written, Diagnostic>> {
    let (gateway, stop, wanted) = (gateway.clone(), stop.clone(), request(sql, &[]));
    tokio::spawn(async move { gateway.run_write(&Caller::local("anna"), &wanted, &|_| Ok(()), &stop).await })
}

/// Until a backend of the login waits for a lock, or (`event`) for something else.
async fn waits(ground: &Ground, event: &str) -> i32 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename = $1
               AND state = 'active' AND (wait_event_type = $2 OR wait_event = $2)";
    until("it waits", || async {
        let rows = ground.admin.query(sql, &[&ground.login, &event]).await.unwrap();
        rows.first().map(|row| row.get(0))
    })
    .await
}

async fn tier(ground: &Ground) -> String {
    ground.one("SELECT tier FROM s.customers WHERE id = 1").await
}

#[tokio::test]
async fn a_row_that_changed_meanwhile_is_a_conflict_and_never_passed_over() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(5));
    let mut other = ground.database.admin().await;
    let holding = other.transaction().await.unwrap();
    holding.execute("UPDATE s.customers SET name = 'other' WHERE id = 1", &[]).await.unwrap();
    let call = start(&gateway, UPDATE, &CancellationToken::new());
    waits(&ground, "Lock").await;
    holding.commit().await.unwrap();
    let conflict = call.await.unwrap().unwrap_err();
    assert_eq!((conflict.sqlstate.as_str(), conflict.retryable), ("40001", true));
    assert!(conflict.hint.unwrap().contains("nothing was changed"));
    assert_eq!((tier(&ground).await.as_str(), run(&gateway, UPDATE).await.unwrap().rows), ("basic", 1));
}

#[tokio::test]
async fn a_deadlock_is_said_and_nothing_has_happened() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(5));
    let mut other = ground.database.admin().await;
    other.batch_execute("SET deadlock_timeout = '20s'").await.unwrap();
    let holding = other.transaction().await.unwrap();
    holding.execute("SELECT FROM s.customers WHERE id = 2 FOR UPDATE", &[]).await.unwrap();
    let call =
        start(&gateway, "UPDATE s.customers SET tier = 'gold' WHERE id IN (1, 2)", &CancellationToken::new());
    waits(&ground, "Lock").await;
    // Whoever has waited longest notices: that is the gateway's.
    let crossing = holding.execute("SELECT FROM s.customers WHERE id = 1 FOR UPDATE", &[]);
    let (crossed, ended) = tokio::join!(crossing, call);
    crossed.unwrap();
    let error = ended.unwrap().unwrap_err();
    assert!(matches!(error.sqlstate.as_str(), "40P01" | "55P03"), "{error}");
    assert!(error.retryable);
    holding.rollback().await.unwrap();
    assert_eq!(tier(&ground).await, "basic");
}

#[tokio::test]
async fn a_cancel_before_commit_undoes_it() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(5));
    let stop = CancellationToken::new();
    stop.cancel();
    let error = start(&gateway, UPDATE, &stop).await.unwrap().unwrap_err();
    assert_eq!(error.sqlstate.as_str(), "57014");
    let mut other = ground.database.admin().await;
    for dropped in [false, true] {
        let holding = other.transaction().await.unwrap();
        holding.execute("SELECT FROM s.customers WHERE id = 1 FOR UPDATE", &[]).await.unwrap();
        let stop = CancellationToken::new();
        let call = start(&gateway, UPDATE, &stop);
        let backend = waits(&ground, "Lock").await;
        match dropped {
            true => call.abort(),
            false => {
                stop.cancel();
                assert_eq!(call.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
            }
        }
        let gone =
            format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {backend} AND state = 'active'");
        until("the backend stops", || async { (ground.one(&gone).await == "0").then_some(()) }).await;
        holding.rollback().await.unwrap();
        assert_eq!(tier(&ground).await, "basic");
    }
    run(&gateway, UPDATE).await.unwrap();
}

#[tokio::test]
async fn the_deadline_undoes_it() {
    let ground = Ground::new().await;
    let short = Duration::from_millis(700);
    let gateway = super::gateway_over(&ground.database.url(&ground.login), &unasked(5), short);
    gateway.ready().await.unwrap();
    let mut other = ground.database.admin().await;
    let holding = other.transaction().await.unwrap();
    holding.execute("SELECT FROM s.customers WHERE id = 1 FOR UPDATE", &[]).await.unwrap();
    let error = run(&gateway, UPDATE).await.unwrap_err();
    assert!(matches!(error.sqlstate.as_str(), "57014" | "55P03"), "{error}");
    holding.rollback().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(tier(&ground).await, "basic");
}

/// A deferred trigger makes COMMIT take its time.
const SLOW_COMMIT: &str = "
    CREATE FUNCTION s.linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER linger AFTER UPDATE ON s.customers DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION s.linger()";

#[tokio::test]
async fn from_the_moment_that_commit_is_sent_it_is_waited_for() {
    let ground = Ground::with(SLOW_COMMIT).await;
    let gateway = ground.gateway(&unasked(5));
    let stop = CancellationToken::new();
    let call = start(&gateway, UPDATE, &stop);
    waits(&ground, "PgSleep").await;
    stop.cancel();
    assert_eq!(call.await.unwrap().unwrap().rows, 1, "it happened, and that is what is said");
    assert_eq!(tier(&ground).await, "gold");

    let call =
        start(&gateway, "UPDATE s.customers SET tier = 'lead' WHERE id = 1", &CancellationToken::new());
    waits(&ground, "PgSleep").await;
    call.abort();
    until("it ends though nobody waits", || async { (tier(&ground).await == "lead").then_some(()) }).await;
}

#[tokio::test]
async fn a_backend_that_is_killed_before_commit_has_changed_nothing() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(5));
    let mut other = ground.database.admin().await;
    let holding = other.transaction().await.unwrap();
    holding.execute("SELECT FROM s.customers WHERE id = 1 FOR UPDATE", &[]).await.unwrap();
    let call = start(&gateway, UPDATE, &CancellationToken::new());
    let backend = waits(&ground, "Lock").await;
    ground.one(&format!("SELECT pg_terminate_backend({backend})")).await;
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error.sqlstate.as_str(), "57P01" | "08006") && error.retryable, "{error}");
    holding.rollback().await.unwrap();
    assert_eq!(tier(&ground).await, "basic");
}

#[tokio::test]
async fn a_backend_that_is_killed_while_it_commits_leaves_an_unknown_outcome() {
    let ground = Ground::with(SLOW_COMMIT).await;
    let gateway = ground.gateway(&unasked(5));
    let call = start(&gateway, UPDATE, &CancellationToken::new());
    let backend = waits(&ground, "PgSleep").await;
    ground.one(&format!("SELECT pg_terminate_backend({backend})")).await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(rule(&error), ("08007", Some("write.unknown_outcome")));
    assert!(!error.retryable && error.hint.unwrap().contains("look"));
    // An operator's cancel is another thing: PostgreSQL says that it rolled back.
    let call = start(&gateway, UPDATE, &CancellationToken::new());
    let backend = waits(&ground, "PgSleep").await;
    ground.one(&format!("SELECT pg_cancel_backend({backend})")).await;
    assert_eq!(call.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    assert_eq!(tier(&ground).await, "basic");
}

const PASSES: u8 = 0;
/// The answer to COMMIT does not come back, and then the connection ends.
const CUTS_COMMIT: u8 = 1;

/// Carries everything, but for the answer to a COMMIT.
async fn network(server_port: u16) -> (u16, Arc<AtomicU8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mode = Arc::new(AtomicU8::new(PASSES));
    let of_all = Arc::clone(&mode);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", server_port)).await.unwrap();
            let (mut client_in, mut client_out) = client.into_split();
            let (mut server_in, mut server_out) = server.into_split();
            let (mode, cut) = (Arc::clone(&of_all), CancellationToken::new());
            let cutting = cut.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(count @ 1..) = client_in.read(&mut buffer).await {
                    let commits = buffer[..count].windows(7).any(|word| word == b"COMMIT\0");
                    if commits && mode.load(Ordering::SeqCst) == CUTS_COMMIT {
                        cutting.cancel();
                    }
                    if server_out.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                }
            });
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(count @ 1..) = server_in.read(&mut buffer).await {
                    if cut.is_cancelled() || client_out.write_all(&buffer[..count]).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, mode)
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_to_commit_is_no_failure_and_no_success() {
    let auth = Auth::Scram { password: "open sesame".to_owned() };
    let cluster = Cluster::start(Settings { listen: Listen::Loopback, auth, ..Settings::default() });
    let database = Database::create_in(&cluster, Template::Empty).await;
    let admin = database.admin().await;
    admin.batch_execute(GROUND).await.unwrap();
    let login = database.create_role("writer", "LOGIN PASSWORD 'open sesame'").await;
    let grants = format!(
        "GRANT USAGE ON SCHEMA s TO {login}; GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA s TO {login}"
    );
    admin.batch_execute(&grants).await.unwrap();
    let url = database.admin_url();
    let server_port = url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let (port, mode) = network(server_port).await;
    let url =
        format!("postgres://{login}:open%20sesame@127.0.0.1:{port}/{}?sslmode=disable", database.name());
    let gateway = super::gateway_over(&url, &unasked(5), Duration::from_secs(20));
    gateway.ready().await.unwrap();
    mode.store(CUTS_COMMIT, Ordering::SeqCst);
    let started = Instant::now();
    let error = run(&gateway, UPDATE).await.unwrap_err();
    assert_eq!(rule(&error), ("08007", Some("write.unknown_outcome")));
    assert!(started.elapsed() < Duration::from_secs(15));
    // It did happen; nobody has run it a second time.
    let name = "SELECT tier || ' ' || xmin::text FROM s.customers WHERE id = 1";
    let now = until("PostgreSQL has committed", async || {
        let now: String = admin.query_one(name, &[]).await.unwrap().get(0);
        now.starts_with("gold").then_some(now)
    })
    .await;
    mode.store(PASSES, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let later: String = admin.query_one(name, &[]).await.unwrap().get(0);
    assert_eq!(now, later);
}
