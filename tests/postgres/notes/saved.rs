//! Saved queries as hits of `search_objects`: those that the caller may run.

use pgwarden::gateway::{SavedQueries, SavedSource};
use pgwarden::mcp::is_built_in;
use serde_json::json;

use super::*;
use crate::support::Template;

const QUERIES: &str = r#"
    [[query]]
    name = "monthly_revenue"
    description = "Revenue of every month since a day."
    sql = "SELECT date_trunc('month', ordered_at), sum(line_total) FROM shop.order_items WHERE ordered_at >= $1 GROUP BY 1"
    parameter = [{ name = "since", type = "date" }]

    [[query]]
    name = "zqx_revenue"
    description = "Revenue of every month by the zqx."
    sql = "SELECT id, cost FROM shop.products"
"#;

fn gateway(database: &Database<'_>, rules: &str) -> Gateway {
    let saved = SavedSource::fixed(SavedQueries::parse(QUERIES, "q.toml", is_built_in).unwrap());
    let served = Served::new(gate(&database.url(READER)), policy(rules)).with_saved(saved);
    Gateway::new(vec![served], limits(), Telemetry::default())
}

async fn asked(gateway: &Gateway, query: &str) -> Vec<Value> {
    let request = SearchRequest { query: query.to_owned(), limit: Some(100), ..SearchRequest::default() };
    search(gateway, request).await["objects"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_saved_query_that_answers_comes_first_and_only_to_those_who_may_run_it() {
    let database = Database::create(Template::Shop).await;
    let some = "[[allow]]\nselect = [\"shop.*\"]\n[[deny]]\nselect = [\"shop.products.cost\"]";
    let open = gateway(&database, some);
    open.ready().await.unwrap();
    let hit = json!({
        "saved_query": "monthly_revenue", "description": "Revenue of every month since a day.", "parameters": ["since"],
    });
    for query in ["revenue of each month", "*_revenue", ""] {
        let hits = asked(&open, query).await;
        assert_eq!(hits[0], hit, "{query}: {hits:?}");
        assert!(
            !json!(hits).to_string().contains("zqx"),
            "its statement is not the caller's: {query}: {hits:?}"
        );
    }
    let hits = asked(&open, "revenue").await;
    assert!(
        hits[0].get("relation").is_some() && hits.contains(&hit),
        "one word means a relation first: {hits:?}"
    );

    let shut = gateway(&database, &format!("tools = [\"schema\", \"query\"]\n{some}"));
    shut.ready().await.unwrap();
    for query in ["revenue of each month", "*_revenue", ""] {
        let hits = asked(&shut, query).await;
        assert!(hits.iter().all(|hit| hit.get("saved_query").is_none()), "{query}: {hits:?}");
    }
}
