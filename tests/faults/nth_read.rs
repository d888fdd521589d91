//! A query on a network that fails at its n-th message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgwarden::db::{Database as Gate, RunLimits};
use pgwarden::pg::Diagnostic;

use super::ground::Ground;
use super::lanes::{Lane, Tally, lanes};
use super::row::row;
use crate::proxy::Fault;
use crate::support::{gate_with, limits, query_within, until};

const SQL: &str = "SELECT id, body FROM s.notes ORDER BY id LIMIT 4";
const SHORT: Duration = Duration::from_millis(800);
/// Above its deadline, on a machine that does other things too.
const SLACK: Duration = Duration::from_secs(4);

async fn ask(gate: &Arc<Gate>, deadline: Duration) -> Result<Vec<Vec<Option<String>>>, Diagnostic> {
    let limits = RunLimits { deadline, ..limits() };
    query_within(gate, SQL, &[], &limits).await.map(|(page, _)| page.rows)
}

async fn ride(ground: &Ground, lane: Lane) -> Tally {
    let proxy = ground.proxy().await;
    let gate = gate_with(&ground.url(proxy.port), |settings| settings.pool_size = 2);
    let right = ask(&gate, limits().deadline).await.unwrap();
    assert_eq!(right.len(), 4);
    let deadline = if lane.fault == Fault::BlackHole { SHORT } else { Duration::from_secs(10) };
    let (mut tally, mut n) = (Tally::default(), lane.first);
    loop {
        lane.arm(&proxy, n);
        let began = Instant::now();
        let answer = ask(&gate, deadline).await;
        let took = began.elapsed();
        let happened = lane.happened(&proxy).await;
        assert!(took < deadline + SLACK, "{lane:?} {n}: {took:?}");
        match answer {
            Ok(rows) => {
                assert_eq!(rows, right, "{lane:?} {n}");
                tally.right += 1;
                if !happened {
                    return tally;
                }
            }
            Err(error) => {
                let late = error.sqlstate.as_str() == "57014" && lane.fault == Fault::BlackHole;
                assert!(late || error.retryable, "{lane:?} {n}: {error:?}");
                tally.errors += 1;
            }
        }
        tally.longest = tally.longest.max(took);
        // The machine was slow, and nothing else.
        if happened {
            lane.counted(n, &mut tally);
            n += lane.step;
        }
        until("the next call works", async || {
            ask(&gate, Duration::from_secs(3)).await.ok().filter(|rows| *rows == right)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_whose_nth_message_is_the_last_is_an_error_or_right() {
    let ground = Ground::shared().await;
    let lanes = lanes(6);
    let most = lanes.len() * 4;
    let tallies = join_all(lanes.into_iter().map(|lane| ride(&ground, lane))).await;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::add);
    assert!(tally.to_server > 10 && tally.to_client > 10, "{tally:?}");
    let left = ground.nothing_is_left(most).await;
    assert!(left <= most);
    row(
        "the n-th message of a query",
        &tally.proof(),
        "by its deadline the whole answer or a retryable error, never a part; the next call works",
        &tally.words(),
    );
}
