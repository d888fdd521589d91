//! A task that asks its owner's client for something, in both forms.

use std::collections::BTreeMap;

use pgwarden::gateway::Gateway;
use pgwarden::mcp::Settings;
use serde_json::{Value, json};

use super::impatient_gateway;
use crate::mcp_wire::{StdioPeer, caller, initialize, request, stateless};
use crate::support::{Database, Template};

/// Asks two things, and answers with what it was told. Gives the task's id.
async fn begin(gateway: &Gateway) -> String {
    let (view, working) = gateway.begin_work(&caller(), "a test").await.unwrap();
    tokio::spawn(async move {
        let ask = |key: &str| {
            let schema = json!({"type": "object", "properties": {key: {"type": "string"}}});
            let params = json!({"message": key, "requestedSchema": schema});
            (key.to_owned(), json!({"method": "elicitation/create", "params": params}).to_string())
        };
        let given = working.ask(BTreeMap::from([ask("first"), ask("second")])).await.unwrap();
        let text = json!(given).to_string();
        working
            .end(Ok(json!({"content": [{"type": "text", "text": text}], "isError": false})))
            .await
            .unwrap();
    });
    view.id.to_string()
}

fn told(result: &Value) -> BTreeMap<String, Value> {
    let text = result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{result}"));
    let given: BTreeMap<String, String> = serde_json::from_str(text).unwrap();
    given.into_iter().map(|(key, response)| (key, serde_json::from_str(&response).unwrap())).collect()
}

#[tokio::test]
async fn tasks_result_of_2025_11_25_carries_the_requests() {
    let database = Database::create(Template::Shop).await;
    let gateway = impatient_gateway(&database).await;
    let mut peer = StdioPeer::with(gateway.clone(), Settings::default());
    let mut opening = initialize("2025-11-25");
    opening["params"]["capabilities"] = json!({"elicitation": {}});
    peer.ask(&opening).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let id = begin(&gateway).await;
    loop {
        let polled = peer.ask(&request(1, "tasks/get", json!({"taskId": id}))).await;
        if polled["result"]["status"] == "input_required" {
            break;
        }
    }
    peer.say(&request(2, "tasks/result", json!({"taskId": id})));
    let result = loop {
        let message = peer.hear().await;
        if message["id"] == 2 && message.get("result").is_some() {
            break message["result"].clone();
        }
        assert_eq!(message["method"], "elicitation/create", "{message}");
        assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/related-task"], json!({"taskId": id}));
        let content = json!({"of": message["params"]["message"]});
        let answer = json!({"action": "accept", "content": content});
        peer.say(&json!({"jsonrpc": "2.0", "id": message["id"], "result": answer}));
    };
    let told = told(&result);
    assert_eq!(told["first"], json!({"action": "accept", "content": {"of": "first"}}));
    assert_eq!(told["second"]["content"]["of"], "second");
    let polled = peer.ask(&request(3, "tasks/get", json!({"taskId": id}))).await;
    assert_eq!(polled["result"]["status"], "completed");
}

#[tokio::test]
async fn tasks_update_of_2026_07_28_answers_one_at_a_time() {
    let database = Database::create(Template::Shop).await;
    let gateway = impatient_gateway(&database).await;
    let mut peer = StdioPeer::with(gateway.clone(), Settings::default());
    let id = begin(&gateway).await;
    let mut ask = async |method: &str, more: Value| {
        let mut message = stateless(1, method, json!({"taskId": id}));
        if !more.is_null() {
            message["params"]["inputResponses"] = more;
        }
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        peer.ask(&message).await["result"].clone()
    };
    let waiting = loop {
        let task = ask("tasks/get", Value::Null).await;
        if task["status"] == "input_required" {
            break task;
        }
    };
    assert_eq!(waiting["inputRequests"]["first"]["method"], "elicitation/create", "{waiting}");
    let answer = |word: &str| json!({"action": "accept", "content": {"of": word}});
    ask("tasks/update", json!({"second": answer("2"), "never asked": answer("x")})).await;
    let waiting = ask("tasks/get", Value::Null).await;
    let pending: Vec<&str> =
        waiting["inputRequests"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((waiting["status"].as_str(), pending), (Some("input_required"), vec!["first"]));
    ask("tasks/update", json!({"first": answer("1")})).await;
    let done = loop {
        let task = ask("tasks/get", Value::Null).await;
        if task["status"] == "completed" {
            break task;
        }
    };
    let told = told(&done["result"]);
    assert_eq!(
        (&told["first"]["content"]["of"], &told["second"]["content"]["of"]),
        (&json!("1"), &json!("2"))
    );
    assert_eq!(told.len(), 2);
}
