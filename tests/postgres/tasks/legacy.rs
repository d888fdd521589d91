//! The tasks of 2025-11-25 (SEP-1686), over both transports.

use pgwarden::mcp::{Authentication, Settings};
use serde_json::{Value, json};

use super::waiting::running;
use super::{impatient_gateway, slow_call};
use crate::mcp_wire::{HttpPeer, StdioPeer, caller, code, initialize, request};
use crate::support::{Database, Template, until};

/// Either transport, in a session.
enum Peer {
    Stdio(StdioPeer, Vec<Value>),
    Http(HttpPeer, String),
}

impl Peer {
    async fn stdio(database: &Database<'_>, revision: &str) -> (Self, Value) {
        let mut peer = StdioPeer::with(impatient_gateway(database).await, Settings::default());
        let opened = peer.ask(&initialize(revision)).await;
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        (Self::Stdio(peer, Vec::new()), opened["result"].clone())
    }

    async fn http(database: &Database<'_>) -> (Self, Value) {
        let gateway = impatient_gateway(database).await;
        let peer = HttpPeer::with(gateway, Authentication::Open(caller()), Settings::default()).await;
        let opened = peer.post(&[], initialize("2025-11-25")).await;
        let session = opened.session().to_owned();
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        peer.post(&[("mcp-session-id", &session)], note).await;
        (Self::Http(peer, session), opened.json()["result"].clone())
    }

    /// The whole answer. Notifications before it are kept.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let message = request(1, method, params);
        match self {
            Self::Http(peer, session) => peer.post(&[("mcp-session-id", session)], message).await.json(),
            Self::Stdio(peer, heard) => {
                peer.say(&message);
                loop {
                    let answer = peer.hear().await;
                    if answer["id"] == 1 {
                        return answer;
                    }
                    heard.push(answer);
                }
            }
        }
    }

    async fn create(&mut self, mut call: Value) -> Value {
        call["task"] = json!({"ttl": 60_000});
        let created = self.ask("tools/call", call).await;
        created["result"]["task"].clone()
    }
}

async fn both(database: &Database<'_>) -> [(Peer, Value); 2] {
    let stdio = Peer::stdio(database, "2025-11-25").await;
    database.admin().await.batch_execute("DROP FUNCTION shop.wait").await.unwrap();
    [stdio, Peer::http(database).await]
}

