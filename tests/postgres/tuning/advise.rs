//! Proposals of indexes: that they are the right ones, that real ones keep the promise, and within which bounds.

use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{AdviseRequest, Gateway, Steps};
use pgwarden::pg::Diagnostic;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{POLICY, explain, filled, gateway, has_hypopg};

async fn within(gateway: &Gateway, request: AdviseRequest, time: Duration) -> Result<Value, Diagnostic> {
    let caller = Caller::local("tester");
    let advised =
        gateway.advise_indexes(&caller, request, time, &Steps::default(), &CancellationToken::new()).await;
    advised.map(|advice| advice.0)
}

async fn advise(gateway: &Gateway, statements: &[&str]) -> Result<Value, Diagnostic> {
    let statements = statements.iter().map(|text| (*text).to_owned()).collect();
    let request = AdviseRequest { statements, ..AdviseRequest::default() };
    within(gateway, request, Duration::from_secs(25)).await
}

fn created(answer: &Value) -> Vec<&str> {
    answer["indexes"].as_array().unwrap().iter().map(|index| index["create"].as_str().unwrap()).collect()
}

const BY_CUSTOMER: &str = "SELECT * FROM shop.orders WHERE customer_id = 7";
const SINCE: &str = "SELECT * FROM shop.orders WHERE placed_at > '2024-11-01' AND total = 100";
const LATEST: &str = "SELECT * FROM shop.orders WHERE status = 'paid' ORDER BY placed_at DESC LIMIT 10";
const OF_COUNTRY: &str = "SELECT c.email, o.total FROM shop.customers c JOIN shop.orders o ON o.customer_id = c.id \
    WHERE c.country = 'country 3' AND c.id < 500";

#[tokio::test]
async fn the_obvious_index_is_proposed_with_and_without_hypopg() {
    let database = filled().await;
    for method in ["model", "hypopg"] {
        if method == "hypopg" && !has_hypopg(&database).await {
            return;
        }
        // The catalog is read anew for an extension that is new.
        let gateway = super::gateway(&database, POLICY);
        let answer = advise(&gateway, &[BY_CUSTOMER]).await.unwrap();
        assert_eq!(answer["method"], json!(method));
        assert_eq!(created(&answer), ["CREATE INDEX ON shop.orders (customer_id)"], "{answer:#}");
        let index = &answer["indexes"][0];
        assert!((1.0..6.0).contains(&index["megabytes"].as_f64().unwrap()), "{answer:#}");
        assert_eq!((&index["table_indexes"], &answer["complete"]), (&json!(1), &json!(true)));
        let cost = |key: &str| answer[key].as_f64().unwrap();
        assert!(cost("cost_before") > 1_000.0 && cost("cost_after") < 60.0, "{answer:#}");
        // Both columns, equality before the range.
        let answer = advise(&gateway, &[SINCE]).await.unwrap();
        assert_eq!(created(&answer), ["CREATE INDEX ON shop.orders (total, placed_at)"], "{answer:#}");
        // In the order that is asked for: nothing is sorted.
        let answer = advise(&gateway, &[LATEST]).await.unwrap();
        assert!(
            created(&answer)[0].starts_with("CREATE INDEX ON shop.orders (status, placed_at)")
                || created(&answer)[0] == "CREATE INDEX ON shop.orders (placed_at)",
            "{answer:#}"
        );
        // A join is served by its columns.
        let answer = advise(&gateway, &[OF_COUNTRY]).await.unwrap();
        assert!(
            created(&answer)
                .iter()
                .any(|create| create.starts_with("CREATE INDEX ON shop.orders (customer_id")),
            "{answer:#}"
        );
    }
}

#[tokio::test]
async fn real_indexes_keep_what_hypopg_promised() {
    let database = filled().await;
    if !has_hypopg(&database).await {
        return;
    }
    let gateway = gateway(&database, POLICY);
    let workload = [BY_CUSTOMER, SINCE, LATEST, OF_COUNTRY, "SELECT id FROM shop.events WHERE kind = 5"];
    let answer = advise(&gateway, &workload).await.unwrap();
    assert!(created(&answer).len() >= 3, "{answer:#}");
    let admin = database.admin().await;
    for create in created(&answer) {
        admin.batch_execute(create).await.unwrap();
    }
    admin.batch_execute("ANALYZE").await.unwrap();
    for (statement, at) in workload.iter().zip(0..) {
        let promised = answer["statements"][at]["cost_after"].as_f64().unwrap();
        let real = explain(&gateway, statement).await.unwrap()["cost"].as_f64().unwrap();
        assert!(real <= promised * 1.5 + 5.0, "{statement}: promised {promised}, real {real}: {answer:#}");
    }
    // New statistics may leave something at the edge of what is worth proposing.
    let again = advise(&gateway, &workload).await.unwrap();
    let before = again["cost_before"].as_f64().unwrap();
    let saves = again["indexes"].as_array().unwrap().iter().map(|index| index["saves"].as_f64().unwrap());
    assert!(saves.sum::<f64>() <= before * 0.03, "{again:#}");
}

