//! The stdio transport, line by line.

use pgwarden::mcp::Settings;
use serde_json::{Value, json};

use super::mcp_wire::{
    LEGACY, STATELESS, StdioPeer, code, gateway, initialize, request, stateless, tool_names, tools,
};

/// A call that runs until it is cancelled.
fn endless(id: i64) -> Value {
    request(id, "tools/call", json!({"name": "query", "arguments": {"sql": "SELECT 1"}}))
}

#[tokio::test]
async fn every_revision_with_initialize_lists_the_tools() {
    for revision in LEGACY {
        let mut peer = StdioPeer::initialized(revision).await;
        let answer = peer.ask(&request(1, "tools/list", json!({}))).await;
        assert_eq!(tool_names(&answer), tools(), "{revision}");
        assert_eq!(answer["result"].get("resultType"), None, "{revision}");
        assert_eq!(peer.finish().await, [""; 0]);
    }
}

#[tokio::test]
async fn the_stateless_revision_lists_the_tools_without_initialize() {
    let mut peer = StdioPeer::start();
    let discovered = peer.ask(&stateless(0, "server/discover", json!({}))).await;
    assert_eq!(discovered["result"]["supportedVersions"].as_array().unwrap().len(), 5, "{discovered}");
    let answer = peer.ask(&stateless(1, "tools/list", json!({}))).await;
    assert_eq!(tool_names(&answer), tools());
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(answer["result"]["cacheScope"], "public", "one policy for everybody");
    assert_eq!(code(&peer.ask(&stateless(2, "ping", json!({}))).await), -32601);
    assert_eq!(peer.finish().await, [""; 0]);
}

#[tokio::test]
async fn an_unknown_revision_is_answered_with_the_newest_that_has_initialize() {
    let mut peer = StdioPeer::start();
    let answer = peer.ask(&initialize("2031-01-01")).await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn malformed_lines_are_answered_and_survived() {
    let mut peer = StdioPeer::initialized("2025-11-25").await;
    for (line, expected, id) in [
        ("{", -32700, Value::Null),
        ("no json", -32700, Value::Null),
        ("\u{feff}{}", -32700, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} trailing", -32700, Value::Null),
        ("42", -32600, Value::Null),
        ("\"ping\"", -32600, Value::Null),
        ("{}", -32600, Value::Null),
        ("{\"id\":3,\"method\":\"ping\"}", -32600, json!(3)),
        ("{\"jsonrpc\":\"1.0\",\"id\":4,\"method\":\"ping\"}", -32600, json!(4)),
        ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", -32600, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", -32600, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", -32600, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":7}", -32600, json!(5)),
        ("{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"ping\",\"result\":{}}", -32600, json!(6)),
        ("[]", -32600, Value::Null),
        ("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", -32600, Value::Null),
    ] {
        peer.write(format!("{line}\n"));
        let answer = peer.hear().await;
        assert_eq!((code(&answer), &answer["id"]), (expected, &id), "{line}: {answer}");
    }
    peer.write(b"\xff\xfe\n");
    assert_eq!(code(&peer.hear().await), -32700);
    peer.write(format!("{}\n", "[".repeat(100_000)));
    assert_eq!(code(&peer.hear().await), -32700);
    peer.write("\n  \r\n");
    let answer = peer.ask(&request(9, "ping", json!({}))).await;
    assert_eq!(answer, json!({"jsonrpc": "2.0", "id": 9, "result": {}}));
}

#[tokio::test]
async fn a_line_over_the_limit_is_answered_and_survived() {
    let settings = Settings { message_bytes: 1000, ..Settings::default() };
    let mut peer = StdioPeer::with(gateway(), settings);
    peer.ask(&initialize("2025-06-18")).await;
    peer.write(format!("{}\n", "x".repeat(5_000_000)));
    let answer = peer.hear().await;
    assert_eq!(code(&answer), -32600);
    assert!(answer["error"]["message"].as_str().unwrap().contains("1000 bytes"), "{answer}");
    assert_eq!(peer.ask(&request(2, "ping", json!({}))).await["id"], 2);
}

