//! Queries that a DBA has saved, against a real database.

mod many;
mod pages;
mod parameters;
mod policy;
mod reload;
mod serving;
mod slow;
mod validity;

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{CallLimits, Gateway, Policies, SavedQueries, SavedSource, Served};
use pgwarden::mcp::{Settings, is_built_in};
use pgwarden::policy::Policy;
use pgwarden::tasks::{Holder, MemoryStore, TaskId, TaskSettings};
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};

use crate::mcp_wire::{StdioPeer, initialize, request, tool_names};
use crate::support::{Database, READER, gate_with};

/// Lets everybody read the shop.
const SHOP: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n";

fn limits() -> CallLimits {
    CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline: Duration::from_secs(60) }
}

fn parsed(text: &str) -> SavedSource {
    SavedSource::fixed(SavedQueries::parse(text, "q.toml", is_built_in).unwrap())
}

fn served(name: &str, database: &Database<'_>, policies: impl Into<Policies>, saved: SavedSource) -> Served {
    let gate = gate_with(&database.url(READER), |settings| settings.name = name.to_owned());
    Served::new(gate, policies).with_saved(saved)
}

/// With little patience for what is slow.
async fn gateway_of(all: Vec<Served>) -> Gateway {
    let settings = TaskSettings {
        task_after: Duration::from_millis(200),
        handle_after: Duration::from_millis(500),
        ..TaskSettings::default()
    };
    let store = Arc::new(MemoryStore::new(settings.clone()));
    let gateway = Gateway::new(all, limits(), Telemetry::default());
    let gateway = gateway.with_tasks(store, settings, Holder(TaskId::random().unwrap()));
    gateway.ready().await.unwrap();
    gateway
}

async fn gateway(database: &Database<'_>, policy: &str, queries: &str) -> Gateway {
    let policy = Policy::parse(policy, "policy.toml").unwrap();
    gateway_of(vec![served("shop", database, policy, parsed(queries))]).await
}

/// One entry of a file. `parameters` are inline tables.
fn query(name: &str, sql: &str, parameters: &[&str]) -> String {
    format!(
        "[[query]]\nname = \"{name}\"\ndescription = \"What the shop asks every day.\"\nsql = '''{sql}'''\n\
         parameter = [{}]\n",
        parameters.join(", ")
    )
}

async fn peer_of(gateway: Gateway) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    peer
}

async fn peer(database: &Database<'_>, policy: &str, queries: &str) -> StdioPeer {
    peer_of(gateway(database, policy, queries).await).await
}

async fn tools(peer: &mut StdioPeer) -> Value {
    peer.ask(&request(1, "tools/list", json!({}))).await
}

/// Those beside the tools that are always there.
async fn saved_tools(peer: &mut StdioPeer) -> Vec<Value> {
    let listed = tools(peer).await;
    let known = crate::mcp_wire::tools();
    assert!(tool_names(&listed).contains(&"task_result"), "{listed}");
    let all = listed["result"]["tools"].as_array().unwrap();
    all.iter().filter(|tool| !known.contains(&tool["name"].as_str().unwrap())).cloned().collect()
}

async fn call(peer: &mut StdioPeer, tool: &str, arguments: Value) -> Value {
    peer.ask(&request(2, "tools/call", json!({"name": tool, "arguments": arguments}))).await
}

async fn rows(peer: &mut StdioPeer, tool: &str, arguments: Value) -> Value {
    let answer = call(peer, tool, arguments).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    answer["result"]["structuredContent"]["rows"].clone()
}

/// The error of a refused call.
async fn refusal(peer: &mut StdioPeer, tool: &str, arguments: Value) -> Value {
    let answer = call(peer, tool, arguments).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    answer["result"]["_meta"]["pgwarden/error"].clone()
}

fn anna() -> Caller {
    Caller::local("anna")
}
