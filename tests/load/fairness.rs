//! More callers than connections: who comes too late is told so at once, and who asks little is served.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use super::level::Level;
use super::stage::{MEGABYTES, Promise, Stage, ms};
use super::wire::{Wire, plain};

const CLIENTS: usize = 500;
const CALLERS: usize = 10;

/// A call of `query` that is answered with its rows or a refusal.
fn call(token: &str, sql: &str) -> Vec<u8> {
    plain(token, "tools/call", json!({"name": "query", "arguments": {"sql": sql}}))
}

#[tokio::test]
async fn many_clients_of_few_connections_are_answered_or_told_at_once() {
    let stage = Stage::start("seconds = 6", "").await;
    let program = &stage.program;
    let tokens: Vec<String> = (0..CALLERS).map(|n| program.token(&format!("caller {n}"))).collect();

    stage
        .under("one heavy caller", Promise { p99: Duration::from_millis(250), anew: true }, async {
            let asks = (0..40).map(|n| {
                let asked = call(&tokens[0], &format!("SELECT {n}, s.wait(0.3)"));
                async move {
                    let mut wire = Wire::from([127, 0, 0, 2], program.address).await.unwrap();
                    wire.ask(&asked).await.unwrap().sqlstate()
                }
            });
            let answered = join_all(asks).await;
            let rows = answered.iter().filter(|state| *state == "-").count() as u64;
            assert_eq!(rows, 40, "{answered:?}");
            vec![("calls of 0.3 s at once", 40), ("answered", rows)]
        })
        .await;

    let before = Level::of(program).await;
    let asks = (0..CLIENTS).map(|n| {
        let asked = call(&tokens[n % CALLERS], &format!("SELECT {n}, s.wait(1)"));
        async move {
            let from = [127, 0, 2, u8::try_from(n / 200 + 1).unwrap()];
            let mut wire = Wire::from(from, program.address).await.unwrap();
            let began = Instant::now();
            let answer = wire.ask(&asked).await.unwrap();
            (answer, began.elapsed())
        }
    });
    let mut outcomes: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for (answer, took) in join_all(asks).await {
        let error = &answer.json()["result"]["_meta"]["pgwarden/error"];
        let rule = error["rule"].as_str().unwrap_or_default();
        // The login may have no more sessions than the pool and pgwarden's own: PostgreSQL would say so.
        assert!(!error.to_string().contains("too many connections"), "{error}");
        if rule == "limits.waiting" {
            let hint = error["hint"].as_str().unwrap_or_default();
            assert!(hint.contains("repeat") && error["retryable"] == true, "{error}");
        }
        outcomes.entry(format!("{} {rule}", answer.sqlstate())).or_default().push(took);
    }
    for times in outcomes.values_mut() {
        times.sort();
    }
    for (what, times) in &outcomes {
        println!(
            "| {CLIENTS} clients, 8 connections | {what} | {} | {} ms at the most |",
            times.len(),
            ms(times[times.len() - 1])
        );
    }
    let refused = &outcomes["53300 limits.waiting"];
    let answered = &outcomes["- "];
    let median = |times: &[Duration]| times[times.len() / 2];
    // A row takes a second at least; on a slow machine, everything takes longer alike.
    assert!(median(refused) < median(answered), "{refused:?}, rows after {answered:?}");
    assert!(
        answered.len() >= 8 && refused.len() >= 100,
        "{} rows, {} refused",
        answered.len(),
        refused.len()
    );
    stage.settles(&before, MEGABYTES, "500 clients").await;
}