#[tokio::test]
async fn the_capability_and_the_tool_s_support_are_announced() {
    let database = Database::create(Template::Shop).await;
    for (mut peer, opened) in both(&database).await {
        let tasks = json!({"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}});
        assert_eq!(opened["capabilities"]["tasks"], tasks, "{opened}");
        let listed = peer.ask("tools/list", json!({})).await;
        let all = listed["result"]["tools"].as_array().unwrap();
        let support: Vec<&Value> =
            all.iter().filter_map(|tool| tool.pointer("/execution/taskSupport")).collect();
        assert_eq!((all.len(), support), (super::reading_tools().len(), vec![&json!("optional")]));
    }
    let (_, older) = Peer::stdio(&Database::create(Template::Shop).await, "2025-06-18").await;
    assert_eq!(older["capabilities"].get("tasks"), None);
}

#[tokio::test]
async fn a_task_is_created_polled_and_its_result_fetched() {
    let database = Database::create(Template::Shop).await;
    for (mut peer, _) in both(&database).await {
        let task = peer.create(slow_call(1, 1.0)).await;
        assert_eq!((&task["status"], &task["ttl"]), (&json!("working"), &json!(60_000)), "{task}");
        assert!(
            task["pollInterval"].is_u64()
                && task["createdAt"].is_string()
                && task["lastUpdatedAt"].is_string()
        );
        let id = task["taskId"].clone();
        let polled = peer.ask("tasks/get", json!({"taskId": id})).await;
        assert_eq!((&polled["result"]["taskId"], &polled["result"]["status"]), (&id, &json!("working")));
        assert_eq!(polled["result"].get("resultType"), None, "{polled}");
        // Blocks until the end.
        let result = peer.ask("tasks/result", json!({"taskId": id})).await["result"].clone();
        assert_eq!(result["structuredContent"]["rows"][0][0], 1, "{result}");
        assert_eq!(result["_meta"]["io.modelcontextprotocol/related-task"], json!({"taskId": id}));
        assert_eq!(result.get("resultType"), None, "{result}");
        let polled = peer.ask("tasks/get", json!({"taskId": id})).await;
        assert_eq!(polled["result"]["status"], "completed");
        let listed = peer.ask("tasks/list", json!({})).await;
        assert_eq!(listed["result"]["tasks"][0]["taskId"], id, "{listed}");
        if let Peer::Stdio(_, heard) = &peer {
            let states: Vec<&Value> = heard
                .iter()
                .filter(|message| message["method"] == "notifications/tasks/status")
                .map(|message| &message["params"]["status"])
                .collect();
            assert_eq!(states.last(), Some(&&json!("completed")), "{heard:?}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_statement_is_a_completed_task_and_its_result_an_error() {
    let database = Database::create(Template::Shop).await;
    for (mut peer, _) in both(&database).await {
        let call = json!({"name": "query", "arguments": {"sql": "SELECT 1/0"}});
        let id = peer.create(call).await["taskId"].clone();
        let result = peer.ask("tasks/result", json!({"taskId": id})).await["result"].clone();
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"][0]["text"].as_str().unwrap().contains("22012"), "{result}");
        let polled = peer.ask("tasks/get", json!({"taskId": id})).await;
        assert_eq!(polled["result"]["status"], "completed");
    }
}

#[tokio::test]
async fn cancelling_is_answered_with_the_cancelled_task_and_ends_the_query() {
    let database = Database::create(Template::Shop).await;
    for (mut peer, _) in both(&database).await {
        let id = peer.create(slow_call(2, 600.0)).await["taskId"].clone();
        until("the query runs", async || (running(&database).await == 1).then_some(())).await;
        let cancelled = peer.ask("tasks/cancel", json!({"taskId": id})).await;
        assert_eq!(cancelled["result"]["status"], "cancelled", "{cancelled}");
        until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
        assert_eq!(code(&peer.ask("tasks/cancel", json!({"taskId": id})).await), -32602);
        let result = peer.ask("tasks/result", json!({"taskId": id})).await;
        assert_eq!(result["result"]["isError"], true, "{result}");
    }
}

#[tokio::test]
async fn the_list_comes_in_pages_the_newest_first() {
    let database = Database::create(Template::Shop).await;
    let (mut peer, _) = Peer::http(&database).await;
    let mut ids = Vec::new();
    for mark in 0..60 {
        let call = json!({"name": "query", "arguments": {"sql": format!("SELECT {mark}")}});
        ids.push(peer.create(call).await["taskId"].clone());
    }
    ids.reverse();
    let first = peer.ask("tasks/list", json!({})).await["result"].clone();
    let cursor = first["nextCursor"].clone();
    let second = peer.ask("tasks/list", json!({"cursor": cursor})).await["result"].clone();
    let listed = [&first, &second].map(|page| page["tasks"].as_array().unwrap().clone()).concat();
    let listed: Vec<Value> = listed.iter().map(|task| task["taskId"].clone()).collect();
    assert_eq!((listed, second.get("nextCursor")), (ids, None));
}

#[tokio::test]
async fn an_older_revision_ignores_the_wish_for_a_task() {
    let database = Database::create(Template::Shop).await;
    let (mut peer, _) = Peer::stdio(&database, "2025-06-18").await;
    let mut call = json!({"name": "query", "arguments": {"sql": "SELECT 5"}});
    call["task"] = json!({"ttl": 1_000});
    let answer = peer.ask("tools/call", call).await;
    assert_eq!(answer["result"]["structuredContent"]["rows"], json!([[5]]), "{answer}");
    assert_eq!(code(&peer.ask("tasks/list", json!({})).await), -32601);
}
