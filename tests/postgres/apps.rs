//! MCP Apps: who sees the pages, and that whoever does not has every byte as before.

use std::time::Duration;

use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::mcp::Settings;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};

use crate::mcp_wire::{LEGACY, StdioPeer, initialize, request, stateless, tool_names};
use crate::support::{Database, READER, Template, gate};

const EXTENSION: &str = "io.modelcontextprotocol/ui";
const MIME_TYPE: &str = "text/html;profile=mcp-app";
const PAGES: [&str; 2] = ["ui://pgwarden/grid", "ui://pgwarden/plan"];

const QUERY_ALONE: &str =
    "version = 1\ninclude = []\ntools = [\"query\"]\n[[allow]]\nselect = [\"shop.*\"]\n";

fn declared() -> Value {
    json!({"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}})
}

/// An extension that is declared without the type of these pages is none.
fn undeclared() -> [Value; 4] {
    [
        json!({}),
        json!({"extensions": {EXTENSION: {}}}),
        json!({"extensions": {EXTENSION: {"mimeTypes": ["text/html"]}}}),
        json!({"extensions": {EXTENSION: {"mimeTypes": MIME_TYPE}}}),
    ]
}

fn peer(database: &Database<'_>, policy: &str) -> StdioPeer {
    let policy = Policy::parse(policy, "policy.toml").unwrap();
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    let served = Served::new(gate(&database.url(READER)), policy);
    StdioPeer::with(Gateway::new(vec![served], limits, Telemetry::default()), Settings::default())
}

/// The answer's line.
async fn line(peer: &mut StdioPeer, method: &str, params: Value, capabilities: Value) -> String {
    let mut message = stateless(1, method, params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    peer.say(&message);
    peer.hear_text().await
}

async fn ask(peer: &mut StdioPeer, method: &str, params: Value, capabilities: Value) -> Value {
    serde_json::from_str(&line(peer, method, params, capabilities).await).unwrap()
}

async fn listed_pages(peer: &mut StdioPeer, capabilities: Value) -> Vec<String> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let list = ask(peer, "resources/list", params, capabilities.clone()).await;
        for resource in list["result"]["resources"].as_array().unwrap() {
            if resource["uri"].as_str().unwrap().starts_with("ui:") {
                assert_eq!(resource["mimeType"], MIME_TYPE);
                pages.push(resource["uri"].as_str().unwrap().to_owned());
            }
        }
        match list["result"]["nextCursor"].as_str() {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn tools_name_their_pages_to_clients_that_show_them_and_change_nothing_else() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n");
    let mut with = ask(&mut peer, "tools/list", json!({}), declared()).await;
    assert_eq!(with["result"]["cacheScope"], "private", "no shared cache gives it to others");
    let mut named = Vec::new();
    for tool in with["result"]["tools"].as_array_mut().unwrap() {
        let name = tool["name"].as_str().unwrap().to_owned();
        let tool = tool.as_object_mut().unwrap();
        let Some(meta) = tool.get_mut("_meta").and_then(Value::as_object_mut) else { continue };
        let Some(ui) = meta.remove("ui") else { continue };
        if meta.is_empty() {
            tool.remove("_meta");
        }
        named.push((name, ui));
    }
    let page = |name: &str, uri: &str| (name.to_owned(), json!({"resourceUri": uri}));
    assert_eq!(named, [page("query", PAGES[0]), page("explain", PAGES[1])]);
    for capabilities in undeclared() {
        let without = ask(&mut peer, "tools/list", json!({}), capabilities).await;
        assert_eq!(without["result"]["tools"], with["result"]["tools"]);
    }
}

#[tokio::test]
async fn the_pages_are_listed_with_their_tools_and_to_those_who_show_them() {
    let database = Database::create(Template::Shop).await;
    let mut all = peer(&database, "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n");
    assert_eq!(listed_pages(&mut all, declared()).await, PAGES);
    for capabilities in undeclared() {
        assert_eq!(listed_pages(&mut all, capabilities).await, [""; 0]);
    }
    let mut some = peer(&database, QUERY_ALONE);
    let tools = ask(&mut some, "tools/list", json!({}), declared()).await;
    let has_plans = tool_names(&tools).contains(&"explain");
    let expected: &[&str] = if has_plans { &PAGES } else { &PAGES[..1] };
    assert_eq!(listed_pages(&mut some, declared()).await, expected);
}

#[tokio::test]
async fn a_page_reaches_no_host() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, QUERY_ALONE);
    for uri in PAGES {
        let read = ask(&mut peer, "resources/read", json!({"uri": uri}), declared()).await;
        let contents = &read["result"]["contents"][0];
        assert_eq!((&contents["uri"], &contents["mimeType"]), (&json!(uri), &json!(MIME_TYPE)));
        for domains in ["connectDomains", "resourceDomains", "frameDomains", "baseUriDomains"] {
            assert_eq!(contents["_meta"]["ui"]["csp"][domains], json!([]), "{domains}");
        }
        assert!(contents["text"].as_str().unwrap().starts_with("<!doctype html>"));
    }
    let missing = ask(&mut peer, "resources/read", json!({"uri": "ui://pgwarden/other"}), declared()).await;
    assert!(missing["error"]["code"].is_i64(), "{missing}");
}

#[tokio::test]
async fn results_are_the_same_bytes_with_and_without_pages() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n");
    for (tool, sql) in [
        ("query", "SELECT id, full_name FROM shop.customers ORDER BY id LIMIT 3"),
        ("query", "SELECT id, email FROM shop.customers ORDER BY id"),
        ("explain", "SELECT id FROM shop.customers WHERE id = 3"),
    ] {
        let call = json!({"name": tool, "arguments": {"sql": sql}});
        let with = line(&mut peer, "tools/call", call.clone(), declared()).await;
        assert!(with.contains("\"content\""), "{with}");
        for capabilities in undeclared() {
            assert_eq!(line(&mut peer, "tools/call", call.clone(), capabilities).await, with);
        }
    }
}

#[tokio::test]
async fn an_older_client_declares_it_once() {
    let database = Database::create(Template::Shop).await;
    for revision in LEGACY {
        for (capabilities, shown) in [(declared(), true), (json!({}), false)] {
            let mut peer = peer(&database, QUERY_ALONE);
            let mut hello = initialize(revision);
            hello["params"]["capabilities"] = capabilities;
            peer.ask(&hello).await;
            peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
            let list = peer.ask(&request(1, "tools/list", json!({}))).await;
            assert_eq!(list.to_string().contains("ui://pgwarden/grid"), shown, "{revision}: {list}");
        }
    }
}
