//! A client that is told of changes: a session of an older revision or a request of 2026-07-28, on stdio or HTTP.

use std::collections::VecDeque;
use std::time::Duration;

use pgwarden::gateway::Gateway;
use pgwarden::mcp::{Authentication, Settings};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use crate::mcp_wire::{HttpPeer, STATELESS, StdioPeer, caller, initialize, request, stateless};

/// From the change to the client's ear. The figures of a release build are far below (benches/notifications.rs); here other
/// tests run beside it.
pub const SOON: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    StdioSession,
    HttpSession,
    StdioListen,
    HttpListen,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::StdioSession, Self::HttpSession, Self::StdioListen, Self::HttpListen];
}

pub struct Peer {
    pub way: Way,
    ear: Ear,
    /// Heard while an answer was waited for.
    early: VecDeque<Value>,
    session: String,
    asked: i64,
}

enum Ear {
    Stdio(Box<StdioPeer>),
    Http { peer: HttpPeer, events: UnboundedReceiver<Value>, reading: JoinHandle<()> },
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Ear::Http { reading, .. } = &self.ear {
            reading.abort();
        }
    }
}

impl Peer {
    /// Wants to be told of the lists, and of those resources.
    pub async fn start(way: Way, gateway: &Gateway, uris: &[&str]) -> Self {
        let mut peer = Self::silent(way, gateway).await;
        match way {
            Way::StdioSession | Way::HttpSession => {
                for uri in uris {
                    let answer = peer.ask("resources/subscribe", json!({"uri": uri})).await;
                    assert_eq!(answer["result"], json!({}), "{answer}");
                }
                if way == Way::HttpSession {
                    peer.open_stream();
                }
            }
            Way::StdioListen | Way::HttpListen => {
                let filter = json!({
                    "toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": uris,
                });
                let accepted = peer.listen(filter.clone()).await;
                let mut sorted: Vec<&str> = uris.to_vec();
                sorted.sort_unstable();
                assert_eq!(accepted["toolsListChanged"], true, "{accepted}");
                assert_eq!(accepted["resourcesListChanged"], true, "{accepted}");
                if !uris.is_empty() {
                    assert_eq!(accepted["resourceSubscriptions"], json!(sorted), "{accepted}");
                }
            }
        }
        peer
    }

    /// Before it asks for anything; a session is past `initialize`.
    pub async fn silent(way: Way, gateway: &Gateway) -> Self {
        let gateway = gateway.clone();
        let mut session = String::new();
        let ear = match way {
            Way::StdioSession | Way::StdioListen => {
                let mut peer = StdioPeer::with(gateway, Settings::default());
                if way == Way::StdioSession {
                    let answer = peer.ask(&initialize("2025-06-18")).await;
                    assert_eq!(announced(&answer), told_all(), "{answer}");
                    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
                }
                Ear::Stdio(Box::new(peer))
            }
            Way::HttpSession | Way::HttpListen => {
                let peer = HttpPeer::with(gateway, Authentication::Open(caller()), Settings::default()).await;
                if way == Way::HttpSession {
                    session = peer.session("2025-11-25").await;
                }
                let events = unbounded_channel().1;
                Ear::Http { peer, events, reading: tokio::spawn(async {}) }
            }
        };
        Self { way, ear, early: VecDeque::new(), session, asked: 0 }
    }

