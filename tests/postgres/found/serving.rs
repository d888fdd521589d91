//! The two tools as clients see them: listed where they are on, in their exact form, in both eras.

use pgwarden::gateway::Gateway;
use pgwarden::mcp::{ApprovalPage, Authentication, Settings};
use serde_json::{Value, json};

use super::{SHOP, anna, articles, database, gateway, gateway_of, served};
use crate::mcp_tool_schemas::lint;
use crate::mcp_wire::{HttpPeer, LEGACY, StdioPeer, initialize, request, tool_names, tools};

const STATELESS: &str = "2026-07-28";

async fn http(gateway: Gateway, settings: Settings) -> HttpPeer {
    HttpPeer::with(gateway, Authentication::Open(anna()), settings).await
}

/// By a session of an older revision, or by a request of the newest.
async fn call(peer: &HttpPeer, revision: &str, tool: &str, arguments: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments});
    let answer = if revision == STATELESS {
        peer.ask("tools/call", params).await
    } else {
        let session = peer.session(revision).await;
        let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", revision)];
        peer.post(&headers, request(5, "tools/call", params)).await
    };
    answer.json()["result"].clone()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The object, which has to be the structuredContent and the only text block.
fn object(result: &Value, structured: bool) -> Value {
    let blocks = result["content"].as_array().unwrap();
    assert_eq!((blocks.len(), &blocks[0]["type"], &result["isError"]), (1, &json!("text"), &json!(false)));
    let object: Value = serde_json::from_str(blocks[0]["text"].as_str().unwrap()).unwrap();
    if structured {
        assert_eq!(result["structuredContent"], object);
    }
    object
}

#[tokio::test]
async fn both_answer_in_their_exact_form_in_every_revision() {
    let database = database().await;
    let settings = Settings { approvals: ApprovalPage::public("https://db.example"), ..Settings::default() };
    let peer = http(gateway(&database, SHOP).await, settings).await;
    for revision in LEGACY.into_iter().chain([STATELESS]) {
        let result = call(&peer, revision, "search", json!({"query": "damaged parcels"})).await;
        // Older revisions know no structuredContent.
        let structured =
            !["2024-11-05", "2025-03-26"].contains(&revision) || result.get("structuredContent").is_some();
        let found = object(&result, structured);
        assert_eq!(keys(&found), ["results"]);
        let results = found["results"].as_array().unwrap();
        assert!((1..=15).contains(&results.len()), "{found}");
        for one in results {
            assert_eq!(keys(one), ["id", "title", "url"]);
            let url = one["url"].as_str().unwrap();
            assert!(url.starts_with("https://db.example/found/"), "{url}");
            let result = call(&peer, revision, "fetch", json!({"id": one["id"]})).await;
            let document = object(&result, structured);
            assert_eq!(keys(&document), ["id", "title", "text", "url", "metadata"]);
            assert_eq!((&document["id"], &document["url"]), (&one["id"], &one["url"]));
            assert!(document["text"].as_str().unwrap().len() > 10, "{document}");
            assert_eq!(document["metadata"]["database"], "shop");
        }
        assert_eq!(results[0]["id"], "row:shop:articles:2");
        assert_eq!(results[0]["title"], "Damaged parcels");
    }
    let result = call(&peer, STATELESS, "fetch", json!({"id": "row:shop:articles:999"})).await;
    assert_eq!(result["isError"], true);
    assert_eq!(result["_meta"]["pgwarden/error"]["rule"], "found.id");
    let missing = result["content"].clone();
    let forged = call(&peer, STATELESS, "fetch", json!({"id": "row:x:y:z"})).await;
    assert_eq!(forged["content"], missing);
    peer.stop().await;
}

