//! Each bound ends an investigation with what is known, and is named.

use std::time::{Duration, Instant};

use pgwarden::mcp::InvestigateBounds;
use serde_json::{Value, json};

use super::{
    asks, assert_answered, gateway, ground, http, modern, post, pushed, queries, resumes, retried, says,
    stdio, uses,
};
use crate::mcp_wire::request;
use crate::support::until;

/// Hours of work, told from other statements by `mark`.
fn slow(mark: u32) -> String {
    format!("SELECT count(*) FROM generate_series(1, {mark}) AS a CROSS JOIN generate_series(1, 100000) AS b")
}

async fn is_running(admin: &tokio_postgres::Client, mark: u32) -> bool {
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()";
    let count: i64 = admin.query_one(sql, &[&format!("%{mark}%")]).await.unwrap().get(0);
    count > 0
}

#[tokio::test]
async fn a_model_that_never_ends_is_told_to_and_then_stopped() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let model = |round: usize, params: &Value| {
        assert_answered(params);
        let mut answer = queries("again", "SELECT 1");
        let words = json!({"type": "text", "text": format!("so far {round}")});
        answer["content"].as_array_mut().unwrap().insert(0, words);
        answer
    };
    let bounds = || InvestigateBounds { rounds: 3, ..InvestigateBounds::default() };
    for outcome in [pushed(&gateway, bounds(), model).await, retried(&gateway, bounds(), model).await] {
        let found = outcome.found();
        assert_eq!((outcome.asked.len(), &found["rounds"], &found["calls"]), (3, &json!(3), &json!(2)));
        assert_eq!((&found["status"], &found["bound"]), (&json!("incomplete"), &json!("rounds")));
        assert_eq!(
            (&found["findings"], found["evidence"].as_array().unwrap().len()),
            (&json!("so far 2"), 2)
        );
        let modes: Vec<&Value> = outcome.asked.iter().map(|asked| &asked["toolChoice"]["mode"]).collect();
        assert_eq!(modes, ["auto", "auto", "none"]);
    }
}

#[tokio::test]
async fn tokens_and_characters_run_out() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let talks = |_: usize, params: &Value| {
        assert_answered(params);
        uses(&[("a", "query", json!({"sql": "SELECT 1", "params": []})), ("b", &"x".repeat(800), json!({}))])
    };
    let bounds = InvestigateBounds { tokens: 500, tokens_a_round: 200, ..InvestigateBounds::default() };
    let outcome = retried(&gateway, bounds, talks).await;
    assert_eq!(outcome.found()["bound"], "tokens", "{}", outcome.result);
    assert!(outcome.asked.len() < 4, "{}", outcome.asked.len());
    assert!(outcome.asked.iter().all(|asked| asked["maxTokens"].as_u64().unwrap() <= 200));
    // Whatever the client lets it say.
    let floods = |_: usize, _: &Value| uses(&[("a", &"x".repeat(4_000), json!({}))]);
    let bounds = InvestigateBounds { tokens: 500, tokens_a_round: 200, ..InvestigateBounds::default() };
    let outcome = retried(&gateway, bounds, floods).await;
    assert_eq!((outcome.found()["bound"].as_str(), outcome.asked.len()), (Some("tokens"), 1));
    let reads = |_: usize, params: &Value| {
        assert_answered(params);
        queries("a", "SELECT repeat('x', 900)")
    };
    let bounds = InvestigateBounds { characters: 2_000, rounds: 50, ..InvestigateBounds::default() };
    let outcome = retried(&gateway, bounds, reads).await;
    assert_eq!(outcome.found()["bound"], "characters", "{}", outcome.result);
    assert!(outcome.asked.last().unwrap().to_string().len() < 8_000);
}

