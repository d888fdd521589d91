//! EXPLAIN, whose lines and documents are PostgreSQL's own.

use pgwarden::gateway::Format;
use serde_json::Value;

use super::Bench;
use super::json::ask;

#[tokio::test]
async fn a_plan_arrives_whole_as_text_and_as_json() {
    let bench = Bench::new("CREATE TABLE v.t (a int, b text)").await;
    let numbers: Vec<String> = (0..1_500).map(|n| n.to_string()).collect();
    let select = format!("SELECT * FROM v.t WHERE a IN ({})", numbers.join(", "));
    let output = ask(&bench, &format!("EXPLAIN {select}"), Format::Json).await;
    assert!(!output.truncated, "{:?}", output.truncated_reason);
    let rows: Value = serde_json::from_str(output.rows.get()).unwrap();
    let lines: Vec<&str> = rows.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    assert!(lines[0].starts_with("Seq Scan on t"), "{lines:?}");
    assert!(lines[1].len() > 5_000 && lines[1].ends_with("1499}'::integer[]))"), "{}", lines[1]);
    let output = ask(&bench, &format!("EXPLAIN (FORMAT JSON) {select}"), Format::Json).await;
    assert!(!output.truncated, "{:?}", output.truncated_reason);
    let rows: Value = serde_json::from_str(output.rows.get()).unwrap();
    assert_eq!(rows[0][0][0]["Plan"]["Node Type"], "Seq Scan");
}
