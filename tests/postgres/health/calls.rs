//! The tools as a client calls them.

use pgwarden::mcp::Settings;
use serde_json::{Value, json};

use super::{ALL, empty, gateway, run, watcher};
use crate::mcp_wire::{StdioPeer, initialize, request};

#[tokio::test]
async fn both_tools_answer_a_client_and_refuse_what_they_do_not_know() {
    let database = empty().await;
    run(
        &database,
        "CREATE EXTENSION pg_stat_statements; CREATE TABLE u (id int PRIMARY KEY, parent int REFERENCES u)",
    )
    .await;
    let mut peer =
        StdioPeer::with(gateway(&database, Some(&watcher(&database).await), ALL).await, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    let mut call = async |tool: &str, arguments: Value| {
        peer.ask(&request(1, "tools/call", json!({"name": tool, "arguments": arguments}))).await["result"]
            .clone()
    };
    let health = call("database_health", json!({"checks": "foreign_keys"})).await;
    assert_eq!(health["structuredContent"]["findings"][0]["object"], "public.u", "{health}");
    let top = call("top_queries", json!({"by": "IO", "limit": "2"})).await;
    assert_eq!(top["structuredContent"]["by"], "io", "{top}");
    assert!(top["structuredContent"]["queries"].as_array().unwrap().len() <= 2, "{top}");
    for (tool, arguments, words) in [
        ("database_health", json!({"checks": ["loks"]}), "did you mean `locks`?"),
        ("database_health", json!({"database": "other"}), "`test`"),
        ("top_queries", json!({"by": "price"}), "total_time"),
        ("top_queries", json!({"limit": -1}), "a whole number from 0"),
    ] {
        let refused = call(tool, arguments).await;
        let told = refused["content"][0]["text"].as_str().unwrap();
        assert!(refused["isError"] == true && told.contains(words), "{told}");
    }
}
