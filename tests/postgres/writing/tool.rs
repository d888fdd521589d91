//! The tool `preview`, as a client sees it.

use pgwarden::mcp::Settings;
use serde_json::{Value, json};

use super::{Ground, unasked};
use crate::mcp_wire::{StdioPeer, initialize, request};

async fn listed(peer: &mut StdioPeer) -> Vec<Value> {
    let answer = peer.ask(&request(2, "tools/list", json!({}))).await;
    answer["result"]["tools"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_client_is_shown_what_a_write_would_do() {
    let ground = Ground::new().await;
    ground.admin.batch_execute("ANALYZE s.visits").await.unwrap();
    let before = ground.digest().await;
    let mut peer = StdioPeer::with(ground.gateway(&unasked(10)), Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    let tools = listed(&mut peer).await;
    let tool = tools.iter().find(|tool| tool["name"] == "preview").unwrap();
    assert_eq!(
        (&tool["annotations"]["readOnlyHint"], &tool["annotations"]["destructiveHint"]),
        (&json!(true), &json!(false))
    );
    let call = |sql: &str| {
        request(3, "tools/call", json!({"name": "preview", "arguments": {"sql": sql, "params": ["2"]}}))
    };
    let answer = peer.ask(&call("DELETE FROM s.visits WHERE id = $1")).await;
    let shown = &answer["result"]["structuredContent"];
    assert_eq!((&shown["kind"], &shown["relation"]), (&json!("DELETE"), &json!("s.visits")), "{answer}");
    assert_eq!((&shown["rows"], &shown["ran"]), (&json!(1), &json!(false)));
    assert!(shown["statement"].as_str().unwrap().contains("\"s\".\"visits\""), "{answer}");
    assert_eq!(shown["approval"], "none");
    assert!(shown["next"].as_str().unwrap().contains("execute"));
    let refused = peer.ask(&call("SELECT $1::text")).await;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    assert_eq!(ground.digest().await, before);
    peer.finish().await;
}

/// Who may write nothing is shown no tool for it, and is refused.
#[tokio::test]
async fn a_policy_without_grants_has_no_preview() {
    let ground = Ground::new().await;
    let policy = "[[deny]]\nselect = [\"s.dossiers\"]\n";
    let reading = super::GRANTS.split("[[allow]]\ninsert").next().unwrap();
    let gateway = super::gateway_of(&ground.database.url(&ground.login), &format!("{reading}{policy}"));
    let mut peer = StdioPeer::with(gateway, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    assert!(listed(&mut peer).await.iter().all(|tool| tool["name"] != "preview"));
    let call = json!({"name": "preview", "arguments": {"sql": "DELETE FROM s.visits"}});
    let answer = peer.ask(&request(3, "tools/call", call)).await;
    assert_eq!(answer["result"]["_meta"]["pgwarden/error"]["rule"], "policy.tools", "{answer}");
    peer.finish().await;
}