#[tokio::test]
async fn parameters_and_methods_are_told_apart_by_revision() {
    let mut peer = StdioPeer::initialized("2025-11-25").await;
    for (method, params, expected) in [
        ("tools/call", json!({}), -32602),
        ("tools/call", json!({"name": 5}), -32602),
        ("tools/call", json!({"name": "query", "arguments": "SELECT 1"}), -32602),
        ("tools/call", json!([1]), -32602),
        ("tools/call", json!({"name": "qery"}), -32602),
        ("tools/list", json!({"cursor": 5}), -32602),
        ("tools/list", json!({"cursor": "made up"}), -32602),
        ("resources/list", json!({"cursor": "made up"}), -32602),
        ("resources/read", json!({}), -32602),
        ("resources/read", json!({"uri": "postgres://nowhere"}), -32002),
        ("server/discover", json!({"x": 1}), -32602),
        ("prompts/list", json!({"cursor": "made up"}), -32602),
        ("prompts/get", json!({"name": "x"}), -32602),
        ("prompts/get", json!({}), -32602),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}}),
            -32602,
        ),
        ("completion/complete", json!({}), -32602),
        ("logging/setLevel", json!({"level": "info"}), -32601),
        ("resources/subscribe", json!({"uri": "postgres://nowhere"}), -32002),
        ("resources/unsubscribe", json!({}), -32602),
        ("tasks/list", json!({"cursor": "made up"}), -32602),
        ("tasks/get", json!({"taskId": "x"}), -32602),
        ("tasks/get", json!({}), -32602),
        ("tasks/cancel", json!({"taskId": "0".repeat(32)}), -32602),
        ("tasks/update", json!({"taskId": "x", "inputResponses": {}}), -32601),
        ("tools/call", json!({"name": "describe", "task": {}}), -32601),
        ("pgwarden/tasks/list", json!({}), -32601),
        ("no/such", json!({}), -32601),
    ] {
        let answer = peer.ask(&request(1, method, params.clone())).await;
        assert_eq!((code(&answer), &answer["id"]), (expected, &json!(1)), "{method} {params}: {answer}");
    }
    let answer = peer.ask(&request(1, "tools/call", json!({"name": "qery"}))).await;
    assert!(answer["error"]["message"].as_str().unwrap().contains("did you mean `query`?"), "{answer}");

    let mut peer = StdioPeer::start();
    for (method, params, expected) in [
        ("tools/call", json!({"name": 5}), -32602),
        ("resources/read", json!({"uri": "postgres://nowhere"}), -32602),
        ("initialize", json!({}), -32601),
        ("ping", json!({}), -32601),
        ("no/such", json!({}), -32601),
    ] {
        let answer = peer.ask(&stateless(1, method, params.clone())).await;
        assert_eq!(code(&answer), expected, "{method} {params}: {answer}");
    }
}

#[tokio::test]
async fn what_comes_before_initialize_does_not_end_the_connection() {
    let mut peer = StdioPeer::start();
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    peer.say(&json!({"jsonrpc": "2.0", "id": 4, "result": {}}));
    assert_eq!(code(&peer.ask(&request(1, "initialize", json!({"protocolVersion": 5}))).await), -32602);
    assert_eq!(code(&peer.ask(&request(2, "tools/list", json!({}))).await), -32602);
    assert_eq!(peer.ask(&initialize("2024-11-05")).await["result"]["protocolVersion"], "2024-11-05");
    assert_eq!(code(&peer.ask(&initialize("2025-11-25")).await), -32600);
}

#[tokio::test]
async fn a_batch_of_2025_03_26_is_answered_as_one_array() {
    let mut peer = StdioPeer::initialized("2025-03-26").await;
    peer.say(&json!([
        request(1, "ping", json!({})),
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}},
        request("two", "tools/list", json!({})),
        {"id": 3},
        request(4, "no/such", json!({})),
    ]));
    let answer = peer.hear().await;
    let mut ids: Vec<String> = answer.as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["\"two\"", "1", "3", "4"], "{answer}");

    peer.say(&json!([{"jsonrpc": "2.0", "method": "notifications/initialized"}]));
    assert_eq!(peer.ask(&request(5, "ping", json!({}))).await["id"], 5, "only notifications: no answer");
    assert_eq!(code(&peer.ask(&Value::from(vec![request(6, "ping", json!({})); 51])).await), -32600);
}

