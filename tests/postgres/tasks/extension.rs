//! The tasks extension of 2026-07-28 (SEP-2663), over both transports.

use pgwarden::mcp::{Authentication, Settings};
use serde_json::{Value, json};

use super::waiting::running;
use super::{impatient_gateway, slow_call};
use crate::mcp_wire::{HttpPeer, STATELESS, StdioPeer, caller, code, stateless};
use crate::support::{Database, Template, until};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

enum Peer {
    Stdio(StdioPeer),
    Http(HttpPeer),
}

async fn peers(database: &Database<'_>) -> [Peer; 2] {
    let gateway = impatient_gateway(database).await;
    let http = HttpPeer::with(gateway.clone(), Authentication::Open(caller()), Settings::default()).await;
    [Peer::Stdio(StdioPeer::with(gateway, Settings::default())), Peer::Http(http)]
}

impl Peer {
    async fn ask(&mut self, method: &str, params: Value, declares: bool) -> Value {
        let mut message = stateless(1, method, params);
        if declares {
            message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
                json!({"extensions": {EXTENSION: {}}});
        }
        match self {
            Self::Stdio(peer) => peer.ask(&message).await,
            Self::Http(peer) => {
                let name = message["params"]["name"].as_str().unwrap_or_default().to_owned();
                let mut headers = vec![("mcp-protocol-version", STATELESS), ("mcp-method", method)];
                if !name.is_empty() {
                    headers.push(("mcp-name", &name));
                }
                peer.post(&headers, message).await.json()
            }
        }
    }