#[tokio::test]
async fn they_are_listed_behind_the_others_that_read_and_cost_little() {
    let database = database().await;
    let mut peer = StdioPeer::with(gateway(&database, SHOP).await, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    let listed = peer.ask(&request(1, "tools/list", json!({}))).await;
    let names = tool_names(&listed);
    let at = |name: &str| names.iter().position(|listed| *listed == name).unwrap();
    assert_eq!((at("fetch"), at("task_result")), (at("search") + 1, at("search") + 2), "{names:?}");
    assert!(at("top_queries") < at("search"));
    for name in ["search", "fetch"] {
        let tool = &listed["result"]["tools"][at(name)];
        assert_eq!(lint(tool), [""; 0], "{tool:#}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true);
        let input = &tool["inputSchema"];
        assert_eq!(keys(&input["properties"]).len(), 1);
        assert_eq!(input["required"], json!(keys(&input["properties"])));
        let whole = format!("{}{}{input}", tool["name"], tool["description"]);
        assert!(whole.len() < 500, "about four characters a token: {}", whole.len());
    }
}

#[tokio::test]
async fn they_are_off_unless_they_are_asked_for() {
    let database = database().await;
    let off = gateway(&database, SHOP).await.with_search_and_fetch(false);
    let mut peer = StdioPeer::with(off, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    let listed = peer.ask(&request(1, "tools/list", json!({}))).await;
    assert!(tools().iter().all(|name| !["search", "fetch"].contains(name)));
    assert!(!tool_names(&listed).contains(&"search") && !tool_names(&listed).contains(&"fetch"));
    for (tool, arguments) in
        [("search", json!({"query": "x"})), ("fetch", json!({"id": "row:shop:articles:1"}))]
    {
        let answer = peer.ask(&request(2, "tools/call", json!({"name": tool, "arguments": arguments}))).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let uri = "pgwarden://shop/found/row%3Ashop%3Aarticles%3A1";
    let read = peer.ask(&request(3, "resources/read", json!({"uri": uri}))).await;
    assert!(read["error"].is_object(), "{read}");
}

#[tokio::test]
async fn without_pages_a_result_s_url_is_a_resource_that_reads_like_it() {
    let database = database().await;
    let mut peer = StdioPeer::with(gateway(&database, SHOP).await, Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    let params = json!({"name": "search", "arguments": {"query": "gift vouchers"}});
    let found = peer.ask(&request(1, "tools/call", params)).await;
    let results = &found["result"]["structuredContent"]["results"];
    assert_eq!(results[0]["url"], "pgwarden://shop/found/row%3Ashop%3Aarticles%3A5");
    for result in results.as_array().unwrap() {
        let params = json!({"name": "fetch", "arguments": {"id": result["id"]}});
        let document = peer.ask(&request(2, "tools/call", params)).await;
        let read = peer.ask(&request(3, "resources/read", json!({"uri": result["url"]}))).await;
        let text = &document["result"]["structuredContent"]["text"];
        assert!(text.is_string() && read["result"]["contents"][0]["text"] == *text, "{read} {document}");
    }
    let odd = "UPDATE shop.articles SET body = 'a' || chr(8238) || 'b' WHERE id = 5";
    database.admin().await.batch_execute(odd).await.unwrap();
    let uri = "pgwarden://shop/found/row%3Ashop%3Aarticles%3A5";
    let read = peer.ask(&request(4, "resources/read", json!({"uri": uri}))).await;
    let text = read["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(text.contains("a\\u{202e}b") && !text.contains('\u{202e}'), "{text}");
}

#[tokio::test]
async fn a_result_is_kept_by_nobody() {
    let database = database().await;
    let peer = http(gateway(&database, SHOP).await, Settings::default()).await;
    let read = |uri: &'static str| peer.ask("resources/read", json!({"uri": uri}));
    let row = read("pgwarden://shop/found/row%3Ashop%3Aarticles%3A1").await.json()["result"].clone();
    assert_eq!((&row["cacheScope"], &row["ttlMs"]), (&json!("private"), &json!(0)), "{row}");
    let table = read("postgres://shop/shop/articles").await.json()["result"].clone();
    assert_eq!(table["cacheScope"], "public", "{table}");
    peer.stop().await;
}

#[tokio::test]
async fn an_argument_more_is_refused() {
    let database = database().await;
    let own =
        pgwarden::gateway::Documents { url: Some("https://help.example/{id}".to_owned()), ..articles() };
    let gateway = gateway_of(vec![served("shop", &database, SHOP, vec![own])]).await;
    let peer = http(gateway, Settings::default()).await;
    let result = call(&peer, STATELESS, "search", json!({"query": "x", "limit": 3})).await;
    assert_eq!(result["isError"], true);
    let result = call(&peer, STATELESS, "search", json!({"query": "\"gift vouchers\" glue"})).await;
    assert_eq!(result["isError"], false);
    let result = call(&peer, STATELESS, "fetch", json!({"id": "row:shop:articles:5"})).await;
    assert_eq!(result["structuredContent"]["url"], "https://help.example/5");
    peer.stop().await;
}
