//! Plans in words.

use pgwarden::gateway::ExplainRequest;
use serde_json::json;

use super::{POLICY, ask, explain, filled, findings, gateway, gateway_within, limits, plan};

#[tokio::test]
async fn a_plan_is_a_tree_with_costs_and_says_what_is_slow() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    let sql = "SELECT id FROM orders_of WHERE customer_id = 7";
    let answer = explain(&gateway, &sql.replace("orders_of", "shop.orders")).await.unwrap();
    assert!(plan(&answer).starts_with("Seq Scan on shop.orders (rows 5, cost "), "{answer}");
    assert!(plan(&answer).ends_with("filter (customer_id = 7)"), "{answer}");
    assert!(answer["cost"].as_f64().unwrap() > 1_000.0 && answer["rows"] == json!(5.0), "{answer}");
    let [finding] = findings(&answer)[..] else { panic!("{answer}") };
    assert!(finding.starts_with("all of shop.orders, about 100000 rows, is read to find 5"), "{finding}");
    // By the key it is fast, and there is nothing to say.
    let answer = explain(&gateway, "EXPLAIN SELECT total FROM shop.orders WHERE id = 7").await.unwrap();
    assert!(plan(&answer).starts_with("Index Scan on shop.orders using orders_pkey (rows 1,"), "{answer}");
    assert_eq!(answer["findings"], json!([]));
}

#[tokio::test]
async fn what_keeps_an_index_from_being_used_is_found_in_the_statement() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    for (condition, words) in [
        ("lower(email) = 'a'", "compares lower() of the column"),
        ("email || '' = 'a'", "compares an expression of the column"),
        ("email::varchar(3) = 'abc'", "compares a cast to varchar of the column"),
        ("email LIKE '%@example.com'", "has no fixed beginning"),
        ("email ILIKE 'c1%'", "ignores case"),
    ] {
        let answer =
            explain(&gateway, &format!("SELECT id FROM shop.customers WHERE {condition}")).await.unwrap();
        assert!(findings(&answer)[0].contains(words), "{condition}: {answer}");
        assert!(findings(&answer)[0].contains("shop.customers.email"), "{condition}: {answer}");
    }
    for condition in ["email = lower('A')", "email LIKE 'c1%'", "lower(country) = 'x' AND id = 4"] {
        let answer =
            explain(&gateway, &format!("SELECT id FROM shop.customers WHERE {condition}")).await.unwrap();
        let found = findings(&answer).join("\n");
        assert!(!found.contains("compares") && !found.contains("pattern"), "{condition}: {answer}");
    }
    let index = "CREATE INDEX ON shop.customers (lower(email)); ANALYZE shop.customers";
    database.admin().await.batch_execute(index).await.unwrap();
    let answer = explain(&gateway, "SELECT id FROM shop.customers WHERE lower(email) = 'a'").await.unwrap();
    assert_eq!(answer["findings"], json!([]), "{answer}");
}

#[tokio::test]
async fn sorts_that_spill_and_loops_that_repeat_are_found() {
    let database = filled().await;
    let policy = POLICY.replace("include = []", "include = []\nexplain_analyze = true");
    let gateway = gateway(&database, &policy);
    let sorted = "SELECT * FROM shop.orders ORDER BY total, placed_at";
    let answer = explain(&gateway, sorted).await.unwrap();
    assert!(
        findings(&answer)[0].starts_with("the sort of about 100000 rows by total, placed_at"),
        "{answer}"
    );
    let request = ExplainRequest { sql: sorted.to_owned(), analyze: true, ..ExplainRequest::default() };
    let answer = ask(&gateway, request).await.unwrap();
    assert!(findings(&answer)[0].contains("did not fit into work_mem and wrote "), "{answer}");
    assert!(
        plan(&answer).contains("; came 100000, ") && answer["milliseconds"].as_f64().unwrap() > 1.0,
        "{answer}"
    );
    let few = "SELECT o.total FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id
        WHERE c.id < 500 AND c.country = 'country 3'";
    let answer = explain(&gateway, few).await.unwrap();
    assert!(findings(&answer)[0].ends_with("no index has customer_id first"), "{answer}");
    let cross = "SELECT count(*) FROM shop.customers c JOIN shop.orders o ON c.id < o.total";
    let answer = explain(&gateway, cross).await.unwrap();
    assert!(
        findings(&answer).iter().any(|finding| finding.starts_with("a nested loop repeats its inner side")),
        "{answer}"
    );
}

#[tokio::test]
async fn wrong_estimates_show_where_the_statement_ran() {
    let database = filled().await;
    // Two columns that say the same: PostgreSQL multiplies their selectivities.
    let sql =
        "CREATE TABLE shop.twins AS SELECT i % 200 AS a, i % 200 AS b FROM generate_series(1, 400000) AS i;
        ANALYZE shop.twins;";
    let admin = database.admin().await;
    admin.batch_execute(sql).await.unwrap();
    admin.batch_execute(&format!("GRANT SELECT ON shop.twins TO {}_reader", database.name())).await.unwrap();
    let policy = POLICY.replace("include = []", "include = []\nexplain_analyze = true");
    let request = ExplainRequest {
        sql: "SELECT * FROM shop.twins WHERE a = 3 AND b = 3".to_owned(),
        analyze: true,
        ..ExplainRequest::default()
    };
    let answer = ask(&gateway(&database, &policy), request).await.unwrap();
    assert!(
        findings(&answer)
            .iter()
            .any(|f| f.contains("rows were expected and") && f.contains("CREATE STATISTICS")),
        "{answer}"
    );
}

