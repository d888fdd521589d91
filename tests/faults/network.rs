//! The network in the middle of a result, and a network that swallows everything or is slow.

use std::time::{Duration, Instant};

use pgwarden::db::RunLimits;
use pgwarden::gateway::Health;

use super::ground::Ground;
use super::row::row;
use crate::proxy::{After, Fault, Way};
use crate::support::{limits, query_within, until};

const LARGE: &str = "SELECT n, repeat('x', 200) AS x FROM generate_series(1, 20000) AS n";
const ROWS: usize = 20_000;

fn within(deadline: Duration) -> RunLimits {
    RunLimits { rows: 100_000, deadline, ..limits() }
}

/// The connection fails when a megabyte of four has passed.
async fn fails_midway(name: &str, fault: Fault) {
    let ground = Ground::shared().await;
    let gate = ground.gate();
    gate.ready().await.unwrap();
    let deadline = Duration::from_secs(if fault == Fault::BlackHole { 2 } else { 15 });
    ground.proxy.arm(Way::ToClient, After::Bytes(1_000_000), fault);
    let began = Instant::now();
    let error = query_within(&gate, LARGE, &[], &within(deadline)).await.unwrap_err();
    let took = began.elapsed();
    assert!(ground.proxy.disarm() && ground.proxy.fired() == 1);
    let expected = if fault == Fault::BlackHole { "57014" } else { "08006" };
    assert_eq!(error.sqlstate.as_str(), expected, "{error:?}");
    assert!(took < deadline + Duration::from_secs(5), "{took:?}");
    let again = Instant::now();
    let (page, _) = query_within(&gate, LARGE, &[], &within(Duration::from_secs(15))).await.unwrap();
    assert_eq!(page.rows.len(), ROWS);
    let connections = ground.nothing_is_left(4).await;
    row(
        name,
        "the proxy counted the fault behind a million bytes of the result",
        "an error and never a part of the rows; the next call has all of them",
        &format!(
            "{expected} after {:.2} s; the next call {:.2} s; {connections} connections",
            took.as_secs_f64(),
            again.elapsed().as_secs_f64()
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_in_a_result_is_an_error() {
    fails_midway("connection cut in a result", Fault::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_reset_in_a_result_is_an_error() {
    fails_midway("connection reset in a result", Fault::Reset).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_whose_server_s_half_ends_in_a_result_is_an_error() {
    fails_midway("half of the connection closed in a result", Fault::HalfClose).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_in_a_result_ends_by_the_deadline() {
    fails_midway("connection silent in a result", Fault::BlackHole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_ends_every_call_by_its_deadline_and_heals() {
    let ground = Ground::shared().await;
    let gateway = ground.gateway(ground.proxy.port, Duration::from_secs(30));
    let gate = ground.gate();
    gate.ready().await.unwrap();
    gateway.ready().await.unwrap();
    // On a connection that idles when the hole opens, whose silence only the deadline ends.
    query_within(&gate, "SELECT 1", &[], &within(Duration::from_secs(15))).await.unwrap();
    ground.nothing_is_left(8).await;
    assert!(matches!(gateway.health().await, Health::Ready));
    ground.proxy.hole(true);
    let short = within(Duration::from_millis(1_500));
    let mut longest = Duration::ZERO;
    for _ in 0..4 {
        let began = Instant::now();
        let error = query_within(&gate, "SELECT 1", &[], &short).await.unwrap_err();
        longest = longest.max(began.elapsed());
        assert!(error.retryable && ["08006", "53300"].contains(&error.sqlstate.as_str()), "{error:?}");
    }
    assert!(longest < Duration::from_secs(6), "{longest:?}");
    let began = Instant::now();
    assert!(matches!(gateway.health().await, Health::NotReady(_)));
    let asked = began.elapsed();
    assert!(asked < Duration::from_secs(6), "{asked:?}");
    let swallowed = ground.proxy.swallowed();
    assert!(swallowed > 0);
    ground.proxy.hole(false);
    let began = Instant::now();
    until("calls work", async || query_within(&gate, "SELECT 1", &[], &short).await.ok()).await;
    let back = began.elapsed();
    until("it is ready", async || matches!(gateway.health().await, Health::Ready).then_some(())).await;
    ground.nothing_is_left(8).await;
    row(
        "black hole",
        &format!("the proxy swallowed {swallowed} bytes and passed none"),
        "a retryable error by the deadline; not ready meanwhile; works again by itself",
        &format!(
            "08006 after {:.1} s of a deadline of 1.5; not ready after {:.1} s; the first answer {:.1} s after the end",
            longest.as_secs_f64(),
            asked.as_secs_f64(),
            back.as_secs_f64()
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_idled_in_a_black_hole_is_not_left_to_the_next_caller() {
    let ground = Ground::shared().await;
    let gate = ground.gate();
    gate.ready().await.unwrap();
    let many = within(Duration::from_secs(20));
    let (one, other) =
        tokio::join!(query_within(&gate, LARGE, &[], &many), query_within(&gate, LARGE, &[], &many));
    assert_eq!(one.unwrap().0.rows.len() + other.unwrap().0.rows.len(), 2 * ROWS);
    ground.nothing_is_left(4).await;
    let pool = || gate.pools()[0].1;
    assert_eq!(pool().open, 2);
    ground.proxy.hole(true);
    let short = within(Duration::from_secs(1));
    query_within(&gate, "SELECT 1", &[], &short).await.unwrap_err();
    // The cancel is not taken either, and with that the other connection is closed, too.
    until("both are closed", async || (pool().open == 0).then_some(())).await;
    ground.proxy.hole(false);
    until("the next call works", async || query_within(&gate, "SELECT 1", &[], &many).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_costs_time_and_no_rows() {
    let ground = Ground::shared().await;
    let gate = ground.gate();
    gate.ready().await.unwrap();
    let began = Instant::now();
    query_within(&gate, LARGE, &[], &within(Duration::from_secs(20))).await.unwrap();
    let fast = began.elapsed();
    // Four megabytes at two a second.
    ground.proxy.slow(Duration::from_millis(1), 2_000_000);
    let began = Instant::now();
    let (page, _) = query_within(&gate, LARGE, &[], &within(Duration::from_secs(60))).await.unwrap();
    let slow = began.elapsed();
    assert!(slow > fast && slow > Duration::from_millis(1_500), "not slowed down: {fast:?}, {slow:?}");
    assert_eq!(page.rows.len(), ROWS);
    let began = Instant::now();
    let error = query_within(&gate, LARGE, &[], &within(Duration::from_millis(700))).await.unwrap_err();
    let late = began.elapsed();
    assert!(error.sqlstate.as_str() == "57014" || error.retryable, "{error:?}");
    assert!(late < Duration::from_secs(5), "{late:?}");
    ground.proxy.slow(Duration::ZERO, 0);
    ground.nothing_is_left(4).await;
    row(
        "slow network",
        &format!("{:.1} s for what takes {:.1} s otherwise", slow.as_secs_f64(), fast.as_secs_f64()),
        "all rows within the deadline, or its error",
        &format!(
            "{ROWS} rows; with a deadline of 0.7 s {} after {:.1} s",
            error.sqlstate,
            late.as_secs_f64()
        ),
    );
}
