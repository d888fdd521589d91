//! A token is revoked while its bearer listens and waits; the same subject has another one.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::{Authenticator, NewToken, TokenFile, TokenStore};
use pgwarden::mcp::{Authentication, Settings};
use serde_json::{Value, json};

use super::waiting::{running, slow};
use super::{impatient_gateway, slow_call, slow_gateway};
use crate::mcp_wire::{HttpPeer, STATELESS, initialize, request, stateless};
use crate::support::{Database, Template, until};

/// Longer than any of this may take.
const LONG: f64 = 600.0;
const SOON: Duration = Duration::from_secs(10);

struct Guarded {
    peer: HttpPeer,
    file: RefCell<TokenFile>,
    store: Arc<TokenStore>,
    /// Of one subject.
    bearers: [String; 2],
    _folder: tempfile::TempDir,
}

async fn guarded(gateway: pgwarden::gateway::Gateway) -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    let mut file = TokenFile::open(&path).unwrap();
    let bearers = ["laptop", "phone"].map(|name| {
        let token = NewToken { name: name.to_owned(), subject: "anna".to_owned(), ..NewToken::default() };
        format!("Bearer {}", file.create(token).unwrap().reveal())
    });
    let store = Arc::new(TokenStore::load(&path).unwrap());
    let authentication = Authentication::Bearer(Authenticator::new(vec![store.clone()]));
    let peer = HttpPeer::with(gateway, authentication, Settings::default()).await;
    Guarded { peer, file: RefCell::new(file), store, bearers, _folder: folder }
}

impl Guarded {
    async fn ask(&self, bearer: &str, method: &str, params: Value) -> crate::mcp_wire::Answer {
        let mut message = stateless(1, method, params);
        message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        let name = message["params"]["name"].as_str().unwrap_or_default().to_owned();
        let mut headers =
            vec![("authorization", bearer), ("mcp-protocol-version", STATELESS), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", &name));
        }
        self.peer.post(&headers, message).await
    }

    /// What the server does every other second, until `done`.
    async fn look(&self, done: impl Future<Output = ()>) {
        let looking = async {
            loop {
                self.store.subjects();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::select! {
            () = done => {}
            () = looking => {}
            () = tokio::time::sleep(SOON) => panic!("what a revoked token began goes on"),
        }
    }
}

#[tokio::test]
async fn who_listens_hears_nothing_more_and_the_task_goes_on_for_the_other_token() {
    let database = Database::create(Template::Shop).await;
    let guarded = guarded(impatient_gateway(&database).await).await;
    let [laptop, phone] = guarded.bearers.clone();
    let created = guarded.ask(&laptop, "tools/call", slow_call(1, LONG)).await.json();
    let id = created["result"]["taskId"].clone();
    let filter = json!({"notifications": {"taskIds": [id]}});
    let mut listening = std::pin::pin!(guarded.ask(&laptop, "subscriptions/listen", filter));
    let still = tokio::time::timeout(Duration::from_millis(1_500), &mut listening).await;
    assert!(still.is_err(), "it ended by itself: {}", still.unwrap().text);
    guarded.file.borrow_mut().revoke("laptop").unwrap();
    let ended = async { assert_eq!(listening.await.status, 200, "it was open") };
    guarded.look(ended).await;
    let refused = guarded.ask(&laptop, "tasks/get", json!({"taskId": id})).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    let task = guarded.ask(&phone, "tasks/get", json!({"taskId": id})).await.json();
    assert_eq!(task["result"]["status"], "working", "{task}");
    assert_eq!(running(&database).await, 1);
}

#[tokio::test]
async fn a_call_that_waits_and_the_session_s_own_stream_end() {
    let database = Database::create(Template::Shop).await;
    let guarded = guarded(slow_gateway(&database).await).await;
    let [laptop, phone] = guarded.bearers.clone();
    let opened = guarded.peer.post(&[("authorization", &laptop)], initialize("2025-11-25")).await;
    let session = opened.session().to_owned();
    let of = |bearer| [("authorization", bearer), ("mcp-session-id", session.as_str())];
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(guarded.peer.post(&of(&laptop), initialized).await.status, 202);
    guarded.file.borrow_mut().revoke("laptop").unwrap();
    let query = json!({"name": "query", "arguments": {"sql": slow(2, LONG)}});
    let (call, stream) = (of(&laptop), of(&laptop));
    let both = async {
        let call = guarded.peer.post(&call, request(5, "tools/call", query));
        let stream = guarded.peer.method("GET", &stream);
        let runs = until("the query runs", async || (running(&database).await == 1).then_some(()));
        let (call, stream, ()) = tokio::join!(call, stream, runs);
        assert!(call.text.contains("token of this request was revoked"), "{}", call.text);
        assert_eq!(stream.status, 200, "it was open: {}", stream.text);
    };
    guarded.look(both).await;
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
    let alive = guarded.peer.post(&of(&phone), request(6, "ping", json!({}))).await;
    assert_eq!(alive.status, 200, "the subject's session stands: {}", alive.text);
}