    /// One request in the session; what is told meanwhile is kept.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let message = match self.way {
            Way::StdioSession | Way::HttpSession => request(self.asked, method, params.clone()),
            Way::StdioListen | Way::HttpListen => stateless(self.asked, method, params.clone()),
        };
        match &mut self.ear {
            Ear::Stdio(peer) => {
                peer.say(&message);
                loop {
                    let heard = peer.hear().await;
                    if heard["id"] == self.asked {
                        return heard;
                    }
                    self.early.push_back(heard);
                }
            }
            Ear::Http { peer, .. } if self.session.is_empty() => peer.ask(method, params).await.json(),
            Ear::Http { peer, .. } => peer.post(&[("mcp-session-id", &self.session)], message).await.json(),
        }
    }

    /// Opens the session's stream for what is told unasked.
    pub fn open_stream(&mut self) {
        let Ear::Http { peer, events, reading } = &mut self.ear else { panic!("not on HTTP") };
        let request = reqwest::Client::new()
            .get(peer.url())
            .header("accept", "text/event-stream")
            .header("mcp-session-id", &self.session);
        (*events, *reading) = read(request);
    }

    /// `subscriptions/listen`: what of the filter was accepted.
    pub async fn listen(&mut self, filter: Value) -> Value {
        let message = stateless("listen", "subscriptions/listen", json!({"notifications": filter}));
        match &mut self.ear {
            Ear::Stdio(peer) => peer.say(&message),
            Ear::Http { peer, events, reading } => {
                let request = reqwest::Client::new()
                    .post(peer.url())
                    .header("content-type", "application/json")
                    .header("accept", "application/json, text/event-stream")
                    .header("mcp-protocol-version", STATELESS)
                    .header("mcp-method", "subscriptions/listen")
                    .body(message.to_string());
                (*events, *reading) = read(request);
            }
        }
        let acknowledged = self.next(SOON).await.unwrap();
        assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged", "{acknowledged}");
        acknowledged["params"]["notifications"].clone()
    }

    /// The end of what [`Self::listen`] began.
    pub fn cancel(&mut self) {
        match &mut self.ear {
            Ear::Stdio(peer) => peer.say(&json!({
                "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "listen"},
            })),
            Ear::Http { reading, .. } => reading.abort(),
        }
    }

    pub async fn next(&mut self, within: Duration) -> Option<Value> {
        if let Some(early) = self.early.pop_front() {
            return Some(early);
        }
        match &mut self.ear {
            Ear::Stdio(peer) => peer.hear_within(within).await,
            Ear::Http { events, .. } => tokio::time::timeout(within, events.recv()).await.ok()?,
        }
    }

    /// Asserts that it is told of exactly that, in any order: URIs, or `tools` and `resources` for the lists.
    pub async fn hears(&mut self, what: &str, expected: &[&str]) {
        let mut missing: Vec<&str> = expected.to_vec();
        while !missing.is_empty() {
            let heard = self.next(SOON).await;
            let heard = heard.unwrap_or_else(|| panic!("{:?}, {what}: not told of {missing:?}", self.way));
            let name = self.name(&heard);
            let at = missing.iter().position(|missing| *missing == name);
            let at =
                at.unwrap_or_else(|| panic!("{:?}, {what}: told of {name}, not of {missing:?}", self.way));
            missing.remove(at);
        }
    }

    /// Asserts that nothing comes for a while.
    pub async fn is_left_alone(&mut self, what: &str) {
        let heard = self.next(Duration::from_millis(700)).await;
        assert!(heard.is_none(), "{:?}, {what}: {}", self.way, heard.unwrap());
    }

    fn name(&self, heard: &Value) -> String {
        assert!(heard["params"].is_object(), "{heard}");
        let subscription = &heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        match self.way {
            Way::StdioSession | Way::HttpSession => assert_eq!(*subscription, Value::Null, "{heard}"),
            Way::StdioListen | Way::HttpListen => assert_eq!(*subscription, "listen", "{heard}"),
        }
        match heard["method"].as_str().unwrap_or_else(|| panic!("no notification: {heard}")) {
            "notifications/tools/list_changed" => "tools".to_owned(),
            "notifications/resources/list_changed" => "resources".to_owned(),
            "notifications/resources/updated" => heard["params"]["uri"].as_str().unwrap().to_owned(),
            other => panic!("{other}"),
        }
    }
}

/// What an answer to `initialize` announces of changes.
pub fn announced(answer: &Value) -> Value {
    let capabilities = &answer["result"]["capabilities"];
    json!([
        capabilities["tools"]["listChanged"],
        capabilities["resources"]["listChanged"],
        capabilities["resources"]["subscribe"]
    ])
}

pub fn told_all() -> Value {
    json!([true, true, true])
}

/// The messages of an event stream, as they come.
fn read(request: reqwest::RequestBuilder) -> (UnboundedReceiver<Value>, JoinHandle<()>) {
    let (sender, events) = unbounded_channel();
    let reading = tokio::spawn(async move {
        let mut response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut text = String::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            text.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((line, rest)) = text.split_once('\n') {
                let event = line.strip_prefix("data:").and_then(|data| serde_json::from_str(data).ok());
                if let Some(event) = event
                    && sender.send(event).is_err()
                {
                    return;
                }
                text = rest.to_owned();
            }
        }
    });
    (events, reading)
}
