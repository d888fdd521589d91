//! How clients meet the question: in both eras, and without the URL mode.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::stage::{Stage, WHO, is_lacking, rows, text};
use crate::mcp_wire::{initialize, request};
use crate::postgres::identities::own::{CANARY, asking};

const LEGACY: &str = "2025-11-25";

#[tokio::test]
async fn without_the_url_mode_the_answer_has_a_link_and_the_next_call_runs_as_the_person() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let answer = stage.ask(&stage.peer, &token, false, json!({})).await;
    assert!(is_lacking(&answer), "{answer}");
    assert!(text(&answer).contains("login needed") && text(&answer).contains("call again"), "{answer}");
    let path = stage.path_in(&text(&answer));
    assert!(path.starts_with("/credentials/"), "{path}");
    // Through the login, to the page.
    let mut browser = super::browser::Browser::new(&stage.origin);
    let login = browser.open(&path).await.location().to_owned();
    assert!(login.starts_with("/login?next=%2Fcredentials%2F"), "{login}");
    assert_eq!(stage.log_in(&mut browser, "ada", &path).await, path);
    let page = stage.give(&mut browser, &path, &stage.ada, CANARY).await;
    assert_eq!(page.location(), path);
    let done = browser.open(&path).await;
    assert!(done.text.contains("Go back to the program") && done.forms().is_empty(), "{}", done.text);
    let answer = stage.ask(&stage.peer, &token, false, json!({})).await;
    assert_eq!(rows(&answer), &stage.seen(&stage.ada));
}

#[tokio::test]
async fn from_2026_on_the_client_is_asked_by_a_result_and_calls_again() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let token = stage.token("ada");
    let asked = stage.ask(&stage.peer, &token, true, json!({})).await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    let wanted = &result["inputRequests"]["login"];
    assert_eq!((&wanted["method"], &wanted["params"]["mode"]), (&json!("elicitation/create"), &json!("url")));
    let path = stage.path_in(wanted["params"]["url"].as_str().unwrap());
    let words = wanted["params"]["message"].as_str().unwrap();
    assert!(words.contains("Database office"), "{words}");
    let resume = |action: &str| json!({"requestState": result["requestState"], "inputResponses": {"login": {"action": action}}});
    let declined = stage.ask(&stage.peer, &token, true, resume("decline")).await;
    assert!(is_lacking(&declined), "{declined}");
    // What the client says gives no login; the call waits for the person.
    let mut browser = stage.browser_of("ada").await;
    let giving = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stage.give(&mut browser, &path, &stage.ada, CANARY).await
    };
    let (answer, _) = tokio::join!(stage.ask(&stage.peer, &token, true, resume("accept")), giving);
    assert_eq!(rows(&answer), &stage.seen(&stage.ada));
    // The state of an answered question changes nothing, nor does a forged one.
    for state in
        [result["requestState"].clone(), json!(format!("login.{}", "0".repeat(32))), json!("login.x")]
    {
        let again = stage.ask(&stage.peer, &token, true, json!({"requestState": state})).await;
        assert_eq!(rows(&again), &stage.seen(&stage.ada));
    }
}

#[tokio::test]
async fn with_a_session_the_request_comes_with_the_call() {
    let cluster = asking().await;
    let stage = Stage::furnished(&cluster).await;
    let bearer = format!("Bearer {}", stage.token("ada"));
    let mut hello = initialize(LEGACY);
    hello["params"]["capabilities"] = json!({"elicitation": {"url": {}}});
    let session = stage.peer.post(&[("authorization", &bearer)], hello).await.session().to_owned();
    let headers = [
        ("authorization", bearer.as_str()),
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", LEGACY),
    ];
    stage.peer.post(&headers, json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    let call = request(1, "tools/call", json!({"name": "query", "arguments": {"sql": WHO}}));
    let mut sent = reqwest::Client::new().post(stage.peer.url());
    for (name, value) in headers {
        sent = sent.header(name, value);
    }
    let sent = sent
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(call.to_string());
    let mut events = sent.send().await.unwrap().bytes_stream();
    let mut heard = String::new();
    let mut message_with = async |word: &str| loop {
        let found =
            heard.lines().filter_map(|line| line.strip_prefix("data:")).find(|data| data.contains(word));
        if let Some(found) = found {
            return serde_json::from_str::<Value>(found.trim()).unwrap();
        }
        let chunk = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
        heard.push_str(&String::from_utf8_lossy(&chunk.expect(word).expect(word).unwrap()));
    };
    let asked = message_with("elicitation/create").await;
    let accepted = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}});
    assert_eq!(stage.peer.post(&headers, accepted).await.status, 202);
    let path = stage.path_in(asked["params"]["url"].as_str().unwrap());
    let mut browser = stage.browser_of("ada").await;
    stage.give(&mut browser, &path, &stage.ada, CANARY).await;
    let done = message_with("structuredContent").await;
    assert_eq!(rows(&done), &stage.seen(&stage.ada));
}