#[tokio::test]
async fn a_cancelled_member_does_not_hold_up_its_batch() {
    let mut peer = StdioPeer::initialized("2025-03-26").await;
    peer.say(&json!([endless(1), request(2, "ping", json!({}))]));
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    let answer = peer.hear().await;
    assert_eq!(answer, json!([{"jsonrpc": "2.0", "id": 2, "result": {}}]));
}

#[tokio::test]
async fn a_running_call_does_not_block_others_and_ends_with_its_cancellation() {
    for revision in ["2025-11-25", STATELESS] {
        let mut peer = StdioPeer::start();
        if revision == STATELESS {
            peer.say(&stateless(1, "tools/call", json!({"name": "query", "arguments": {"sql": "SELECT 1"}})));
            assert_eq!(tool_names(&peer.ask(&stateless(2, "tools/list", json!({}))).await), tools());
        } else {
            peer.ask(&initialize(revision)).await;
            peer.say(&endless(1));
            assert_eq!(tool_names(&peer.ask(&request(2, "tools/list", json!({}))).await), tools());
        }
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
        assert_eq!(peer.finish().await, [""; 0], "a cancelled call is not answered");
    }
}

#[tokio::test]
async fn the_end_of_stdin_cancels_what_runs_and_ends_the_server() {
    let mut peer = StdioPeer::initialized("2025-11-25").await;
    peer.say(&endless(1));
    assert_eq!(peer.ask(&request(2, "ping", json!({}))).await["id"], 2);
    let started = std::time::Instant::now();
    let rest = peer.finish().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(rest[0]["result"]["isError"], true);
}

#[tokio::test]
async fn requests_that_arrived_before_the_end_of_stdin_are_answered() {
    let mut peer = StdioPeer::start();
    peer.say(&initialize("2025-11-25"));
    peer.write(request(1, "tools/list", json!({})).to_string());
    let rest = peer.finish().await;
    assert_eq!(rest.len(), 2);
    assert_eq!(tool_names(&rest[1]), tools());
}

#[tokio::test]
async fn the_order_to_stop_cancels_what_runs_and_ends_the_server() {
    let mut peer = StdioPeer::initialized("2025-11-25").await;
    peer.say(&endless(1));
    assert_eq!(peer.ask(&request(2, "ping", json!({}))).await["id"], 2);
    peer.shutdown.cancel();
    assert_eq!(peer.hear().await["result"]["isError"], true);
}

#[tokio::test]
async fn an_unknown_argument_is_a_result_that_tells_what_was_meant() {
    let mut peer = StdioPeer::initialized("2025-11-25").await;
    for (tool, arguments, words) in [
        ("query", json!({"sql": "SELECT 1", "prams": []}), "did you mean `params`?"),
        (
            "query",
            json!({"statement": "SELECT 1"}),
            "use one of `sql`, `params`, `database`, `limit`, `format`",
        ),
        ("query", json!({}), "argument `sql` of `query` is missing"),
        ("query", json!({"sql": " "}), "is empty"),
        // An empty string is no argument.
        ("query", json!({"sql": "", "cursor": ""}), "argument `sql` of `query` is missing"),
        ("query", json!({"sql": 5}), "must be a string"),
        ("query", json!({"sql": "SELECT 1", "format": "cvs"}), "did you mean `csv`?"),
        ("query", json!({"sql": "SELECT 1", "limit": -1}), "must be a whole number from 0"),
        ("query", json!({"sql": "SELECT 1", "limit": "many"}), "must be a whole number from 0"),
        ("query", json!({"sql": "SELECT $1", "params": [1e30]}), "too large to be exact"),
        ("query", json!({"sql": "SELECT $1", "params": 5}), "must be an array of strings"),
        ("describe", json!({"relations": []}), "names nothing"),
        ("describe", json!({"relations": ["a", null]}), "must not contain null"),
        ("search_objects", json!({"querry": "x"}), "did you mean `query`?"),
    ] {
        let answer = peer.ask(&request(1, "tools/call", json!({"name": tool, "arguments": arguments}))).await;
        assert_eq!(answer["result"]["isError"], true, "{arguments}: {answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.starts_with("ERROR:  ") && text.contains(words), "{arguments}: {text}");
        assert_eq!(answer["result"].get("structuredContent"), None, "{answer}");
        let state = answer["result"]["_meta"]["pgwarden/error"]["sqlstate"].as_str().unwrap();
        assert!(["22023", "42601"].contains(&state), "{answer}");
    }
}