    async fn until_ended(&mut self, id: &Value) -> Value {
        loop {
            let task = self.ask("tasks/get", json!({"taskId": id}), true).await["result"].clone();
            if task["status"] != "working" {
                return task;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn the_extension_is_announced() {
    let database = Database::create(Template::Shop).await;
    for mut peer in peers(&database).await {
        let found = peer.ask("server/discover", json!({}), false).await;
        assert!(found["result"]["capabilities"]["extensions"][EXTENSION].is_object(), "{found}");
    }
}

#[tokio::test]
async fn a_long_call_becomes_a_task_with_its_result_inside() {
    let database = Database::create(Template::Shop).await;
    for (mark, mut peer) in (1..).zip(peers(&database).await) {
        let created = peer.ask("tools/call", slow_call(mark, 1.0), true).await["result"].clone();
        assert_eq!(
            (&created["resultType"], &created["status"]),
            (&json!("task"), &json!("working")),
            "{created}"
        );
        assert!(created["ttlMs"].is_u64() && created["pollIntervalMs"].is_u64());
        let id = created["taskId"].clone();
        let acknowledged = peer.ask("tasks/update", json!({"taskId": id, "inputResponses": {}}), true).await;
        assert_eq!(acknowledged["result"]["resultType"], "complete", "{acknowledged}");
        let ended = peer.until_ended(&id).await;
        assert_eq!(ended["status"], "completed");
        assert_eq!(ended["result"]["structuredContent"]["rows"][0][0], mark, "{ended}");
        assert_eq!(ended["result"]["isError"], false);
    }
}

#[tokio::test]
async fn a_short_call_is_answered_and_a_client_that_declared_nothing_gets_a_handle() {
    let database = Database::create(Template::Shop).await;
    for (mark, mut peer) in (1..).zip(peers(&database).await) {
        let call = json!({"name": "query", "arguments": {"sql": "SELECT 1"}});
        let answer = peer.ask("tools/call", call, true).await["result"].clone();
        assert_eq!(
            (&answer["resultType"], &answer["structuredContent"]["rows"]),
            (&json!("complete"), &json!([[1]]))
        );
        let handle = peer.ask("tools/call", slow_call(mark, 2.0), false).await["result"].clone();
        assert_eq!(handle["resultType"], "complete", "{handle}");
        assert!(handle["structuredContent"]["task_id"].is_string(), "{handle}");
        for method in ["tasks/get", "tasks/cancel"] {
            let refused =
                peer.ask(method, json!({"taskId": handle["structuredContent"]["task_id"]}), false).await;
            assert_eq!(code(&refused), -32021, "{refused}");
        }
    }
}

#[tokio::test]
async fn each_change_of_a_task_is_pushed_to_who_listens() {
    let database = Database::create(Template::Shop).await;
    for (mark, mut peer) in (1..).zip(peers(&database).await) {
        let id = peer.ask("tools/call", slow_call(mark, 1.5), true).await["result"]["taskId"].clone();
        let stranger = "0".repeat(32);
        let filter = json!({"notifications": {"taskIds": [id, stranger]}});
        let mut listen = stateless(9, "subscriptions/listen", filter);
        let refused = peer.ask("subscriptions/listen", listen["params"].clone(), false).await;
        assert_eq!(code(&refused), -32021, "{refused}");
        listen["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {EXTENSION: {}}});
        let mut heard = match &mut peer {
            Peer::Stdio(peer) => {
                peer.say(&listen);
                let mut heard = vec![peer.hear().await];
                while heard.last().unwrap().pointer("/params/status") != Some(&json!("completed")) {
                    heard.push(peer.hear().await);
                }
                heard
            }
            Peer::Http(peer) => {
                let body = listen.to_string();
                let post = format!(
                    "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                     accept: application/json, text/event-stream\r\nmcp-protocol-version: {STATELESS}\r\n\
                     mcp-method: subscriptions/listen\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let stream =
                    peer.raw(post.as_bytes(), |heard| heard.contains("\"status\":\"completed\"")).await;
                let events = stream.lines().filter_map(|line| line.strip_prefix("data:"));
                events.filter_map(|event| serde_json::from_str(event).ok()).collect()
            }
        };
        let acknowledged = heard.remove(0);
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
        assert_eq!(acknowledged["params"]["notifications"]["taskIds"], json!([id]), "{acknowledged}");
        let last = heard.pop().unwrap();
        assert_eq!(last["method"], "notifications/tasks", "{last}");
        assert_eq!(last["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 9, "{last}");
        assert_eq!(last["params"]["result"]["structuredContent"]["rows"][0][0], mark, "{last}");
    }
}

#[tokio::test]
async fn an_error_is_a_completed_task_and_a_cancelled_one_has_no_result() {
    let database = Database::create(Template::Shop).await;
    for (mark, mut peer) in (1..).zip(peers(&database).await) {
        let sql = format!("SELECT {mark} / (count(*) - 1) FROM (SELECT shop.wait(0.8) OFFSET 0) AS s");
        let call = json!({"name": "query", "arguments": {"sql": sql}});
        let id = peer.ask("tools/call", call, true).await["result"]["taskId"].clone();
        let ended = peer.until_ended(&id).await;
        assert_eq!(
            (&ended["status"], &ended["result"]["isError"]),
            (&json!("completed"), &json!(true)),
            "{ended}"
        );

        let id = peer.ask("tools/call", slow_call(mark + 10, 600.0), true).await["result"]["taskId"].clone();
        let acknowledged = peer.ask("tasks/cancel", json!({"taskId": id}), true).await;
        assert_eq!(acknowledged["result"]["resultType"], "complete", "{acknowledged}");
        let ended = peer.until_ended(&id).await;
        assert_eq!((&ended["status"], ended.get("result")), (&json!("cancelled"), None), "{ended}");
        until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
        // Too late is no error here.
        let again = peer.ask("tasks/cancel", json!({"taskId": id}), true).await;
        assert_eq!(again["result"]["resultType"], "complete", "{again}");
        let unknown = json!({"taskId": "0".repeat(32), "inputResponses": {}});
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            assert_eq!(code(&peer.ask(method, unknown.clone(), true).await), -32602, "{method}");
        }
    }
}
