//! PostgreSQL is stopped, not ended: the kernel still takes and acknowledges everything for it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use pgwarden::gateway::{Gateway, Health, QueryRequest};
use pgwarden::pg::Diagnostic;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, caller, signal, state_of};
use super::row::row;
use crate::support::until;

async fn ask(gateway: &Gateway, sql: &str) -> Result<String, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let output = gateway.query(&caller(), request, &CancellationToken::new()).await?;
    Ok(output.rows.get().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_postmaster() {
    let ground = Ground::own(&[]).await;
    let gateway = ground.gateway(ground.port(), Duration::from_secs(20));
    gateway.ready().await.unwrap();
    assert_eq!(ask(&gateway, "SELECT 1").await.unwrap(), "[[1]]");
    assert!(matches!(gateway.health().await, Health::Ready));
    ground.nothing_is_left(6).await;
    let postmaster = ground.postmaster().await.as_raw();
    signal(postmaster, Signal::SIGSTOP);
    until("it is stopped", async || (state_of(postmaster) == 'T').then_some(())).await;
    // Open connections are served by their own processes.
    let served = until("an open connection is used", async || ask(&gateway, "SELECT 2").await.ok());
    assert_eq!(served.await, "[[2]]");
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()";
    ground.admin.query(end, &[&ground.login]).await.unwrap();
    let began = Instant::now();
    let error = ask(&gateway, "SELECT 3").await.unwrap_err();
    let first = began.elapsed();
    assert!(error.retryable && error.sqlstate.as_str() == "08006", "{error:?}");
    // connect_timeout is 2 s: once for the first, then nobody waits for it again and again.
    let began = Instant::now();
    let many = join_all((0..12).map(|_| ask(&gateway, "SELECT 4"))).await;
    let all = began.elapsed();
    assert!(many.iter().all(|answer| answer.as_ref().is_err_and(|error| error.retryable)), "{many:?}");
    assert!(first < Duration::from_secs(8) && all < Duration::from_secs(8), "{first:?}, {all:?}");
    let began = Instant::now();
    assert!(matches!(gateway.health().await, Health::NotReady(_)));
    let asked = began.elapsed();
    assert!(asked < Duration::from_secs(5), "{asked:?}");
    signal(postmaster, Signal::SIGCONT);
    let began = Instant::now();
    until("calls work", async || ask(&gateway, "SELECT 5").await.ok()).await;
    let back = began.elapsed();
    until("it is ready", async || matches!(gateway.health().await, Health::Ready).then_some(())).await;
    ground.nothing_is_left(6).await;
    row(
        "SIGSTOP of the postmaster",
        "/proc/PID/stat shows T",
        "open connections go on; new ones end by connect_timeout and are not waited for by each call; not ready",
        &format!(
            "08006 after {:.1} s, twelve calls at once after {:.1} s; not ready after {:.1} s; back {:.1} s after SIGCONT",
            first.as_secs_f64(),
            all.as_secs_f64(),
            asked.as_secs_f64(),
            back.as_secs_f64()
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_backend() {
    let ground = Ground::own(&[]).await;
    let deadline = Duration::from_secs(3);
    let gateway = ground.gateway(ground.port(), deadline);
    gateway.ready().await.unwrap();
    let slow = {
        let gateway = gateway.clone();
        tokio::spawn(
            async move { (Instant::now(), ask(&gateway, "SELECT s.wait(60)").await, Instant::now()) },
        )
    };
    let backend = ground.running().await;
    signal(backend, Signal::SIGSTOP);
    until("it is stopped", async || (state_of(backend) == 'T').then_some(())).await;
    let (began, answer, ended) = slow.await.unwrap();
    let (error, took) = (answer.unwrap_err(), ended - began);
    assert_eq!(error.sqlstate.as_str(), "57014", "{error:?}");
    assert!(took < deadline + Duration::from_secs(5), "{took:?}");
    let began = Instant::now();
    let others = join_all((0..8).map(|_| ask(&gateway, "SELECT count(*) FROM s.notes"))).await;
    let others_took = began.elapsed();
    assert!(others.iter().all(|answer| answer.as_deref() == Ok("[[100]]")), "{others:?}");
    assert_eq!(state_of(backend), 'T');
    signal(backend, Signal::SIGCONT);
    until("the backend ends", async || {
        (!std::path::Path::new(&format!("/proc/{backend}")).exists()).then_some(())
    })
    .await;
    ground.nothing_is_left(6).await;
    row(
        "SIGSTOP of a backend",
        "/proc/PID/stat shows T",
        "its call ends by the deadline, its connection is closed, other calls go on",
        &format!(
            "57014 after {:.1} s of a deadline of {}; eight other calls in {:.2} s",
            took.as_secs_f64(),
            deadline.as_secs(),
            others_took.as_secs_f64()
        ),
    );
}
