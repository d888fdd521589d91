//! A task whose connection to PostgreSQL fails at its n-th message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pgwarden::gateway::{Asked, Gateway, QueryRequest};
use pgwarden::pg::Diagnostic;
use pgwarden::tasks::{Holder, MemoryStore, TaskId, TaskSettings};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::ground::{Ground, caller};
use super::lanes::{Lane, Tally, lanes};
use super::row::row;
use crate::proxy::Fault;
use crate::support::until;

const SHORT: Duration = Duration::from_millis(800);
const SLACK: Duration = Duration::from_secs(5);
const RIGHT: &str = r#"[[1,"note 1"],[2,"note 2"],[3,"note 3"]]"#;

/// With a worker that ends with the guard.
fn worked(gateway: Gateway) -> (Arc<Gateway>, DropGuard) {
    let settings = TaskSettings::default();
    let store = Arc::new(MemoryStore::new(settings.clone()));
    let gateway = Arc::new(gateway.with_tasks(store, settings, Holder(TaskId::random().unwrap())));
    let stop = CancellationToken::new();
    let (works, stopped) = (Arc::clone(&gateway), stop.clone());
    tokio::spawn(async move { works.work(stopped, Duration::ZERO).await });
    (gateway, stop.drop_guard())
}

/// The rows of a task of its own; `None`: it has not ended in that time.
async fn rows(gateway: &Gateway, wait: Duration) -> Option<Result<String, Diagnostic>> {
    let sql = "SELECT id, body FROM s.notes WHERE id BETWEEN 1 AND 3 ORDER BY id".to_owned();
    let task =
        gateway.submit(&caller(), QueryRequest { sql, ..QueryRequest::default() }, None).await.unwrap();
    match gateway.task_outcome(&caller(), task.id, wait, &CancellationToken::new()).await.transpose()? {
        Ok(Asked::Rows(output)) => Some(Ok(output.rows.get().to_owned())),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    }
}

async fn ride(ground: &Ground, lane: Lane) -> Tally {
    let proxy = ground.proxy().await;
    let deadline = if lane.fault == Fault::BlackHole { SHORT } else { Duration::from_secs(10) };
    let (gateway, _works) = worked(ground.gateway(proxy.port, deadline));
    gateway.ready().await.unwrap();
    let (mut tally, mut n) = (Tally::default(), lane.first);
    loop {
        lane.arm(&proxy, n);
        let began = Instant::now();
        let answer = rows(&gateway, deadline + SLACK).await;
        let answer = answer.unwrap_or_else(|| panic!("{lane:?} {n}: the task does not end"));
        let took = began.elapsed();
        let happened = lane.happened(&proxy).await;
        match answer {
            Ok(rows) => {
                assert_eq!(rows, RIGHT, "{lane:?} {n}");
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
        if happened {
            lane.counted(n, &mut tally);
            n += lane.step;
        }
        until("the next task works", async || rows(&gateway, deadline + SLACK).await?.ok()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_whose_nth_message_is_the_last_ends_with_its_answer_or_a_reason() {
    let ground = Ground::shared().await;
    let lanes = lanes(6);
    let most = lanes.len() * 6;
    let tallies = join_all(lanes.into_iter().map(|lane| ride(&ground, lane))).await;
    let tally = tallies.into_iter().fold(Tally::default(), Tally::add);
    assert!(tally.to_server > 10 && tally.to_client > 10, "{tally:?}");
    ground.nothing_is_left(most).await;
    row(
        "the n-th message of a task",
        &tally.proof(),
        "the task ends by its deadline, with its whole answer or a reason",
        &tally.words(),
    );
}