#[tokio::test]
async fn a_statement_with_parameters_is_planned_for_any_values() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    let sql = "SELECT id FROM shop.orders WHERE id = $1 AND status = $2";
    for _ in 0..3 {
        let answer = explain(&gateway, sql).await.unwrap();
        assert!(plan(&answer).contains("(id = $1)"), "{answer}");
    }
    // Its connection went back to nobody with the statement's name in it.
    let answer = explain(&gateway, "SELECT id FROM shop.orders WHERE id = 3").await.unwrap();
    assert!(plan(&answer).contains("(id = 3)"), "{answer}");
}

#[tokio::test]
async fn nothing_runs_unless_the_policy_says_so() {
    let database = filled().await;
    let closed = gateway(&database, POLICY);
    let request =
        |sql: &str| ExplainRequest { sql: sql.to_owned(), analyze: true, ..ExplainRequest::default() };
    let refusal = ask(&closed, request("SELECT id FROM shop.orders")).await.unwrap_err();
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.rule.as_deref()),
        ("42501", Some("policy.explain_analyze"))
    );
    let open = gateway(&database, &POLICY.replace("include = []", "include = []\nexplain_analyze = true"));
    // No `analyze`: it does not run.
    let quick = explain(&open, "SELECT count(*) FROM generate_series(1, 9000000000)").await.unwrap();
    assert!(quick.get("milliseconds").is_none());
    let refusal = ask(&open, request("SELECT id FROM shop.orders WHERE id = $1")).await.unwrap_err();
    assert_eq!(refusal.sqlstate.as_str(), "22023");
    // Within the limits of the planner.
    let limited = "\n[limits]\nrows = 10\ncharacters = 2000\nseconds = 5\njoins = 9\n[limits.planner]\ncost = 1000.0\nrows = 5000.0\n";
    let policy = format!("{POLICY}{limited}").replace("include = []", "include = []\nexplain_analyze = true");
    let limited = gateway(&database, &policy);
    let refusal = ask(&limited, request("SELECT count(*) FROM shop.orders")).await.unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("limits.planner"));
    assert!(explain(&limited, "SELECT count(*) FROM shop.orders").await.is_ok());
    assert!(ask(&limited, request("SELECT total FROM shop.orders WHERE id = 4")).await.is_ok());
}

#[tokio::test]
async fn what_runs_too_long_or_writes_is_refused() {
    let database = filled().await;
    let mut short = limits();
    short.deadline = std::time::Duration::from_millis(1_500);
    let policy = POLICY.replace("include = []", "include = []\nexplain_analyze = true");
    let gateway = gateway_within(&database, &policy, short);
    let request =
        |sql: &str| ExplainRequest { sql: sql.to_owned(), analyze: true, ..ExplainRequest::default() };
    let endless = "SELECT count(*) FROM generate_series(1, 9000000000)";
    assert_eq!(ask(&gateway, request(endless)).await.unwrap_err().sqlstate.as_str(), "57014");
    for sql in [
        "DELETE FROM shop.orders",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT 1; SELECT 2",
        "EXPLAIN EXPLAIN SELECT 1",
        "",
    ] {
        assert!(ask(&gateway, request(sql)).await.is_err(), "{sql}");
    }
    let pipelined = "EXPLAIN (ANALYZE) DELETE FROM shop.orders";
    assert!(explain(&gateway, pipelined).await.is_err());
}

#[tokio::test]
async fn a_long_plan_is_cut_at_a_line_and_the_document_is_refused() {
    let database = filled().await;
    let gateway =
        gateway_within(&database, POLICY, pgwarden::gateway::CallLimits { characters: 2_000, ..limits() });
    let parts: Vec<String> = (0..60).map(|n| format!("SELECT id FROM shop.orders WHERE id = {n}")).collect();
    let sql = parts.join(" UNION ALL ");
    let answer = explain(&gateway, &sql).await.unwrap();
    assert_eq!(answer["truncated"], json!(true));
    assert!(answer.to_string().chars().count() <= 2_000 && plan(&answer).ends_with(')'), "{answer}");
    let request = ExplainRequest { sql, document: true, ..ExplainRequest::default() };
    assert_eq!(ask(&gateway, request.clone()).await.unwrap_err().sqlstate.as_str(), "54000");
    let short = ExplainRequest { sql: "SELECT id FROM shop.orders WHERE id = 1".to_owned(), ..request };
    let answer = ask(&gateway, short).await.unwrap();
    assert_eq!(answer["plan"]["Plan"]["Index Name"], json!("orders_pkey"));
}
