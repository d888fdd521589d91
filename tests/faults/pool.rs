//! More callers than connections, and transactions in each other's way.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgwarden::auth::Caller;
use pgwarden::gateway::{Gateway, QueryRequest, WriteRequest, Written};
use pgwarden::pg::Diagnostic;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, caller};
use super::row::row;
use crate::support::until;

async fn ask(gateway: &Gateway, who: &str, sql: &str) -> Result<String, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let output = gateway.query(&Caller::local(who), request, &CancellationToken::new()).await?;
    Ok(output.rows.get().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_pool_is_shared_and_says_that_it_is_busy() {
    let ground = Ground::shared().await;
    let gateway = ground.gateway(ground.port(), Duration::from_secs(3));
    gateway.ready().await.unwrap();
    let flood: Vec<_> = (0..40)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { (ask(&gateway, "anna", "SELECT s.wait(0.8)").await, Instant::now()) })
        })
        .collect();
    let began = Instant::now();
    until("anna has her share", async || (ground.backends("active").await.len() >= 2).then_some(())).await;
    let mut longest = Duration::ZERO;
    let mut most = 0;
    for _ in 0..10 {
        most = most.max(ground.backends("active").await.len());
        let asked = Instant::now();
        assert_eq!(ask(&gateway, "ben", "SELECT 1").await.unwrap(), "[[1]]");
        longest = longest.max(asked.elapsed());
    }
    let ended = join_all(flood).await;
    let (mut answered, mut busy) = (0, 0);
    for (answer, at) in ended.into_iter().map(Result::unwrap) {
        assert!(at - began < Duration::from_secs(8));
        match answer {
            Ok(_) => answered += 1,
            Err(error) => {
                assert!(error.hint.is_some(), "{error:?}");
                // The last of those who waited has too little of its time left.
                let late = error.sqlstate.as_str() == "57014";
                let is_busy =
                    error.retryable && ["53300", "53400", "08006"].contains(&error.sqlstate.as_str());
                assert!(late || is_busy, "{error:?}");
                busy += u32::from(is_busy);
            }
        }
    }
    assert!(answered > 2 && busy > 10 && most <= 4, "{answered} {busy} {most}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    ground.nothing_is_left(6).await;
    row(
        "pool exhaustion",
        &format!("40 calls of one caller at once, {most} backends of 4 at work"),
        "by the deadline an answer or `busy` with a hint; another caller is served meanwhile",
        &format!(
            "{answered} answered, {busy} busy; the other caller's longest call {} ms",
            longest.as_millis()
        ),
    );
}

fn write(gateway: &Gateway, sql: &str) -> JoinHandle<Result<Written, Diagnostic>> {
    let request = WriteRequest { sql: sql.to_owned(), params: Vec::new(), database: None };
    let gateway = gateway.clone();
    tokio::spawn(async move {
        gateway.run_write(&caller(), &request, &|_| Ok(()), &CancellationToken::new()).await
    })
}

async fn waits_for_a_lock(ground: &Ground) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND wait_event_type = 'Lock'";
    until("it waits for a lock", async || {
        let admin = ground.database.admin().await;
        (admin.query_one(sql, &[&ground.login]).await.unwrap().get::<_, i64>(0) == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_loses_against_another_one_says_so() {
    let ground = Ground::shared().await;
    let gateway = ground.gateway(ground.port(), Duration::from_secs(10));
    gateway.ready().await.unwrap();
    let mut other = ground.database.admin().await;
    other.batch_execute("SET deadlock_timeout = '20s'").await.unwrap();
    let holding = other.transaction().await.unwrap();
    holding.batch_execute("UPDATE s.notes SET body = 'other' WHERE id = 1").await.unwrap();
    let call = write(&gateway, "UPDATE s.notes SET body = 'mine' WHERE id = 1");
    waits_for_a_lock(&ground).await;
    holding.commit().await.unwrap();
    let conflict = call.await.unwrap().unwrap_err();
    assert_eq!((conflict.sqlstate.as_str(), conflict.retryable), ("40001", true));
    assert_eq!(ground.one("SELECT body FROM s.notes WHERE id = 1").await, "other");
    row(
        "serialization failure",
        "pg_stat_activity showed the write waiting for a row that then changed",
        "40001, retryable, nothing was changed; never passed over",
        "40001; the row is the other's; READ COMMITTED reads have no such failure",
    );

    let holding = other.transaction().await.unwrap();
    holding.batch_execute("SELECT FROM s.notes WHERE id = 3 FOR UPDATE").await.unwrap();
    let call = write(&gateway, "UPDATE s.notes SET body = 'mine' WHERE id IN (2, 3)");
    waits_for_a_lock(&ground).await;
    let crossing = holding.batch_execute("SELECT FROM s.notes WHERE id = 2 FOR UPDATE");
    let (crossed, ended) = tokio::join!(crossing, call);
    crossed.unwrap();
    let deadlock = ended.unwrap().unwrap_err();
    assert!(["40P01", "55P03"].contains(&deadlock.sqlstate.as_str()) && deadlock.retryable, "{deadlock:?}");
    holding.rollback().await.unwrap();
    assert_eq!(ground.one("SELECT count(*) FROM s.notes WHERE body = 'mine'").await, "0");

    // A read waits for whoever changes its table.
    let holding = other.transaction().await.unwrap();
    holding.batch_execute("LOCK s.notes IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let began = Instant::now();
    let reading = {
        let gateway = gateway.clone();
        tokio::spawn(async move { ask(&gateway, "anna", "SELECT count(*) FROM s.notes").await })
    };
    waits_for_a_lock(&ground).await;
    let locked = reading.await.unwrap().unwrap_err();
    assert!(["55P03", "57014"].contains(&locked.sqlstate.as_str()), "{locked:?}");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(14), "{took:?}");
    holding.rollback().await.unwrap();
    assert_eq!(ask(&gateway, "anna", "SELECT count(*) FROM s.notes").await.unwrap(), "[[100]]");
    ground.nothing_is_left(6).await;
    row(
        "deadlock, and a lock that is not given",
        "pg_stat_activity showed wait_event_type Lock",
        "PostgreSQL's SQLSTATE by the deadline, retryable; nothing was changed",
        &format!(
            "{} for the write that crossed another; {} for a read of a locked table after {:.1} s",
            deadlock.sqlstate,
            locked.sqlstate,
            took.as_secs_f64()
        ),
    );
}