#[tokio::test]
async fn there_is_a_budget_and_an_end() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    let ask = |megabytes: Option<u64>| AdviseRequest {
        statements: vec![BY_CUSTOMER.to_owned(), SINCE.to_owned()],
        megabytes,
        database: None,
    };
    let time = Duration::from_secs(25);
    let roomy = within(&gateway, ask(None), time).await.unwrap();
    assert_eq!(created(&roomy).len(), 2, "{roomy:#}");
    let tight = within(&gateway, ask(Some(4)), time).await.unwrap();
    let size: f64 =
        tight["indexes"].as_array().unwrap().iter().map(|i| i["megabytes"].as_f64().unwrap()).sum();
    assert!(created(&tight).len() == 1 && size <= 4.0 && tight["no_room"].is_string(), "{tight:#}");
    let none = within(&gateway, ask(Some(0)), time).await.unwrap();
    assert_eq!(created(&none), [""; 0]);
    // No time: what is there so far, and it says so.
    let late = within(&gateway, ask(None), Duration::from_millis(500)).await.unwrap();
    assert_eq!((&late["complete"], created(&late).len()), (&json!(false), 0), "{late:#}");
}

#[tokio::test]
async fn what_exists_is_not_proposed_and_what_is_idle_is_named() {
    let database = filled().await;
    let sql = "CREATE INDEX old ON shop.orders (customer_id); CREATE INDEX wider ON shop.orders (customer_id, status);
        CREATE INDEX narrow ON shop.orders (placed_at);";
    database.admin().await.batch_execute(sql).await.unwrap();
    let gateway = gateway(&database, POLICY);
    let span =
        "SELECT * FROM shop.orders WHERE placed_at BETWEEN '2024-03-01' AND '2024-03-02' AND total = 3";
    let answer = advise(&gateway, &[BY_CUSTOMER, SINCE, span]).await.unwrap();
    assert!(!created(&answer).contains(&"CREATE INDEX ON shop.orders (customer_id)"), "{answer:#}");
    assert_eq!(
        answer["redundant"],
        json!([{"relation": "shop.orders", "index": "old", "covered_by": "wider"}])
    );
    // The unique index of a key is never idle.
    assert!(!answer.to_string().contains("orders_pkey"));
}

#[tokio::test]
async fn writes_count_where_they_are_known() {
    let database = filled().await;
    let admin = database.admin().await;
    // Statistics are seen when the backend that counted them is idle or gone.
    database.send_counts(&admin).await;
    let gateway = gateway(&database, POLICY);
    explain(&gateway, BY_CUSTOMER).await.unwrap();
    admin.batch_execute("SELECT count(*) FROM shop.orders").await.unwrap();
    database.send_counts(&admin).await;
    let answer = advise(&gateway, &[BY_CUSTOMER]).await.unwrap();
    let writes = answer["indexes"][0]["writes_per_read"].as_f64().unwrap();
    assert!(writes > 10.0 && answer["indexes"][0]["note"].is_string(), "{answer:#}");
}

#[tokio::test]
async fn statements_that_may_not_be_planned_are_refused_one_by_one() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    let statements = [
        BY_CUSTOMER,
        "SELECT * FROM marker_schema.marker_table",
        "DELETE FROM shop.orders",
        "SELECT id FROM shop.orders WHERE id = 1",
    ];
    let answer = advise(&gateway, &statements).await.unwrap();
    assert_eq!(created(&answer).len(), 1);
    let refused: Vec<u64> = answer["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["statement"].as_u64().unwrap())
        .collect();
    assert_eq!(refused, [2, 3]);
    assert_eq!(advise(&gateway, &statements[1..2]).await.unwrap_err().sqlstate.as_str(), "42P01");
    assert_eq!(advise(&gateway, &[BY_CUSTOMER; 51]).await.unwrap_err().sqlstate.as_str(), "22023");
    let refusal = advise(&gateway, &[]).await.unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("tuning.workload"));
}

#[tokio::test]
async fn a_cancelled_search_ends() {
    let database = filled().await;
    let gateway = gateway(&database, POLICY);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let request = AdviseRequest { statements: vec![BY_CUSTOMER.to_owned()], ..AdviseRequest::default() };
    let caller = Caller::local("tester");
    let ended =
        gateway.advise_indexes(&caller, request, Duration::from_secs(9), &Steps::default(), &cancel).await;
    assert_eq!(ended.unwrap_err().sqlstate.as_str(), "57014");
}
