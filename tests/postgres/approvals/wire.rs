//! How clients meet an approval: by URL elicitation in both eras, and without it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use pgwarden::approvals::{ApprovalId, ApprovalState, Codes};
use pgwarden::auth::Caller;
use pgwarden::gateway::Gateway;
use pgwarden::mcp::{ApprovalPage, Authentication, Settings};
use pgwarden::web::Pages;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, INSERT, approve, decide};
use crate::mcp_wire::{HttpPeer, STATELESS, StdioPeer, caller, initialize, request, stateless};

const LEGACY: &str = "2025-11-25";
const ORIGIN: &str = "https://db.example";

fn settings(page: ApprovalPage) -> Settings {
    Settings { approvals: page, ..Settings::default() }
}

fn public() -> Settings {
    settings(ApprovalPage::public(ORIGIN))
}

fn call(arguments: Value) -> Value {
    json!({"name": "execute", "arguments": arguments})
}

fn writes(body: &str) -> Value {
    call(json!({"sql": INSERT, "params": [body]}))
}

/// Past `initialize`, with these capabilities.
async fn stdio(gateway: &Gateway, settings: Settings, capabilities: Value) -> StdioPeer {
    let mut peer = StdioPeer::with(gateway.clone(), settings);
    let mut hello = initialize(LEGACY);
    hello["params"]["capabilities"] = capabilities;
    peer.ask(&hello).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    peer
}

fn url_mode() -> Value {
    json!({"elicitation": {"form": {}, "url": {}}})
}

fn answer(id: &Value, action: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"action": action}})
}

fn structured(answer: &Value) -> &Value {
    let content = &answer["result"]["structuredContent"];
    assert!(content.is_object(), "{answer}");
    content
}

/// The next message that the peer hears and `is` one.
async fn hear(peer: &mut StdioPeer, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let heard = peer.hear().await;
        if is(&heard) {
            return heard;
        }
    }
}

fn is_method(method: &str) -> impl Fn(&Value) -> bool {
    move |message: &Value| message["method"] == method
}

fn approval_of(asked: &Value) -> ApprovalId {
    asked["params"]["elicitationId"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn on_stdio_the_server_asks_while_the_call_waits() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let mut peer = stdio(&gateway, public(), url_mode()).await;
    peer.say(&request(1, "tools/call", writes("pushed")));
    let asked = hear(&mut peer, is_method("elicitation/create")).await;
    let id = approval_of(&asked);
    assert_eq!(asked["params"]["mode"], "url");
    assert_eq!(asked["params"]["url"], format!("{ORIGIN}/approvals/{id}"));
    let message = asked["params"]["message"].as_str().unwrap();
    assert!(
        message.contains("INSERT of s.notes in database ground") && !message.contains("pushed"),
        "{message}"
    );
    peer.say(&answer(&asked["id"], "accept"));
    assert!(peer.hear_within(Duration::from_millis(300)).await.is_none(), "accepting approves nothing");
    assert_eq!(ground.notes("pushed").await, 0);
    approve(&gateway, &caller(), id).await;
    let (first, second) = (peer.hear().await, peer.hear().await);
    let (told, done) = if first["id"] == 1 { (second, first) } else { (first, second) };
    assert_eq!(told["method"], "notifications/elicitation/complete", "{told}");
    assert_eq!(told["params"]["elicitationId"], id.to_string());
    assert_eq!(
        (structured(&done)["status"].as_str(), structured(&done)["rows"].as_u64()),
        (Some("done"), Some(1))
    );
    assert_eq!(ground.notes("pushed").await, 1);
}

#[tokio::test]
async fn a_person_who_does_not_open_the_page_leaves_it_open_and_a_refusal_ends_it() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let mut peer = stdio(&gateway, public(), url_mode()).await;
    for action in ["decline", "cancel"] {
        peer.say(&request(1, "tools/call", writes(action)));
        let asked = hear(&mut peer, is_method("elicitation/create")).await;
        peer.say(&answer(&asked["id"], action));
        let answered = hear(&mut peer, |message| message["id"] == 1).await;
        let content = structured(&answered);
        assert_eq!(content["status"], "approval_required", "{answered}");
        assert!(content["message"].as_str().unwrap().contains("did not open the page"), "{answered}");
        let id: ApprovalId = content["approval_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(ground.state(id).await, ApprovalState::Pending);
        approve(&gateway, &caller(), id).await;
        hear(&mut peer, is_method("notifications/elicitation/complete")).await;
        let done = peer.ask(&request(2, "tools/call", call(json!({"approval_id": id.to_string()})))).await;
        assert_eq!((structured(&done)["status"].as_str(), ground.notes(action).await), (Some("done"), 1));
    }
    peer.say(&request(3, "tools/call", writes("no")));
    let asked = hear(&mut peer, is_method("elicitation/create")).await;
    peer.say(&answer(&asked["id"], "accept"));
    let reason = pgwarden::gateway::Decision::Refuse { reason: "not today".to_owned() };
    decide(&gateway, &caller(), approval_of(&asked), reason).await.unwrap();
    let refused = hear(&mut peer, |message| message["id"] == 3).await;
    let words = refused["result"]["content"][0]["text"].as_str().unwrap();
    assert!(
        words.contains("RULE:  approval.refused") && words.contains("their reason: not today"),
        "{words}"
    );
    assert_eq!((refused["result"]["isError"].as_bool(), ground.notes("no").await), (Some(true), 0));
}

#[tokio::test]
async fn a_client_without_the_url_mode_gets_a_link_or_a_command() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    for capabilities in [json!({}), json!({"elicitation": {}}), json!({"elicitation": {"form": {}}})] {
        let mut peer = stdio(&gateway, public(), capabilities).await;
        let answered = peer.ask(&request(1, "tools/call", writes("linked"))).await;
        let content = structured(&answered);
        let id = content["approval_id"].as_str().unwrap();
        assert_eq!(content["status"], "approval_required", "{answered}");
        assert_eq!(content["url"], format!("{ORIGIN}/approvals/{id}"));
        assert!((1..=300).contains(&content["expires_in"].as_i64().unwrap()), "{answered}");
        assert!(content["next"].as_str().unwrap().contains("call execute with approval_id"), "{answered}");
    }
    let mut peer = stdio(&gateway, Settings::default(), url_mode()).await;
    let answered = peer.ask(&request(1, "tools/call", writes("linked"))).await;
    let content = structured(&answered);
    let command = format!("`pgwarden approve {}`", content["approval_id"].as_str().unwrap());
    assert!(content["next"].as_str().unwrap().contains(&command) && content["url"].is_null(), "{answered}");
    assert_eq!(ground.notes("linked").await, 0);
}

