//! The limits of a policy.

use std::time::Instant;

use super::*;
use crate::support::until;

fn limited(limits: &str) -> Policy {
    parsed(&format!("{}{limits}", allowing(&["shop.*"])))
}

fn of_a_call(rows: u64, characters: usize, seconds: u64, joins: usize) -> String {
    format!("[limits]\nrows = {rows}\ncharacters = {characters}\nseconds = {seconds}\njoins = {joins}\n")
}

#[tokio::test]
async fn the_smaller_of_configuration_and_policy_holds() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway_with(&database, limited(&of_a_call(7, 3_000, 1, 50)));
    // Not part of what is measured: a busy machine takes its time to read the catalog.
    gateway.ready().await.unwrap();
    let answer = query(&gateway, "SELECT id FROM shop.orders").await.unwrap();
    assert_eq!((answer.row_count, answer.truncated), (7, true));
    let wide = query(&gateway, "SELECT repeat('x', 1000) FROM shop.orders").await.unwrap();
    assert!(wide.row_count < 4 && serde_json::to_string(&wide).unwrap().chars().count() <= 3_000);
    let started = Instant::now();
    let late = query(&gateway, "SELECT count(*) FROM generate_series(1, 1000000000)").await.unwrap_err();
    assert_eq!(late.sqlstate.as_str(), "57014");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // The configuration's are smaller.
    let gateway = gateway_with(&database, limited(&of_a_call(100_000, 1_000_000, 3_000, 50)));
    assert_eq!(query(&gateway, "SELECT order_id FROM shop.order_items").await.unwrap().row_count, 1_000);
}

#[tokio::test]
async fn everything_in_from_counts_as_a_join_wherever_it_stands() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway_with(&database, limited(&of_a_call(10, 10_000, 10, 3)));
    for sql in [
        "SELECT 1",
        "SELECT count(*) FROM shop.orders JOIN shop.order_items ON true, generate_series(1, 2) WHERE false",
        "SELECT (SELECT count(*) FROM shop.orders), (SELECT count(*) FROM shop.products AS p, shop.orders WHERE false)",
        "WITH x AS (SELECT 1 FROM shop.orders) SELECT count(*) FROM x UNION SELECT 2 FROM x",
    ] {
        query(&gateway, sql).await.unwrap_or_else(|refusal| panic!("{sql}: {refusal}"));
    }
    for sql in [
        "SELECT 1 FROM shop.orders a, shop.orders b, shop.orders c, shop.orders d",
        "SELECT 1 FROM (SELECT 1 FROM shop.orders) AS a, (SELECT 1 FROM generate_series(1, 2)) AS b",
        "SELECT 1 WHERE EXISTS (SELECT FROM shop.orders AS o, shop.products WHERE o.id IN
           (SELECT p.id FROM shop.products AS p, LATERAL (SELECT 1) AS one))",
        "WITH x AS (SELECT 1 FROM shop.orders, shop.products) SELECT 1 FROM x UNION SELECT 2 FROM x",
        "EXPLAIN SELECT 1 FROM shop.orders a, shop.orders b, shop.orders c, shop.orders d",
    ] {
        let refusal = query(&gateway, sql).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("limits.joins"), "{sql}: {refusal}");
        assert!(refusal.message.contains("the policy allows 3"), "{refusal}");
    }
}

#[tokio::test]
async fn a_statement_that_the_planner_expects_too_much_of_does_not_run() {
    let database = Database::create(Template::Shop).await;
    let planner = |cost: u64, rows: u64| {
        format!("{}[limits.planner]\ncost = {cost}.0\nrows = {rows}.0\n", of_a_call(10, 10_000, 20, 50))
    };
    let gateway = gateway_with(&database, limited(&planner(100_000, 50_000)));
    query(&gateway, "SELECT id FROM shop.orders WHERE id = 1").await.unwrap();
    let request = QueryRequest {
        sql: "SELECT id FROM shop.orders WHERE id = $1::integer".to_owned(),
        params: vec![Some("1".to_owned())],
        ..QueryRequest::default()
    };
    gateway.query(&caller(&[]), request, &CancellationToken::new()).await.unwrap();
    for sql in [
        "SELECT count(*) FROM shop.orders a CROSS JOIN shop.order_items b",
        "SELECT a.id FROM shop.orders a CROSS JOIN shop.order_items b ORDER BY b.quantity",
        "SELECT count(*) FROM generate_series(1, 1000000)",
    ] {
        let started = Instant::now();
        let refusal = query(&gateway, sql).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("limits.planner"), "{sql}: {refusal}");
        assert!(refusal.message.contains("50000") && refusal.message.contains("100000"), "{refusal}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    // EXPLAIN says why, and runs nothing.
    query(&gateway, "EXPLAIN SELECT count(*) FROM shop.orders a CROSS JOIN shop.order_items b")
        .await
        .unwrap();
    let gateway = gateway_with(&database, limited(&planner(1, 1_000_000)));
    assert_eq!(rule(query(&gateway, "SELECT count(*) FROM shop.orders").await), "limits.planner");
    // Estimates count rows that row security or a filter hides: nothing is said of them.
    query(&gateway, "SELECT count(*) FROM shop.support_tickets").await.unwrap();
    let open = gateway_with(&database, limited(&of_a_call(10, 10_000, 20, 50)));
    query(&open, "SELECT count(*) FROM shop.orders").await.unwrap();
}

#[tokio::test]
async fn a_caller_waits_for_their_own_statements_and_not_for_those_of_others() {
    let database = Database::create(Template::Shop).await;
    let caller_limits = |concurrent: usize, per_minute: u32| {
        let caller = format!("[limits.caller]\nconcurrent = {concurrent}\nper_minute = {per_minute}\n");
        limited(&format!("{}{caller}", of_a_call(10, 10_000, 20, 50)))
    };
    let gateway = gateway_with(&database, caller_limits(1, 1_000_000));
    gateway.ready().await.unwrap();
    let (anna, ben) = (Caller::local("anna"), Caller::local("ben"));
    let stop = CancellationToken::new();
    let slow = {
        let (gateway, anna, stop) = (gateway.clone(), anna.clone(), stop.clone());
        let sql = "SELECT count(*) FROM generate_series(1, 10000000000)".to_owned();
        let request = QueryRequest { sql, ..QueryRequest::default() };
        tokio::spawn(async move {
            // Until the asking below has let it in.
            loop {
                let answer = gateway.query(&anna, request.clone(), &stop).await;
                match answer {
                    Err(refusal) if refusal.rule.as_deref() == Some("limits.concurrent") => {}
                    answer => return answer,
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let refusal = until("refused", async || ask(&gateway, &anna, "SELECT 1").await.err()).await;
    assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.concurrent"), true), "{refusal}");
    ask(&gateway, &ben, "SELECT 1").await.unwrap();
    stop.cancel();
    slow.await.unwrap().unwrap_err();
    ask(&gateway, &anna, "SELECT 1").await.unwrap();

    let gateway = gateway_with(&database, caller_limits(5, 3));
    for _ in 0..3 {
        ask(&gateway, &anna, "SELECT 1").await.unwrap();
    }
    let refusal = ask(&gateway, &anna, "SELECT 1").await.unwrap_err();
    assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.rate"), true));
    assert!(refusal.hint.unwrap().starts_with("wait "));
    ask(&gateway, &ben, "SELECT 1").await.unwrap();
}
