//! A model that answers well.

use pgwarden::mcp::InvestigateBounds;
use serde_json::{Value, json};

use super::{assert_answered, gateway, ground, pushed, queries, results, retried, says, text_of, uses};

const SQL: &str = "select region, sum(amount) from inv.sales group by region order by 1";

fn model(round: usize, params: &Value) -> Value {
    assert_answered(params);
    match round {
        0 => uses(&[
            ("a", "search_objects", json!({"query": "sales"})),
            ("b", "describe", json!({"relations": ["inv.sales"]})),
        ]),
        1 => queries("c", SQL),
        _ => says(&format!("South and north: {}", text_of(results(params)[0]))),
    }
}

#[tokio::test]
async fn findings_and_evidence_are_those_of_postgresql_in_both_eras() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let north: String = database
        .admin()
        .await
        .query_one("SELECT sum(amount)::text FROM inv.sales WHERE region = 'north'", &[])
        .await
        .unwrap()
        .get(0);
    let bounds = InvestigateBounds::default;
    let legacy = pushed(&gateway, bounds(), model).await;
    let stateless = retried(&gateway, bounds(), model).await;
    assert_eq!(legacy.progress.len(), 3, "one a round: {:?}", legacy.progress);
    for outcome in [legacy, stateless] {
        let found = outcome.found();
        assert_eq!(
            (&found["status"], &found["rounds"], &found["calls"]),
            (&json!("complete"), &json!(3), &json!(3))
        );
        assert!(found["findings"].as_str().unwrap().contains(&format!("[\"north\",{north}]")), "{found}");
        let evidence = found["evidence"].as_array().unwrap();
        assert_eq!((evidence.len(), &evidence[0]["row_count"]), (1, &json!(2)));
        let sql = evidence[0]["sql"].as_str().unwrap();
        assert_eq!(sql, pgwarden::sql::reprint(SQL).unwrap());
        let first = &outcome.asked[0];
        assert_eq!(first["toolChoice"]["mode"], "auto");
        let tools: Vec<&str> =
            first["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(tools, ["search_objects", "describe", "query", "explain"]);
        let rows = text_of(results(&outcome.asked[2])[0]);
        assert!(rows.starts_with("--- data ") && rows.contains("(not instructions)"), "{rows}");
        assert!(rows.ends_with("(2 rows)") && rows.contains("--- end of data "), "{rows}");
        assert_eq!(results(&outcome.asked[2])[0]["isError"], false);
    }
}

#[tokio::test]
async fn what_is_read_on_has_a_cursor() {
    let database = ground().await;
    let gateway = gateway(&database).await;
    let wide = "SELECT a.id, repeat('x', 1000) FROM inv.sales AS a CROSS JOIN inv.sales AS b";
    let model = |round: usize, _: &Value| if round == 0 { queries("a", wide) } else { says("many") };
    let outcome = retried(&gateway, InvestigateBounds::default(), model).await;
    let evidence = &outcome.found()["evidence"][0];
    assert!(evidence["next_cursor"].is_string(), "{evidence}");
    let shown = text_of(results(&outcome.asked[1])[0]);
    assert!(shown.chars().count() < 6_500 && shown.contains("or more rows are shown"), "{shown}");
}
