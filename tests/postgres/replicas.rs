//! Three processes over one task store, behind a balancer that knows nothing: any of them answers for any task, and one
//! that dies takes nothing with it.

mod fleet;
mod hand_over;
mod suspended;

use std::time::Duration;

use serde_json::json;

use crate::support::{Database, Template, until};
use fleet::{Fleet, id_of, slow};

#[tokio::test]
async fn a_task_of_one_replica_is_polled_on_another_and_cancelled_on_a_third() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 3).await;
    let [a, b, c] = [0, 1, 2].map(|at| fleet.replica(at));
    let id = id_of(&a.call(&slow(1, 600.0)).await);
    let polled = b.ask("tasks/get", json!({"taskId": id})).await;
    assert_eq!(polled["result"]["status"], "working", "{polled}");
    until("the query runs", async || (fleet.running().await == 1).then_some(())).await;
    let acknowledged = c.ask("tasks/cancel", json!({"taskId": id})).await;
    assert_eq!(acknowledged["result"]["resultType"], "complete", "{acknowledged}");
    let started = std::time::Instant::now();
    until("the query is gone", async || (fleet.running().await == 0).then_some(())).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    for replica in [&a, &b, &c] {
        let polled = replica.ask("tasks/get", json!({"taskId": id})).await;
        assert_eq!(polled["result"]["status"], "cancelled", "{polled}");
    }
}

#[tokio::test]
async fn pages_are_read_on_any_replica() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    let sql = "SELECT n, md5(n::text) FROM generate_series(1, 9000) AS n ORDER BY n";
    let mut answer = fleet.replica(0).result(sql).await["structuredContent"].clone();
    let mut seen = Vec::new();
    for at in 1.. {
        seen.extend(answer["rows"].as_array().unwrap().iter().map(|row| row[0].as_i64().unwrap()));
        let Some(cursor) = answer.get("next_cursor") else { break };
        let page = fleet.replica(at % 2).tool("query", json!({"cursor": cursor})).await;
        answer = page["result"]["structuredContent"].clone();
    }
    assert_eq!(seen, (1..=9_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_balancer_may_send_each_request_anywhere() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 3).await;
    let balanced = fleet.balanced().await;
    for mark in 1..10 {
        let created = balanced.call(&slow(mark, 0.3)).await;
        let ended = balanced.ended(&id_of(&created)).await.unwrap();
        assert_eq!(ended["result"]["structuredContent"]["rows"][0][0], mark, "{ended}");
    }
    let asked: Vec<u64> = fleet.asked();
    assert!(asked.iter().all(|requests| *requests > 3), "{asked:?}");
}

#[tokio::test]
async fn who_listens_on_one_replica_hears_of_a_task_of_another() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    let id = id_of(&fleet.replica(0).call(&slow(1, 1.5)).await);
    let heard = fleet.replica(1).listen(&id, |heard| heard.contains("\"completed\"")).await;
    assert!(heard.contains("notifications/subscriptions/acknowledged"), "{heard}");
    assert!(heard.contains("notifications/tasks") && heard.contains("\"rows\":[[1,"), "{heard}");
}

#[tokio::test]
async fn the_same_question_asked_of_another_replica_finds_its_task() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    let id = id_of(&fleet.replica(0).call(&slow(1, 3.0)).await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(id_of(&fleet.replica(1).call(&slow(1, 3.0)).await), id);
    assert_ne!(id_of(&fleet.replica(1).call(&slow(2, 3.0)).await), id);
}
