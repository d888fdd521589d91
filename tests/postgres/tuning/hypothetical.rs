//! Indexes that are only supposed.

use pgwarden::gateway::ExplainRequest;
use serde_json::{Value, json};

use super::{POLICY, ask, explain, filled, gateway, has_hypopg, plan};

fn with(sql: &str, indexes: &[&str]) -> ExplainRequest {
    let indexes = indexes.iter().map(|text| (*text).to_owned()).collect();
    ExplainRequest { sql: sql.to_owned(), indexes, ..ExplainRequest::default() }
}

const OF_CUSTOMER: &str = "SELECT id FROM shop.orders WHERE customer_id = 7";

#[tokio::test]
async fn without_hypopg_the_answer_says_what_to_install() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    let refusal =
        ask(&gateway, with(OF_CUSTOMER, &["CREATE INDEX ON shop.orders (customer_id)"])).await.unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("tuning.hypopg"));
    let hint = refusal.hint.unwrap();
    let package = format!("postgresql-{}-hypopg", database.cluster().major());
    assert!(hint.contains(&package) && hint.contains("CREATE EXTENSION hypopg"), "{hint}");
}

#[tokio::test]
async fn the_plan_uses_what_is_supposed_and_nothing_is_left() {
    let database = filled().await;
    if !has_hypopg(&database).await {
        return;
    }
    let gateway = gateway(&database, POLICY);
    let indexes =
        ["CREATE INDEX ON orders_table (customer_id)", "CREATE INDEX ON shop.orders USING brin (total)"];
    let indexes = indexes.map(|text| text.replace("orders_table", "shop.orders"));
    let answer = ask(&gateway, with(OF_CUSTOMER, &[&indexes[0], &indexes[1]])).await.unwrap();
    let (before, after) = (answer["cost_before"].as_f64().unwrap(), answer["cost"].as_f64().unwrap());
    assert!(before > 1_000.0 && after < 50.0, "{answer}");
    assert!(plan(&answer).contains("using hypothetical (customer_id)"), "{answer}");
    let first = &answer["indexes"][0];
    assert_eq!(
        (&first["index"], &first["used"]),
        (&json!("CREATE INDEX ON shop.orders (customer_id)"), &json!(true))
    );
    // A real one of 100000 integers has about 2 MB.
    assert!((1_000..4_000).contains(&first["kilobytes"].as_u64().unwrap()), "{answer}");
    assert_eq!(answer["indexes"][1]["used"], json!(false));
    for _ in 0..10 {
        let again = explain(&gateway, OF_CUSTOMER).await.unwrap();
        assert!(again["cost"].as_f64().unwrap() > 1_000.0, "an index of another call is there: {again}");
    }
}

#[tokio::test]
async fn an_index_of_a_partitioned_table_is_one_of_each_partition() {
    let database = filled().await;
    if !has_hypopg(&database).await {
        return;
    }
    let gateway = gateway(&database, POLICY);
    let sql = "SELECT id FROM shop.events WHERE kind = 7";
    let answer =
        ask(&gateway, with(sql, &["CREATE INDEX ON shop.events (kind) INCLUDE (id)"])).await.unwrap();
    assert_eq!(answer["indexes"][0]["used"], json!(true), "{answer}");
    assert!(plan(&answer).matches("using hypothetical (kind, id)").count() == 2, "{answer}");
}

#[tokio::test]
async fn with_parameters_the_supposed_index_is_used_too() {
    let database = filled().await;
    if !has_hypopg(&database).await {
        return;
    }
    let gateway = gateway(&database, POLICY);
    let sql = "SELECT id FROM shop.orders WHERE customer_id = $1";
    let answer = ask(&gateway, with(sql, &["CREATE INDEX ON shop.orders (customer_id)"])).await.unwrap();
    assert_eq!(answer["indexes"][0]["used"], json!(true), "{answer}");
}

#[tokio::test]
async fn what_is_no_index_of_something_visible_is_refused() {
    let database = filled().await;
    if !has_hypopg(&database).await {
        return;
    }
    let policy = format!("{POLICY}[[deny]]\nselect = [\"shop.vault.marker_column\"]\n");
    let gateway = gateway(&database, &policy);
    let sqlstate = async |index: &str| {
        let refusal = ask(&gateway, with(OF_CUSTOMER, &[index])).await.unwrap_err();
        refusal.sqlstate.as_str().to_owned()
    };
    for (index, state) in [
        ("CREATE INDEX ON shop.nothing (a)", "42P01"),
        ("CREATE INDEX ON shop.orders (nothing)", "42703"),
        ("CREATE UNIQUE INDEX ON shop.orders (id)", "0A000"),
        ("CREATE INDEX ON shop.orders (id); SELECT 1", "42601"),
        ("DROP TABLE shop.orders", "0A000"),
        ("CREATE INDEX ON shop.codes (id)", "42P01"),
        ("CREATE INDEX ON pg_catalog.pg_class (relname)", "42P01"),
        // Of a table with a hidden column nothing is estimated.
        ("CREATE INDEX ON shop.vault (id)", "42501"),
        // hypopg's own refusal.
        ("CREATE INDEX ON shop.orders USING gin (id)", "0A000"),
    ] {
        assert_eq!(sqlstate(index).await, state, "{index}");
    }
    let many = vec!["CREATE INDEX ON shop.orders (total)"; 21];
    assert_eq!(ask(&gateway, with(OF_CUSTOMER, &many)).await.unwrap_err().sqlstate.as_str(), "22023");
    // After each of these the pool is as it was.
    let answer: Value = explain(&gateway, OF_CUSTOMER).await.unwrap();
    assert!(plan(&answer).starts_with("Seq Scan"));
}
