//! Replicas are killed at random points under load: every task that was accepted ends in exactly one of a result and an
//! end with its reason, and nothing is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::fleet::{Fleet, slow};
use super::row::{full, row};
use crate::support::{Database, READER, Template, until};

/// `PGWARDEN_KILLS` asks for more, and `scripts/faults --full` for 200.
const KILLS: u32 = 12;
const CLIENTS: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_is_lost_doubled_or_stuck_though_replicas_are_killed() {
    let kills = std::env::var("PGWARDEN_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok())
        .unwrap_or(if full() { 200 } else { KILLS });
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 3).await;
    let balanced = fleet.balanced().await;
    let (stop, marks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(1)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (peer, stop, marks) = (balanced.clone(), Arc::clone(&stop), Arc::clone(&marks));
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let mark = marks.fetch_add(1, Ordering::Relaxed);
                    let seconds = f64::from(u32::try_from(mark % 7).unwrap()) * 0.06;
                    // Without an answer nothing was accepted.
                    let Ok(created) = peer
                        .try_ask(
                            "tools/call",
                            serde_json::json!({"name": "query", "arguments": {"sql": slow(mark, seconds)}}),
                        )
                        .await
                    else {
                        continue;
                    };
                    let result = &created["result"];
                    let ended = match result["taskId"].as_str() {
                        Some(id) => peer.ended(id).await?,
                        None => created.clone(),
                    };
                    let ended = ended.get("result").cloned().ok_or_else(|| format!("{mark}: {ended}"))?;
                    outcomes.push((mark, ended));
                }
                Ok::<_, String>(outcomes)
            })
        })
        .collect();
    for number in 0..kills {
        // Not in step with anything.
        tokio::time::sleep(Duration::from_millis(40 + u64::from(number * 7919 % 211))).await;
        let at = usize::try_from(number % 3).unwrap();
        fleet.end(at, Signal::SIGKILL);
        fleet.launch(at);
        fleet.listens(at).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut answered, mut interrupted) = (0, 0);
    for client in clients {
        for (mark, ended) in client.await.unwrap().unwrap() {
            if ended["isError"] == true {
                let words = ended["content"][0]["text"].as_str().unwrap_or_default();
                assert!(is_a_reason(words), "{mark}: {ended}");
                interrupted += 1;
            } else {
                assert_eq!(ended["structuredContent"]["rows"][0][0], mark, "{ended}");
                answered += 1;
            }
        }
    }
    println!("{kills} kills: {answered} answered, {interrupted} ended with a reason");
    assert!(answered > i64::from(kills), "{answered}");
    nothing_is_left(&database).await;
    row(
        "SIGKILL and restart with durable tasks",
        &format!("{kills} processes were killed under load and started again"),
        "each task that was accepted ends once: with its own answer, or with the reason",
        &format!(
            "{answered} answered, {interrupted} ended with a reason; no task open, no chunk without its task"
        ),
    );
}

/// What the fault did, in words; not that of the statement.
fn is_a_reason(words: &str) -> bool {
    ["connection", "terminat", "ended", "shutting down", "08006", "57P"]
        .iter()
        .any(|word| words.contains(word))
}

async fn nothing_is_left(database: &Database<'_>) {
    let admin = database.admin().await;
    until("no task is open", async || {
        let open = "SELECT count(*) FROM pgwarden.task WHERE state IN ('queued', 'running')";
        let open: i64 = admin.query_one(open, &[]).await.unwrap().get(0);
        (open == 0).then_some(())
    })
    .await;
    until("no statement is left", async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1
                   AND state <> 'idle'";
        let running: i64 = admin.query_one(sql, &[&READER]).await.unwrap().get(0);
        (running == 0).then_some(())
    })
    .await;
    let orphans = "SELECT count(*) FROM pgwarden.chunk AS c WHERE NOT EXISTS
                   (SELECT FROM pgwarden.task AS t WHERE t.id = c.task)";
    let orphans: i64 = admin.query_one(orphans, &[]).await.unwrap().get(0);
    assert_eq!(orphans, 0);
}