#[tokio::test]
async fn wrong_arguments_are_told() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let mut peer = stdio(&gateway, public(), json!({})).await;
    for (arguments, words) in [
        (json!({}), "needs `sql`, or `approval_id`"),
        (json!({"approval_id": "x"}), "RULE:  approval.unknown"),
        (json!({"approval_id": "0".repeat(32)}), "RULE:  approval.unknown"),
        (json!({"sql": "SELECT 1"}), "ERROR:"),
        (json!({"sql": "DROP TABLE s.notes"}), "ERROR:"),
    ] {
        let answered = peer.ask(&request(1, "tools/call", call(arguments.clone()))).await;
        let text = answered["result"]["content"][0]["text"].as_str().unwrap();
        assert!(answered["result"]["isError"] == true && text.contains(words), "{arguments}: {answered}");
    }
}

/// A call of 2026-07-28 by a client that has the URL mode.
fn modern(mut params: Value, with: Value) -> Value {
    if let (Value::Object(params), Value::Object(with)) = (&mut params, with) {
        params.extend(with);
    }
    let mut asks = stateless(7, "tools/call", params);
    asks["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = url_mode();
    asks
}

async fn post(peer: &HttpPeer, body: &Value) -> Value {
    let headers =
        [("mcp-protocol-version", STATELESS), ("mcp-method", "tools/call"), ("mcp-name", "execute")];
    peer.post(&headers, body).await.json()
}

#[tokio::test]
async fn from_2026_on_the_client_is_asked_by_a_result_and_calls_again() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let peer = HttpPeer::with(gateway.clone(), Authentication::Open(caller()), public()).await;
    let asked = post(&peer, &modern(writes("again"), json!({}))).await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    let wanted = &result["inputRequests"]["approval"];
    let id: ApprovalId = result["requestState"].as_str().unwrap().parse().unwrap();
    assert_eq!((&wanted["method"], &wanted["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    assert_eq!(wanted["params"]["url"], format!("{ORIGIN}/approvals/{id}"));
    let resume = |action: &str, state: &str| json!({"requestState": state, "inputResponses": {"approval": {"action": action}}});
    // What the client says approves nothing.
    let declined = post(&peer, &modern(writes("again"), resume("decline", &id.to_string()))).await;
    assert_eq!(structured(&declined)["status"], "approval_required", "{declined}");
    assert_eq!((ground.state(id).await, ground.notes("again").await), (ApprovalState::Pending, 0));
    // Another state, or another statement with this one.
    for (params, state) in [
        (writes("again"), ApprovalId::random().unwrap().to_string()),
        (writes("again"), "forged".to_owned()),
        (writes("another"), id.to_string()),
        (call(json!({"approval_id": "0".repeat(32)})), id.to_string()),
    ] {
        let refused = post(&peer, &modern(params, resume("accept", &state))).await;
        assert_eq!(refused["result"]["isError"], true, "{refused}");
    }
    let resumed = modern(writes("again"), resume("accept", &id.to_string()));
    let waiting = post(&peer, &resumed);
    let approving = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        approve(&gateway, &caller(), id).await
    };
    let (done, _) = tokio::join!(waiting, approving);
    assert_eq!((structured(&done)["status"].as_str(), ground.notes("again").await), (Some("done"), 1));
    let replayed = post(&peer, &modern(writes("again"), resume("accept", &id.to_string()))).await;
    assert!(
        replayed["result"]["content"][0]["text"].as_str().unwrap().contains("approval.used"),
        "{replayed}"
    );
    assert_eq!(ground.notes("again").await, 1);
    // A request of a client that does not say that it has the mode.
    let plain = post(&peer, &stateless(7, "tools/call", writes("plain"))).await;
    assert_eq!(structured(&plain)["status"], "approval_required", "{plain}");
}

#[tokio::test]
async fn over_http_with_a_session_the_request_comes_with_the_call() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let peer = HttpPeer::with(gateway.clone(), Authentication::Open(caller()), public()).await;
    let mut hello = initialize(LEGACY);
    hello["params"]["capabilities"] = url_mode();
    let session = peer.post(&[], hello).await.session().to_owned();
    let headers = [("mcp-session-id", &*session), ("mcp-protocol-version", LEGACY)];
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    peer.post(&headers, note).await;
    let mut sent = reqwest::Client::new().post(peer.url());
    for (name, value) in headers {
        sent = sent.header(name, value);
    }
    let sent = sent
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(request(1, "tools/call", writes("session")).to_string());
    let mut events = sent.send().await.unwrap().bytes_stream();
    let mut heard = String::new();
    let mut message_with = async |word: &str| loop {
        let found =
            heard.lines().filter_map(|line| line.strip_prefix("data:")).find(|data| data.contains(word));
        if let Some(found) = found {
            return serde_json::from_str::<Value>(found.trim()).unwrap();
        }
        let chunk = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        heard.push_str(&String::from_utf8_lossy(&chunk.expect(word).expect(word).unwrap()));
    };
    let asked = message_with("elicitation/create").await;
    let id = approval_of(&asked);
    assert_eq!(peer.post(&headers, answer(&asked["id"], "accept")).await.status, 202);
    approve(&gateway, &caller(), id).await;
    let done = message_with("structuredContent").await;
    assert_eq!((structured(&done)["status"].as_str(), ground.notes("session").await), (Some("done"), 1));
}

#[tokio::test]
async fn the_page_on_loopback_is_opened_when_needed_and_its_code_is_for_the_person_alone() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let codes = Arc::new(Codes::new(Duration::from_secs(300)));
    let opened: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
    let stop = CancellationToken::new();
    let page = {
        let opened = Arc::clone(&opened);
        let pages = move |address| {
            opened.lock().unwrap().push(address);
            Pages::default()
        };
        ApprovalPage::loopback(pages, Arc::clone(&codes), stop.clone())
    };
    // A client that shows no person what we say to them gets no code, and nothing is opened.
    let mut blind = stdio(&gateway, settings(page.clone()), json!({})).await;
    let answered = blind.ask(&request(1, "tools/call", writes("blind"))).await;
    assert!(structured(&answered)["next"].as_str().unwrap().contains("pgwarden approve"), "{answered}");
    assert!(opened.lock().unwrap().is_empty());
    let mut peer = stdio(&gateway, settings(page), url_mode()).await;
    for _ in 0..2 {
        peer.say(&request(1, "tools/call", writes("loopback")));
        let asked = hear(&mut peer, is_method("elicitation/create")).await;
        let id = approval_of(&asked);
        let address = opened.lock().unwrap()[0];
        assert_eq!(asked["params"]["url"], format!("http://{address}/approvals/{id}"));
        assert!(address.ip().is_loopback(), "{address}");
        let message = asked["params"]["message"].as_str().unwrap();
        let code = message.rsplit(' ').next().unwrap();
        let page = reqwest::get(format!("http://{address}/approvals/{id}")).await.unwrap();
        assert_eq!(page.status().as_u16(), 404, "it is served, by whatever pages there are");
        assert_eq!(codes.check(id, code), pgwarden::approvals::Checked::Right, "{message}");
        peer.say(&answer(&asked["id"], "decline"));
        let answered = hear(&mut peer, |message| message["id"] == 1).await;
        assert!(!answered.to_string().contains(code), "{answered}");
    }
    assert_eq!(opened.lock().unwrap().len(), 1);
    stop.cancel();
}

#[tokio::test]
async fn a_caller_without_the_scope_is_told_which() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let reader = Caller { scopes: pgwarden::auth::Scope::Read.into(), ..caller() };
    let peer = HttpPeer::with(gateway, Authentication::Open(reader), public()).await;
    let refused = post(&peer, &modern(writes("reader"), json!({}))).await;
    assert_eq!(refused["error"]["message"], "scopes needed: read write", "{refused}");
    assert_eq!(ground.store.pending(None).await.unwrap(), []);
}
