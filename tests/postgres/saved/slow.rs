//! Long answers and long runs: pages, tasks in each of their forms, cancelling.

use std::time::Instant;

use super::*;
use crate::support::{Template, until};

const WAIT: &str = "CREATE FUNCTION shop.wait(seconds double precision) RETURNS text LANGUAGE sql VOLATILE
    AS $$ SELECT pg_sleep(seconds)::text $$";

async fn slow_peer(database: &Database<'_>) -> StdioPeer {
    database.admin().await.batch_execute(WAIT).await.unwrap();
    let policy = format!("{SHOP}[[allow]]\nexecute = [\"shop.wait\"]\n");
    let slow = query(
        "slow_one",
        "SELECT 5 AS five, shop.wait($1::numeric) AS slept",
        &["{ name = \"seconds\", type = \"numeric\" }"],
    );
    peer(database, &policy, &slow).await
}

async fn running(database: &Database<'_>) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database()
        AND usename = $1 AND query LIKE '%shop%wait%'";
    database.admin().await.query_one(sql, &[&READER]).await.unwrap().get(0)
}

#[tokio::test]
async fn pages_are_read_by_the_same_tool_and_notes_come_with_the_first() {
    let database = Database::create(Template::Shop).await;
    let mut queries = query(
        "many_numbers",
        "SELECT n, repeat('x', 100) AS filler FROM generate_series(1, $1::integer) AS n ORDER BY n",
        &["{ name = \"most\", type = \"integer\" }"],
    );
    queries.push_str("notes = \"numbers from one\"\n");
    // No other tool runs queries.
    let policy = SHOP.replace("include", "tools = [\"saved\"]\ninclude");
    let mut peer = peer(&database, &policy, &queries).await;
    let mut answer =
        call(&mut peer, "many_numbers", json!({"most": 900})).await["result"]["structuredContent"].clone();
    assert_eq!(answer["notices"], json!(["numbers from one"]));
    let mut seen = 0;
    let mut pages = 0;
    loop {
        for row in answer["rows"].as_array().unwrap() {
            seen += 1;
            assert_eq!(row[0], seen);
        }
        pages += 1;
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        let reason = answer["truncated_reason"].as_str().unwrap();
        assert!(reason.starts_with("there are more rows: call `many_numbers` with the cursor"), "{reason}");
        let next = call(&mut peer, "many_numbers", json!({"cursor": cursor})).await;
        assert_eq!(next["result"]["isError"], false, "{next}");
        answer = next["result"]["structuredContent"].clone();
    }
    assert!(seen == 900 && pages > 2, "{seen} rows on {pages} pages");
}

#[tokio::test]
async fn a_slow_one_goes_on_as_a_task_and_its_rows_are_fetched() {
    let database = Database::create(Template::Shop).await;
    let mut peer = slow_peer(&database).await;
    let answer = call(&mut peer, "slow_one", json!({"seconds": "1.5"})).await;
    let working = &answer["result"]["structuredContent"];
    assert_eq!(working["status"], "working", "{answer}");
    let id = working["task_id"].clone();
    let started = Instant::now();
    let rows = loop {
        let answer = call(&mut peer, "task_result", json!({"task_id": id})).await;
        if let Some(row) = answer["result"]["structuredContent"]["rows"].get(0) {
            break row.clone();
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{answer}");
    };
    assert_eq!(rows[0], 5);
}

#[tokio::test]
async fn a_slow_one_is_cancelled_by_its_task_and_by_the_request() {
    let database = Database::create(Template::Shop).await;
    let mut peer = slow_peer(&database).await;
    let answer = call(&mut peer, "slow_one", json!({"seconds": "600"})).await;
    let id = answer["result"]["structuredContent"]["task_id"].clone();
    until("it runs", async || (running(&database).await == 1).then_some(())).await;
    let cancelled = call(&mut peer, "task_cancel", json!({"task_id": id})).await;
    assert_eq!(cancelled["result"]["isError"], false, "{cancelled}");
    until("it is gone", async || (running(&database).await == 0).then_some(())).await;

    peer.say(&request(7, "tools/call", json!({"name": "slow_one", "arguments": {"seconds": "601"}})));
    until("it runs", async || (running(&database).await == 1).then_some(())).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}));
    until("it is gone", async || (running(&database).await == 0).then_some(())).await;
}

#[tokio::test]
async fn as_a_task_of_2025_11_25_it_is_created_polled_and_fetched() {
    let database = Database::create(Template::Shop).await;
    let mut peer = slow_peer(&database).await;
    for (name, arguments) in [
        ("slow_one", json!({"seconds": "0.3"})),
        ("run_saved_query", json!({"name": "slow_one", "arguments": ["seconds=0.4"]})),
    ] {
        let wish = json!({"name": name, "arguments": arguments, "task": {"ttl": 60_000}});
        let created = answer(&mut peer, request(3, "tools/call", wish)).await;
        let id = created["result"]["task"]["taskId"].clone();
        assert!(id.is_string(), "{created}");
        let result = answer(&mut peer, request(4, "tasks/result", json!({"taskId": id}))).await;
        assert_eq!(result["result"]["structuredContent"]["rows"][0][0], 5, "{result}");
    }
    let wrong = json!({"name": "slow_one", "arguments": {"seconds": "soon"}, "task": {"ttl": 60_000}});
    let refused = answer(&mut peer, request(5, "tools/call", wrong)).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("RULE:  saved.parameter"), "{refused}");
    let unknown = json!({"name": "nobody_saved", "arguments": {}, "task": {"ttl": 60_000}});
    assert_eq!(answer(&mut peer, request(6, "tools/call", unknown)).await["error"]["code"], -32602);
}

/// Past the notifications about tasks.
async fn answer(peer: &mut StdioPeer, message: Value) -> Value {
    peer.say(&message);
    loop {
        let heard = peer.hear().await;
        if heard["id"] == message["id"] {
            return heard;
        }
    }
}
