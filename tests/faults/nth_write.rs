//! A statement that writes on a network that fails at its n-th message: what is said of it is held against the database.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgwarden::gateway::{Gateway, WriteRequest, Written};
use pgwarden::pg::Diagnostic;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, caller};
use super::lanes::{Lane, Tally, lanes};
use super::row::row;
use crate::proxy::Fault;
use crate::support::until;

const SHORT: Duration = Duration::from_millis(800);
/// COMMIT is waited for five seconds at the least, and the machine does other things too.
const SLACK: Duration = Duration::from_secs(10);

async fn write(gateway: &Gateway, id: i32, body: &str) -> Result<Written, Diagnostic> {
    let sql = "UPDATE s.notes SET body = $1 WHERE id = $2".to_owned();
    let params = vec![Some(body.to_owned()), Some(id.to_string())];
    let request = WriteRequest { sql, params, database: None };
    gateway.run_write(&caller(), &request, &|_| Ok(()), &CancellationToken::new()).await
}

/// What is there once nothing of this lane is under way.
async fn body(ground: &Ground, id: i32) -> String {
    until("the row is not being written", async || {
        let sql = format!("SELECT body FROM s.notes WHERE id = {id} FOR UPDATE NOWAIT");
        let rows = ground.admin.query(&sql, &[]).await.ok()?;
        Some(rows[0].get(0))
    })
    .await
}

async fn ride(ground: &Ground, lane: Lane) -> Tally {
    let proxy = ground.proxy().await;
    let patient = ground.gateway(proxy.port, Duration::from_secs(10));
    let short = ground.gateway(proxy.port, SHORT);
    let gateway = if lane.fault == Fault::BlackHole { &short } else { &patient };
    gateway.ready().await.unwrap();
    let deadline = if lane.fault == Fault::BlackHole { SHORT } else { Duration::from_secs(10) };
    let (mut tally, mut n, mut tries) = (Tally::default(), lane.first, 0);
    loop {
        tries += 1;
        let before = body(ground, lane.number).await;
        let wanted = format!("{} {tries}", lane.number);
        lane.arm(&proxy, n);
        let began = Instant::now();
        let answer = write(gateway, lane.number, &wanted).await;
        let took = began.elapsed();
        let happened = lane.happened(&proxy).await;
        assert!(took < deadline + SLACK, "{lane:?} {n}: {took:?}");
        let now = body(ground, lane.number).await;
        match answer {
            Ok(written) => {
                assert_eq!(
                    (written.rows, now.as_str()),
                    (1, wanted.as_str()),
                    "{lane:?} {n}: said, not done"
                );
                tally.right += 1;
                if !happened {
                    return tally;
                }
            }
            Err(error) if error.rule.as_deref() == Some("write.unknown_outcome") => {
                assert!(!error.retryable && [&before, &wanted].contains(&&now), "{lane:?} {n}: {error:?}");
                tally.unknown += 1;
            }
            Err(error) => {
                assert_eq!(now, before, "{lane:?} {n}: done, but said {error:?}");
                let late = error.sqlstate.as_str() == "57014" && lane.fault == Fault::BlackHole;
                assert!(late || error.retryable, "{lane:?} {n}: {error:?}");
                tally.errors += 1;
            }
        }
        tally.longest = tally.longest.max(took);
        if happened {
            lane.counted(n, &mut tally);
            n += lane.step;
        }
        let again = format!("{wanted} again");
        until("the next write works", async || write(&patient, lane.number, &again).await.ok()).await;
        assert_eq!(body(ground, lane.number).await, again);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_nth_message_is_the_last_is_told_as_it_is() {
    let ground = Ground::shared().await;
    let lanes = lanes(6);
    let most = lanes.len() * 12;
    let tallies = join_all(lanes.into_iter().map(|lane| ride(&ground, lane))).await;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::add);
    assert!(tally.to_server > 20 && tally.to_client > 20, "{tally:?}");
    assert!(tally.unknown > 0 && tally.errors > 0 && tally.right > 0, "{tally:?}");
    ground.nothing_is_left(most).await;
    row(
        "the n-th message of a write",
        &tally.proof(),
        "done only if committed, failed only if not, else `write.unknown_outcome`; never run twice",
        &tally.words(),
    );
}
