//! The two tools as a client calls them.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::gateway::Gateway;
use pgwarden::mcp::Settings;
use pgwarden::tasks::{Holder, MemoryStore, TaskId, TaskSettings};
use serde_json::{Value, json};

use super::{POLICY, filled, gateway};
use crate::mcp_wire::{StdioPeer, stateless};

fn call(name: &str, arguments: Value, takes_tasks: bool) -> Value {
    let mut message = stateless(1, "tools/call", json!({"name": name, "arguments": arguments}));
    if takes_tasks {
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    }
    message
}

/// A call becomes a task at once.
fn impatient(gateway: Gateway) -> Gateway {
    let settings = TaskSettings { task_after: Duration::ZERO, ..TaskSettings::default() };
    let store = Arc::new(MemoryStore::new(settings.clone()));
    gateway.with_tasks(store, settings, Holder(TaskId::random().unwrap()))
}

fn advice() -> Value {
    json!({"statements": ["SELECT * FROM shop.orders WHERE customer_id = 7"], "max_size_megabytes": 50})
}

#[tokio::test]
async fn arguments_are_read_and_answers_are_objects() {
    let database = filled().await;
    let mut peer = StdioPeer::with(gateway(&database, POLICY), Settings::default());
    let sql = "SELECT id FROM shop.orders WHERE customer_id = 7";
    let answer =
        peer.ask(&call("explain", json!({"sql": sql, "format": "json", "analyze": "false"}), false)).await;
    assert_eq!(answer["result"]["structuredContent"]["plan"]["Plan"]["Node Type"], "Seq Scan", "{answer}");
    for (arguments, words) in [
        (json!({}), "`sql` of `explain` is missing"),
        (json!({"sql": sql, "analyze": "perhaps"}), "must be true or false"),
        (json!({"sql": sql, "format": "xml"}), "use one of `text`, `json`"),
        (json!({"sql": sql, "indices": []}), "did you mean `indexes`?"),
    ] {
        let answer = peer.ask(&call("explain", arguments, false)).await;
        assert!(answer["result"]["isError"] == true && answer.to_string().contains(words), "{answer}");
    }
    // Without tasks the answer is waited for.
    let answer = peer.ask(&call("advise_indexes", advice(), false)).await;
    let indexes = &answer["result"]["structuredContent"]["indexes"];
    assert_eq!(indexes[0]["create"], "CREATE INDEX ON shop.orders (customer_id)", "{answer}");
}

#[tokio::test]
async fn advice_that_takes_long_is_a_task_with_the_answer_inside() {
    let database = filled().await;
    let mut peer = StdioPeer::with(impatient(gateway(&database, POLICY)), Settings::default());
    let created = peer.ask(&call("advise_indexes", advice(), true)).await["result"].clone();
    assert_eq!(
        (&created["resultType"], &created["status"]),
        (&json!("task"), &json!("working")),
        "{created}"
    );
    let ended = loop {
        let mut get = stateless(2, "tasks/get", json!({"taskId": created["taskId"]}));
        get["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        let task = peer.ask(&get).await["result"].clone();
        if task["status"] != "working" {
            break task;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(ended["status"], "completed", "{ended}");
    let indexes = &ended["result"]["structuredContent"]["indexes"];
    assert_eq!(indexes[0]["create"], "CREATE INDEX ON shop.orders (customer_id)", "{ended}");
}

#[tokio::test]
async fn a_policy_without_the_group_has_neither_tool() {
    let database = filled().await;
    let policy = POLICY.replace("include = []", "include = []\ntools = [\"query\"]");
    let mut peer = StdioPeer::with(gateway(&database, &policy), Settings::default());
    for (name, arguments) in [("explain", json!({"sql": "SELECT 1"})), ("advise_indexes", advice())] {
        let answer = peer.ask(&call(name, arguments, false)).await;
        assert_eq!(answer["result"]["_meta"]["pgwarden/error"]["rule"], "policy.tools", "{answer}");
    }
}
