//! A policy's `tools`: what is listed, and what a call of another one hears.

use pgwarden::mcp::Settings;
use pgwarden::policy::Policy;
use serde_json::{Value, json};

use super::mcp_wire::{StdioPeer, gateway_under, initialize, request, tool_names};

fn policy(tools: &str) -> Policy {
    let text = format!("version = 1\ninclude = []\n{tools}\n[[allow]]\nselect = [\"shop.*\"]\n");
    Policy::parse(&text, "p.toml").unwrap()
}

async fn peer(databases: Vec<(&str, Policy)>) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway_under(databases), Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    peer
}

fn words(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no words: {answer}"))
}

fn call(tool: &str, arguments: Value) -> Value {
    request(9, "tools/call", json!({"name": tool, "arguments": arguments}))
}

#[tokio::test]
async fn tools_that_the_policy_switches_off_are_neither_listed_nor_called() {
    let mut peer = peer(vec![("only", policy("tools = [\"schema\"]"))]).await;
    let listed = peer.ask(&request(1, "tools/list", json!({}))).await;
    assert_eq!(tool_names(&listed), ["search_objects", "describe", "task_result", "task_cancel"]);
    // Whatever a tool takes for no name is none here, too.
    for database in [None, Some(json!("only")), Some(json!("")), Some(Value::Null)] {
        let mut arguments = json!({"sql": "SELECT 1"});
        if let Some(database) = database {
            arguments["database"] = database;
        }
        let answer = peer.ask(&call("query", arguments.clone())).await;
        assert!(
            answer["result"]["isError"] == true && words(&answer).contains("RULE:  policy.tools"),
            "{arguments}: {answer}"
        );
    }
}

#[tokio::test]
async fn as_a_task_it_is_refused_too() {
    let mut peer = peer(vec![("only", policy("tools = [\"schema\"]"))]).await;
    let params = json!({"name": "query", "arguments": {"sql": "SELECT 1"}, "task": {"ttl": 60_000}});
    let answer = peer.ask(&request(2, "tools/call", params)).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("policy.tools"), "{answer}");
}

#[tokio::test]
async fn the_schema_switched_off_is_not_in_the_resources() {
    let mut peer = peer(vec![("only", policy("tools = [\"query\"]"))]).await;
    let listed = peer.ask(&request(1, "tools/list", json!({}))).await;
    assert_eq!(tool_names(&listed), ["query", "task_result", "task_cancel"]);
    let resources = peer.ask(&request(2, "resources/list", json!({}))).await;
    assert_eq!(resources["result"]["resources"], json!([]));
    let read = peer.ask(&request(3, "resources/read", json!({"uri": "postgres://only"}))).await;
    assert!(read["error"].is_object(), "{read}");
}

#[tokio::test]
async fn of_several_databases_each_has_its_own() {
    let databases = vec![("open", policy("")), ("shut", policy("tools = []"))];
    let mut peer = peer(databases).await;
    let listed = peer.ask(&request(1, "tools/list", json!({}))).await;
    assert!(tool_names(&listed).contains(&"describe"));
    let answer = peer.ask(&call("describe", json!({"relations": ["a.b"], "database": "shut"}))).await;
    assert!(words(&answer).contains("policy.tools"), "{answer}");
}