#[tokio::test]
async fn a_question_is_one_and_not_a_book() {
    let database = ground().await;
    let peer = http(&gateway(&database).await, InvestigateBounds::default()).await;
    for (question, words) in [(" ".to_owned(), "is empty"), ("why ".repeat(5_000), "more than 16384 bytes")] {
        let refused = post(&peer, &modern(asks(&question), &json!({}))).await;
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(refused["content"][0]["text"].as_str().unwrap().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn nonsense_ends_it_with_what_was_found() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    for nonsense in [
        json!({}),
        json!({"role": "assistant", "model": "m", "content": []}),
        json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": ""}, "stopReason": "endTurn"}),
        json!({"role": "user", "model": 7, "content": "text", "stopReason": {"of": "what"}}),
        json!({"content": [{"type": "tool_use", "id": "x", "name": "query", "input": {"sql": "x".repeat(70_000)}}]}),
    ] {
        let model =
            |round: usize, _: &Value| if round == 0 { queries("a", "SELECT 1") } else { nonsense.clone() };
        let bounds = InvestigateBounds::default;
        for outcome in [pushed(&gateway, bounds(), model).await, retried(&gateway, bounds(), model).await] {
            let found = outcome.found();
            assert_eq!(
                (&found["status"], &found["bound"]),
                (&json!("incomplete"), &json!("answer")),
                "{nonsense}"
            );
            assert_eq!(found["evidence"].as_array().unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn wrong_ids_unknown_stop_reasons_and_huge_texts_are_survived() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let model = |round: usize, params: &Value| {
        assert_answered(params);
        let query =
            |id: Value| json!({"type": "tool_use", "id": id, "name": "query", "input": {"sql": "SELECT 1"}});
        match round {
            0 => json!({
                "role": "assistant", "model": "m", "stopReason": "flew away",
                "content": [query(json!("")), query(json!("twice")), query(json!("twice")), query(json!("é\n"))],
            }),
            _ => says(&"long \"words\"\n".repeat(20_000)),
        }
    };
    let outcome = retried(&gateway, InvestigateBounds::default(), model).await;
    let found = outcome.found();
    assert_eq!((&found["calls"], &found["truncated"]), (&json!(4), &json!(true)));
    assert!(outcome.result["content"][0]["text"].as_str().unwrap().chars().count() <= 40_000);
    assert_eq!(found["evidence"].as_array().unwrap().len(), 4, "{}", found["evidence"]);
}

#[tokio::test]
async fn a_model_that_never_answers_ends_with_the_time() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let bounds = InvestigateBounds { time: Duration::from_millis(700), ..InvestigateBounds::default() };
    let mut peer = stdio(&gateway, bounds.clone()).await;
    let started = Instant::now();
    peer.say(&request(1, "tools/call", asks("What sells best?")));
    let asked = peer.hear().await;
    assert_eq!(asked["method"], "sampling/createMessage", "{asked}");
    let (first, second) = (peer.hear().await, peer.hear().await);
    let (cancelled, answer) = if first["id"] == 1 { (second, first) } else { (first, second) };
    assert_eq!(cancelled["method"], "notifications/cancelled", "{cancelled}");
    assert_eq!(cancelled["params"]["requestId"], asked["id"]);
    assert_eq!(answer["result"]["structuredContent"]["bound"], "time", "{answer}");
    assert!(started.elapsed() < Duration::from_secs(5));
    // In 2026-07-28 it is the client that waits: whoever comes back too late hears what was found.
    let peer = http(&gateway, bounds).await;
    let asked = post(&peer, &modern(asks("What sells best?"), &json!({}))).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let late = resumes(&asked["requestState"], &queries("a", "SELECT 1"));
    let answer = post(&peer, &modern(asks("What sells best?"), &late)).await;
    let found = &answer["structuredContent"];
    assert_eq!((&found["bound"], &found["calls"]), (&json!("time"), &json!(0)), "{answer}");
}

#[tokio::test]
async fn the_time_ends_a_statement_in_postgresql() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let admin = database.admin().await;
    let model = |_: usize, _: &Value| queries("a", &slow(87_654_321));
    let bounds = InvestigateBounds { time: Duration::from_secs(2), ..InvestigateBounds::default() };
    let outcome = pushed(&gateway, bounds, model).await;
    assert_eq!(outcome.found()["bound"], "time", "{}", outcome.result);
    until("it ends", async || (!is_running(&admin, 87_654_321).await).then_some(())).await;
}

#[tokio::test]
async fn a_client_that_cancels_ends_the_running_statement() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let admin = database.admin().await;
    let mut peer = stdio(&gateway, InvestigateBounds::default()).await;
    peer.say(&request(1, "tools/call", asks("What sells best?")));
    let asked = peer.hear().await;
    let answer = queries("a", &slow(76_543_210));
    peer.say(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer}));
    until("it runs", async || is_running(&admin, 76_543_210).await.then_some(())).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}));
    let started = Instant::now();
    until("it ends", async || (!is_running(&admin, 76_543_210).await).then_some(())).await;
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    let more = peer.hear_within(Duration::from_millis(300)).await;
    assert!(
        more.is_none_or(|message| message["method"] != "sampling/createMessage"),
        "the model is asked no more"
    );
}
