//! Stopping a statement: it ends in PostgreSQL, quickly, and nothing else is ever hit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::row::row;
use pgwarden::db::{Database as Gate, RunLimits};
use pgwarden::pg::Diagnostic;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Database, Page, READER, Template, checked, gate, gate_with, limits, query, query_within, until,
};

/// Never ends by itself.
const ENDLESS: &str = "SELECT count(*) FROM shop.order_items AS a CROSS JOIN shop.order_items AS b CROSS JOIN shop.order_items AS c";
/// Takes a few milliseconds.
const COUNT: &str = "SELECT count(*) FROM shop.orders";
/// From the cancel to an idle or closed backend, as the project promises.
const PROMISED: Duration = Duration::from_millis(250);

fn start(gate: &Arc<Gate>, cancel: &CancellationToken) -> tokio::task::JoinHandle<Result<(), Diagnostic>> {
    let (gate, cancel) = (gate.clone(), cancel.clone());
    tokio::spawn(async move {
        let statement = checked(&gate, ENDLESS).await?;
        gate.run(statement, &[], &limits(), &mut Page::default(), &cancel).await.map(drop)
    })
}

async fn active(admin: &tokio_postgres::Client) -> i64 {
    let active = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'pgwarden' AND backend_type = 'client backend' AND state <> 'idle' AND query LIKE '%order_items%'";
    admin.query_one(active, &[]).await.unwrap().get(0)
}

async fn running(admin: &tokio_postgres::Client) {
    until("the statement runs", || async { (active(admin).await == 1).then_some(()) }).await;
}

/// How long until nothing runs any more.
async fn stopped(admin: &tokio_postgres::Client) -> Duration {
    let started = Instant::now();
    until("the statement ends", || async { (active(admin).await == 0).then_some(()) }).await;
    started.elapsed()
}

#[tokio::test]
async fn a_canceled_call_ends_in_postgresql_within_a_quarter_of_a_second() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gate = gate(&database.url(READER));
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let cancel = CancellationToken::new();
        let call = start(&gate, &cancel);
        running(&admin).await;
        cancel.cancel();
        best = best.min(stopped(&admin).await);
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.sqlstate.as_str(), "57014");
        assert_eq!(error.message, "the statement was canceled by the client");
        query(&gate, "SELECT 1", &[]).await.unwrap();
    }
    // The best of five: other tests share the machine.
    assert!(best < PROMISED, "{best:?}");
}

#[tokio::test]
async fn a_dropped_call_ends_in_postgresql_too() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gate = gate(&database.url(READER));
    gate.ready().await.unwrap();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let call = start(&gate, &CancellationToken::new());
        running(&admin).await;
        call.abort();
        best = best.min(stopped(&admin).await);
        query(&gate, "SELECT 1", &[]).await.unwrap();
    }
    assert!(best < PROMISED, "{best:?}");
    row(
        "dropped future",
        "pg_stat_activity showed the statement, then its call was dropped",
        "the statement ends in PostgreSQL within 250 ms; the next call works",
        &format!("the best of five: {} ms", best.as_millis()),
    );
}

#[tokio::test]
async fn the_deadline_ends_a_statement_and_says_so() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gate = gate(&database.url(READER));
    gate.ready().await.unwrap();
    let short = RunLimits { deadline: Duration::from_millis(500), ..limits() };
    let started = Instant::now();
    let error = query_within(&gate, ENDLESS, &[], &short).await.unwrap_err();
    let took = started.elapsed();
    assert_eq!(error.sqlstate.as_str(), "57014");
    assert!(error.message.contains("deadline of 0.5 s"), "{}", error.message);
    assert!((Duration::from_millis(400)..Duration::from_secs(3)).contains(&took), "{took:?}");
    stopped(&admin).await;
}

#[tokio::test]
async fn a_call_that_is_canceled_before_it_starts_never_starts() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = start(&gate, &cancel).await.unwrap().unwrap_err();
    assert_eq!(error.sqlstate.as_str(), "57014");
}

/// A cancel request names only a backend: one that comes late would kill whatever runs there next.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_cancel_never_hits_another_statement() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 2);
    gate.ready().await.unwrap();
    let started = Instant::now();
    for _ in 0..10 {
        query(&gate, COUNT, &[]).await.unwrap();
    }
    let usual = started.elapsed() / 10;
    let (mut canceled, mut finished) = (0, 0);
    for attempt in 0..200_u32 {
        let cancel = CancellationToken::new();
        let statement = checked(&gate, COUNT).await.unwrap();
        let call = {
            let (gate, cancel) = (gate.clone(), cancel.clone());
            tokio::spawn(async move {
                gate.run(statement, &[], &limits(), &mut Page::default(), &cancel).await.map(drop)
            })
        };
        // Spread over the statement's whole life, so that many arrive just as it ends.
        tokio::time::sleep(usual * (attempt % 40) / 20).await;
        cancel.cancel();
        for _ in 0..3 {
            query(&gate, "SELECT 1", &[]).await.unwrap_or_else(|error| panic!("attempt {attempt}: {error}"));
        }
        match call.await.unwrap() {
            Ok(()) => finished += 1,
            Err(error) => {
                assert_eq!(error.message, "the statement was canceled by the client", "attempt {attempt}");
                canceled += 1;
            }
        }
    }
    eprintln!("{canceled} canceled, {finished} finished");
    assert!(canceled > 20 && finished > 20, "too one-sided to show anything: {canceled} to {finished}");
    row(
        "late cancel",
        &format!("of 200 cancels around a statement's end {canceled} came in time, {finished} too late"),
        "no cancel hits another statement",
        "600 statements beside them, none was hit",
    );
}

#[tokio::test]
async fn closing_waits_until_what_was_dropped_has_ended() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gate = gate(&database.url(READER));
    let cancel = CancellationToken::new();
    let call = start(&gate, &cancel);
    running(&admin).await;
    cancel.cancel();
    call.await.unwrap().unwrap_err();
    gate.close().await;
    assert_eq!(active(&admin).await, 0);
    let refused = query(&gate, "SELECT 1", &[]).await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "57P03");
    assert_eq!(refused.message, "`test` is shutting down");
}
