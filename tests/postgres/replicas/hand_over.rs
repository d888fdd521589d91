//! A replica that stops or dies while it works.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::json;

use super::fleet::{Fleet, id_of, slow};
use crate::support::{Database, Template, until};

#[tokio::test]
async fn a_dead_replica_s_query_is_taken_up_by_another_one() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    let id = id_of(&fleet.replica(0).call(&slow(1, 2.0)).await);
    until("the query runs", async || (fleet.running().await == 1).then_some(())).await;
    fleet.end(0, Signal::SIGKILL);
    let ended = fleet.replica(1).ended(&id).await.unwrap();
    assert_eq!(ended["result"]["structuredContent"]["rows"][0][0], 1, "{ended}");
    // The orphan's backend ends by itself.
    until("nothing runs", async || (fleet.running().await == 0).then_some(())).await;
}

#[tokio::test]
async fn pages_of_a_dead_replica_end_with_the_reason() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    // The first page is full long before the last row is there.
    let sql = "SELECT n, md5(n::text) AS a, shop.wait(CASE WHEN n < 900 THEN 0 ELSE 0.05 END) AS s
               FROM generate_series(1, 1000) AS n";
    let first = fleet.replica(0).result(sql).await;
    let mut cursor = first["structuredContent"]["next_cursor"].clone();
    assert!(cursor.is_string(), "{first}");
    fleet.end(0, Signal::SIGKILL);
    let mut rows = first["structuredContent"]["row_count"].as_i64().unwrap();
    let error = loop {
        let page = fleet.replica(1).tool("query", json!({"cursor": cursor})).await["result"].clone();
        if page["isError"] == true {
            break page["content"][0]["text"].as_str().unwrap().to_owned();
        }
        rows += page["structuredContent"]["row_count"].as_i64().unwrap();
        cursor = page["structuredContent"]["next_cursor"].clone();
        assert!(cursor.is_string(), "an end that is none: {page}");
    };
    assert!(error.contains("ended before they were all read"), "{error}");
    assert!(rows < 1_000, "{rows}");
}

#[tokio::test]
async fn the_order_to_stop_ends_the_process_and_hands_its_tasks_over() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    let id = id_of(&fleet.replica(0).call(&slow(2, 3.0)).await);
    until("the query runs", async || (fleet.running().await == 1).then_some(())).await;
    let code = fleet.end(0, Signal::SIGTERM);
    assert_eq!(code, Some(0), "{}", fleet.log(0));
    let ended = tokio::time::timeout(Duration::from_secs(20), fleet.replica(1).ended(&id)).await;
    let ended = ended.expect("it is taken up").unwrap();
    assert_eq!(ended["result"]["structuredContent"]["rows"][0][0], 2, "{ended}");
}
