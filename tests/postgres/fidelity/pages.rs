//! First pages of large answers, and answers of odd shapes.

use std::time::{Duration, Instant};

use pgwarden::db::Truncation;
use pgwarden::gateway::Format;
use pgwarden::pg::Oid;
use pgwarden::sql::ResultColumn;
use serde_json::Value;

use super::Bench;
use super::json::{ask, ask_within};
use crate::support::{checked, query};

const MILLION: &str =
    "CREATE TABLE v.m AS SELECT g AS id, md5(g::text) AS t FROM generate_series(1, 1000000) AS g;
    ANALYZE v.m";

#[tokio::test]
async fn the_first_page_of_many_rows_comes_at_once() {
    let bench = Bench::new(MILLION).await;
    ask(&bench, "SELECT 1", Format::Json).await;
    for sql in [
        "SELECT * FROM generate_series(1, 1000000000)",
        "SELECT generate_series(1, 1000000000)",
        "SELECT * FROM v.m",
        "SELECT id, t || 'x' FROM v.m WHERE t > '0'",
        "SELECT m.id, o.id FROM v.m AS m CROSS JOIN v.m AS o",
        "SELECT * FROM v.m AS m UNION ALL SELECT * FROM v.m AS o",
    ] {
        let started = Instant::now();
        let output = ask(&bench, sql, Format::Json).await;
        let took = started.elapsed();
        assert!(output.truncated && output.row_count >= 500, "{sql}: {} rows", output.row_count);
        assert!(took < Duration::from_secs(1), "{sql}: {took:?}");
    }
}

#[tokio::test]
async fn ordered_rows_with_a_limit_keep_only_the_first() {
    let bench = Bench::new(MILLION).await;
    for (sql, rows) in
        [("SELECT t FROM v.m ORDER BY t", 100), ("SELECT t FROM v.m ORDER BY t LIMIT 10", 1_000)]
    {
        let checked = checked(&bench.gate, sql).await.unwrap();
        let columns = [ResultColumn { name: "t".to_owned(), type_oid: Oid(25), type_modifier: -1 }];
        let projected = checked.project(&columns, &bench.gate.catalog().unwrap(), rows, 2_000);
        let plan = bench.printed(&format!("EXPLAIN (ANALYZE, TIMING OFF) {}", projected.text())).await;
        let plan: Vec<String> = plan.into_iter().flatten().flatten().collect();
        // PostgreSQL 18 does not wait for its parallel workers to say how they sorted.
        let sorted = |line: &String| line.contains("top-N heapsort") || line.contains("still in progress");
        assert!(plan.iter().any(sorted), "{}", plan.join("\n"));
    }
}

/// Pulled up, an expression would stand in the statement once for each use of its column.
#[tokio::test]
async fn an_expression_is_evaluated_once_a_row() {
    let bench = Bench::new("CREATE TABLE v.t AS SELECT g AS id FROM generate_series(1, 20) AS g").await;
    let sql = "SELECT (SELECT string_agg(o.id::text, ',') FROM v.t AS o WHERE o.id <= t.id) FROM v.t AS t";
    let checked = checked(&bench.gate, sql).await.unwrap();
    let columns = [ResultColumn { name: "s".to_owned(), type_oid: Oid(25), type_modifier: -1 }];
    let projected = checked.project(&columns, &bench.gate.catalog().unwrap(), 100, 2_000);
    let plan = bench.printed(&format!("EXPLAIN (COSTS OFF) {}", projected.text())).await;
    let plan: Vec<String> = plan.into_iter().flatten().flatten().collect();
    assert_eq!(plan.iter().filter(|line| line.contains("SubPlan")).count(), 1, "{}", plan.join("\n"));
}

#[tokio::test]
async fn rows_without_columns_and_columns_without_rows_are_answers() {
    let bench = Bench::new("CREATE TABLE v.t AS SELECT g AS id FROM generate_series(1, 3) AS g").await;
    let output = ask(&bench, "SELECT FROM v.t", Format::Json).await;
    assert_eq!((output.rows.get(), output.row_count, output.columns.len()), ("[[],[],[]]", 3, 0));
    let output = ask(&bench, "SELECT * FROM v.t WHERE id > 3", Format::Json).await;
    assert_eq!((output.rows.get(), output.row_count, output.columns.len()), ("[]", 0, 1));
    let output = ask(&bench, "SELECT FROM v.t WHERE id > 3", Format::Csv).await;
    assert_eq!((output.row_count, output.truncated), (0, false));
    let (page, ran) =
        query(&bench.gate, "SELECT id, id, id AS id FROM v.t ORDER BY 1 LIMIT 1", &[]).await.unwrap();
    assert_eq!(page.only(), ["1", "1", "1"]);
    assert_eq!((ran.rows, ran.truncated), (1, None));
}

#[tokio::test]
async fn a_row_of_1600_columns_comes_whole_where_the_reply_has_room() {
    let columns: Vec<String> = (0..1_600).map(|at| format!("c{at} int DEFAULT {at}")).collect();
    let script = format!("CREATE TABLE v.wide ({}); INSERT INTO v.wide DEFAULT VALUES", columns.join(", "));
    let bench = Bench::new(&script).await;
    let output = ask_within(&bench, "SELECT * FROM v.wide", Format::Json, 200_000).await;
    let rows: Value = serde_json::from_str(output.rows.get()).unwrap();
    let row = rows[0].as_array().unwrap();
    assert_eq!((row.len(), &row[1_599], output.truncated), (1_600, &Value::from(1_599), false));
    let (page, _) = query(&bench.gate, "SELECT w FROM v.wide AS w", &[]).await.unwrap();
    assert!(page.only()[0].ends_with("1598,1599)"));
}

#[tokio::test]
async fn one_row_more_than_asked_for_is_noticed() {
    let bench = Bench::new("").await;
    let (page, ran) = query(&bench.gate, "SELECT * FROM generate_series(1, 1001) AS g", &[]).await.unwrap();
    assert_eq!((page.rows.len(), ran.truncated), (1_000, Some(Truncation::Rows)));
    let (page, ran) = query(&bench.gate, "SELECT * FROM generate_series(1, 1000) AS g", &[]).await.unwrap();
    assert_eq!((page.rows.len(), ran.truncated), (1_000, None));
}
