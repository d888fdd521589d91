//! PostgreSQL ends and comes back.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use pgwarden::gateway::{Gateway, QueryRequest};
use pgwarden::pg::Diagnostic;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, caller, signal};
use super::row::row;
use crate::support::until;

const PROMISE: &str = "what runs fails as retryable, never as a result; calls work when PostgreSQL does";

async fn ask(gateway: &Gateway, sql: &str) -> Result<String, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let output = gateway.query(&caller(), request, &CancellationToken::new()).await?;
    Ok(output.rows.get().to_owned())
}

/// Calls go on all the time while `fault` has its way with a server that runs a statement.
async fn survives(name: &str, proof: &str, fault: impl AsyncFnOnce(&Ground, i32) -> String) {
    let ground = Ground::own(&[]).await;
    let gateway = ground.gateway(ground.port(), Duration::from_secs(80));
    gateway.ready().await.unwrap();
    let slow = {
        let gateway = gateway.clone();
        tokio::spawn(async move { ask(&gateway, "SELECT s.wait(60)").await })
    };
    let backend = ground.running().await;
    let stop = CancellationToken::new();
    let calls = {
        let (gateway, stop) = (gateway.clone(), stop.clone());
        tokio::spawn(async move {
            let (mut answered, mut failed) = (0, 0);
            while !stop.is_cancelled() {
                match ask(&gateway, "SELECT count(*) FROM s.notes").await {
                    Ok(rows) => {
                        assert_eq!(rows, "[[100]]");
                        answered += 1;
                    }
                    Err(error) => {
                        assert!(error.retryable, "{error:?}");
                        failed += 1;
                    }
                }
            }
            (answered, failed)
        })
    };
    let proved = fault(&ground, backend).await;
    let interrupted = slow.await.unwrap().unwrap_err();
    assert!(interrupted.retryable, "{interrupted:?}");
    assert!(["57P01", "57P02", "08006"].contains(&interrupted.sqlstate.as_str()), "{interrupted:?}");
    let began = Instant::now();
    until("calls work", async || ask(&gateway, "SELECT 1").await.ok()).await;
    let back = began.elapsed();
    assert!(back < Duration::from_secs(4), "{back:?}");
    stop.cancel();
    let (answered, failed) = calls.await.unwrap();
    let connections = ground.nothing_is_left(6).await;
    row(
        name,
        &format!("{proof} {proved}"),
        PROMISE,
        &format!(
            "what ran: {}; {answered} calls answered, {failed} failed meanwhile; the first answer {:.2} s after; {connections} connections",
            interrupted.sqlstate,
            back.as_secs_f64()
        ),
    );
}

async fn restarted(ground: &Ground, before: Option<Signal>) -> String {
    let started = ground.started().await;
    if let Some(before) = before {
        signal(ground.postmaster().await.as_raw(), before);
    }
    tokio::task::block_in_place(|| ground.database.cluster().restart());
    let now = ground.started().await;
    assert_ne!(started, now);
    format!("from {} to {}", &started[11..23], &now[11..23])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_fast_restart() {
    survives("restart, fast", "pg_postmaster_start_time went", async |ground, _| {
        restarted(ground, None).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_immediate_restart() {
    survives("restart, immediate", "pg_postmaster_start_time went", async |ground, _| {
        restarted(ground, Some(Signal::SIGQUIT)).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_killed_backend_takes_all_others_with_it() {
    survives("kill -9 of a backend", "the process is gone, and PostgreSQL recovered:", async |ground, backend| {
        let recovered = "SELECT pg_conf_load_time()::text || (SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer')::text";
        let before: String = ground.admin.query_one(recovered, &[]).await.unwrap().get(0);
        signal(backend, Signal::SIGKILL);
        until("the process is gone", async || {
            (!std::path::Path::new(&format!("/proc/{backend}")).exists()).then_some(())
        })
        .await;
        let now: String = until("PostgreSQL has recovered", async || {
            let (client, connection) =
                tokio_postgres::connect(&ground.database.admin_url(), tokio_postgres::NoTls).await.ok()?;
            tokio::spawn(connection);
            let now: String = client.query_one(recovered, &[]).await.ok()?.get(0);
            (now != before).then_some(now)
        })
        .await;
        assert_ne!(before, now);
        "another checkpointer".to_owned()
    })
    .await;
}
