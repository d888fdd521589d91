//! A client that knows nothing of tasks: a handle, and two tools that take it.

use pgwarden::mcp::Settings;
use serde_json::{Value, json};

use super::waiting::running;
use super::{impatient_gateway, slow_call};
use crate::mcp_wire::{StdioPeer, initialize, request};
use crate::support::{Database, Template, until};

async fn peer(database: &Database<'_>, revision: &str) -> StdioPeer {
    let mut peer = StdioPeer::with(impatient_gateway(database).await, Settings::default());
    peer.ask(&initialize(revision)).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    peer
}

async fn call(peer: &mut StdioPeer, name: &str, arguments: Value) -> Value {
    peer.ask(&request(7, "tools/call", json!({"name": name, "arguments": arguments}))).await["result"].clone()
}

#[tokio::test]
async fn a_long_query_answers_with_a_handle_that_leads_to_its_rows() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, "2025-06-18").await;
    let answer = peer.ask(&request(1, "tools/call", slow_call(1, 2.0))).await;
    let handle = &answer["result"]["structuredContent"];
    assert_eq!((&handle["status"], handle.get("rows")), (&json!("working"), None), "{answer}");
    let text: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, *handle);
    let id = handle["task_id"].clone();
    let still = call(&mut peer, "task_result", json!({"task_id": id, "wait_seconds": 0})).await;
    assert_eq!(still["structuredContent"]["task_id"], id, "{still}");
    let done = loop {
        let done = call(&mut peer, "task_result", json!({"task_id": id})).await;
        if done["structuredContent"].get("rows").is_some() {
            break done;
        }
    };
    assert_eq!(done["structuredContent"]["rows"][0][0], 1, "{done}");
    assert_eq!(done["isError"], false);
}

#[tokio::test]
async fn asking_again_leads_to_the_same_handle_and_to_the_rows() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, "2025-06-18").await;
    let mut ids = Vec::new();
    let rows = loop {
        let answer = peer.ask(&request(1, "tools/call", slow_call(2, 1.6))).await;
        let content = answer["result"]["structuredContent"].clone();
        match content.get("rows") {
            Some(rows) => break rows.clone(),
            None => ids.push(content["task_id"].clone()),
        }
    };
    assert_eq!(rows[0][0], 2);
    assert!(ids.len() > 1, "{ids:?}");
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn the_tool_cancels_and_says_what_became_of_it() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, "2025-06-18").await;
    let answer = peer.ask(&request(1, "tools/call", slow_call(3, 600.0))).await;
    let id = answer["result"]["structuredContent"]["task_id"].clone();
    assert_eq!(running(&database).await, 1);
    let cancelled = call(&mut peer, "task_cancel", json!({"task_id": id})).await;
    assert_eq!(cancelled["structuredContent"], json!({"status": "cancelled", "task_id": id}));
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
    let result = call(&mut peer, "task_result", json!({"task_id": id})).await;
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().unwrap().contains("57014"), "{result}");
    for unknown in ["0".repeat(32), "x".to_owned()] {
        for tool in ["task_result", "task_cancel"] {
            let answer = call(&mut peer, tool, json!({"task_id": unknown})).await;
            assert_eq!(answer["_meta"]["pgwarden/error"]["rule"], "tasks.unknown", "{answer}");
        }
    }
}

#[tokio::test]
async fn a_cursor_reads_on_through_the_tool() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, "2025-06-18").await;
    let sql = "SELECT n, md5(n::text) FROM generate_series(1, 3000) AS n ORDER BY n";
    let mut answer = call(&mut peer, "query", json!({"sql": sql})).await;
    let mut count = 0;
    loop {
        let content = &answer["structuredContent"];
        count += content["row_count"].as_i64().unwrap();
        let Some(cursor) = content.get("next_cursor") else { break };
        answer = call(&mut peer, "query", json!({"cursor": cursor})).await;
    }
    assert_eq!(count, 3_000);
    let both = call(&mut peer, "query", json!({"cursor": "x", "sql": "SELECT 1"})).await;
    assert!(both["content"][0]["text"].as_str().unwrap().contains("not both"), "{both}");
}

#[tokio::test]
async fn progress_is_told_to_a_client_that_gave_a_token() {
    let database = Database::create(Template::Shop).await;
    let mut peer = StdioPeer::with(super::slow_gateway(&database).await, Settings::default());
    peer.ask(&initialize("2025-06-18")).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let mut params = slow_call(4, 2.5);
    params["_meta"] = json!({"progressToken": "p1"});
    peer.say(&request(1, "tools/call", params));
    let mut told = Vec::new();
    loop {
        let message = peer.hear().await;
        if message["id"] == 1 {
            assert_eq!(message["result"]["structuredContent"]["rows"][0][0], 4);
            break;
        }
        assert_eq!(message["params"]["progressToken"], "p1", "{message}");
        told.push(message["params"]["progress"].as_f64().unwrap());
    }
    assert!(told.len() >= 2 && told.is_sorted_by(|a, b| a < b), "{told:?}");
}
