//! Who has the tool.

use pgwarden::mcp::{Authentication, InvestigateBounds, SessionMode, Settings};
use serde_json::{Value, json};

use super::{LEGACY, asks, capabilities, gateway, ground, stdio};
use crate::mcp_tool_schemas::lint;
use crate::mcp_wire::{
    HttpPeer, STATELESS, StdioPeer, caller, code, initialize, request, stateless, tool_names,
};

#[tokio::test]
async fn only_a_client_with_sampling_and_tools_lists_and_calls_it() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let mut peer = stdio(&gateway, InvestigateBounds::default()).await;
    let list = peer.ask(&request(1, "tools/list", json!({}))).await;
    assert_eq!(tool_names(&list).last(), Some(&"investigate"), "{list}");
    let tool = list["result"]["tools"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(lint(&tool), Vec::<String>::new());
    assert_eq!(tool.get("execution"), None, "it is no task");
    for without in [json!({}), json!({"sampling": {}}), json!({"sampling": {"context": {}}})] {
        let mut peer = StdioPeer::with(gateway.clone(), Settings::default());
        let mut hello = initialize(LEGACY);
        hello["params"]["capabilities"] = without.clone();
        peer.ask(&hello).await;
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let list = peer.ask(&request(1, "tools/list", json!({}))).await;
        assert!(!tool_names(&list).contains(&"investigate"), "{without}");
        let refused = peer.ask(&request(2, "tools/call", asks("why?"))).await;
        assert_eq!(code(&refused), -32602, "{refused}");
        let told = refused["error"]["message"].as_str().unwrap();
        assert_eq!(told.matches("investigate").count(), 1, "as an unknown name alone: {told}");
    }
}

#[tokio::test]
async fn in_2026_each_request_says_for_itself() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let peer = HttpPeer::with(gateway.clone(), Authentication::Open(caller()), Settings::default()).await;
    let list = async |capabilities: Value| {
        let mut body = stateless(7, "tools/list", json!({}));
        body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
        let headers = [("mcp-protocol-version", STATELESS), ("mcp-method", "tools/list")];
        let list = peer.post(&headers, body).await.json();
        let scope = list["result"]["cacheScope"].as_str().unwrap().to_owned();
        (tool_names(&list).contains(&"investigate"), scope)
    };
    let (with, without) = ((true, "private".to_owned()), (false, "public".to_owned()));
    assert_eq!(list(capabilities()).await, with, "no shared cache gives it to others");
    for fewer in [json!({}), json!({"sampling": {}})] {
        assert_eq!(list(fewer).await, without);
    }
    let refused = peer.ask("tools/call", asks("why?")).await;
    assert_eq!(refused.code(), -32602, "{}", refused.text);
}

#[tokio::test]
async fn where_nothing_can_be_pushed_an_older_client_has_it_not() {
    let database = ground().await;
    let mut settings = Settings::default();
    settings.http.sessions.mode = SessionMode::Stateless;
    let peer = HttpPeer::with(gateway(&database).await, Authentication::Open(caller()), settings).await;
    let mut hello = initialize(LEGACY);
    hello["params"]["capabilities"] = capabilities();
    peer.post(&[], hello).await;
    let refused =
        peer.post(&[("mcp-protocol-version", LEGACY)], request(1, "tools/call", asks("why?"))).await;
    assert_eq!(refused.code(), -32602, "{}", refused.text);
}
