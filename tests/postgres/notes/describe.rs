//! Rows and statistics in descriptions: no more than a query would give.

use serde_json::json;

use super::*;
use crate::support::Template;

const OPEN: &str = "[[allow]]\nselect = [\"*.*\"]\n";

fn with_rows(relation: &str) -> DescribeRequest {
    DescribeRequest { sample_rows: 5, ..of(relation) }
}

fn with_profile(relation: &str) -> DescribeRequest {
    DescribeRequest { profile: true, ..of(relation) }
}

#[tokio::test]
async fn sample_rows_come_by_the_way_of_queries() {
    let database = Database::create(Template::Shop).await;
    let guarded = r#"
        [[mask]]
        columns = ["shop.customers.email"]
        with = "email"
        [[filter]]
        relations = ["shop.customers"]
        where = "segment = 'wholesale' AND id < 1000"
    "#;
    let rules = [OPEN, guarded].concat();
    let gateway = gateway(&database, policy(&rules), NotesSource::default());
    let described = describe(&gateway, with_rows("shop.customers")).await.unwrap();
    let names: Vec<&str> =
        described[0]["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    let at = |name: &str| names.iter().position(|other| *other == name).unwrap();
    let rows = described[0]["sample_rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5, "{rows:?}");
    for row in rows {
        assert_eq!(row.as_array().unwrap().len(), names.len());
        assert_eq!(row[at("segment")], "wholesale");
        assert!(row[at("email")].as_str().unwrap().contains("***@"), "{row}");
    }
    assert_eq!(described[0]["filtered"], "only some rows are visible to you (filter[1])");
}

#[tokio::test]
async fn long_values_are_cut_and_what_fails_is_told_apart() {
    let database = Database::create(Template::Shop).await;
    let make = "CREATE TABLE shop.long (id integer, body text);
        INSERT INTO shop.long VALUES (1, pg_catalog.repeat('x', 100000));
        CREATE VIEW shop.broken AS SELECT 1 / (id - 1) AS one FROM shop.long;
        GRANT SELECT ON shop.long, shop.broken TO shop_reader;";
    database.admin().await.batch_execute(make).await.unwrap();
    let gateway = gateway(&database, policy(OPEN), NotesSource::default());
    let request = DescribeRequest {
        relations: vec!["shop.long".to_owned(), "shop.broken".to_owned()],
        ..with_rows("")
    };
    let described = describe(&gateway, request).await.unwrap();
    assert_eq!(described[0]["sample_rows"], json!([[1, format!("{}…[cut]", "x".repeat(60))]]));
    assert_eq!(described[1]["sample_rows"], json!({"refused": "22012: division by zero"}));
}

#[tokio::test]
async fn values_need_the_tools_to_query_and_are_few() {
    let database = Database::create(Template::Shop).await;
    let rules = "tools = [\"schema\"]\n".to_owned() + OPEN;
    let shut = gateway(&database, policy(&rules), NotesSource::default());
    for request in [with_rows("shop.orders"), with_profile("shop.orders")] {
        let refusal = describe(&shut, request).await.unwrap_err();
        assert_eq!(refusal.rule.as_deref(), Some("policy.tools"), "{refusal:?}");
    }
    assert!(describe(&shut, of("shop.orders")).await.is_ok());
    let open = gateway(&database, policy(OPEN), NotesSource::default());
    let request = DescribeRequest { sample_rows: 6, ..of("shop.orders") };
    let refusal = describe(&open, request).await.unwrap_err();
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.message.as_str()),
        ("22023", "6 sample rows, 5 are possible")
    );
    let request = DescribeRequest { relations: vec!["shop.orders".to_owned(); 11], ..with_profile("") };
    assert_eq!(describe(&open, request).await.unwrap_err().sqlstate.as_str(), "22023");
}

#[tokio::test]
async fn a_profile_is_of_what_a_query_would_show() {
    let database = Database::create(Template::Shop).await;
    database.admin().await.batch_execute("ANALYZE").await.unwrap();
    let guarded = r#"
        [[mask]]
        columns = ["shop.products.category"]
        with = "null"
        [[filter]]
        relations = ["shop.reviews"]
        where = "rating > 1"
    "#;
    let whole = gateway(&database, policy(OPEN), NotesSource::default());
    let described = describe(&whole, with_profile("shop.orders")).await.unwrap();
    let status = &column(&described[0], "status")["profile"];
    assert_eq!(status["common"][0][0], "delivered", "{status}");
    assert!(
        status["common"][0][1].as_f64().unwrap() > 0.3 && status["distinct"].as_u64().unwrap() > 3,
        "{status}"
    );
    let coupon = &column(&described[0], "coupon_code")["profile"];
    assert!(coupon["nulls"].as_f64().unwrap() > 0.1, "most orders have no coupon: {coupon}");
    let described = describe(&whole, with_profile("shop.products")).await.unwrap();
    let price = &column(&described[0], "price")["profile"];
    assert!(price["range"][0].as_str().is_some() && price["range"][1].as_str().is_some(), "{price}");
    assert!(column(&described[0], "category")["profile"]["common"].is_array(), "{described}");
    let described = describe(&whole, with_profile("shop.reviews")).await.unwrap();
    assert!(column(&described[0], "rating").get("profile").is_some(), "{described}");

    let rules = [OPEN, guarded].concat();
    let kept = gateway(&database, policy(&rules), NotesSource::default());
    let described = describe(&kept, with_profile("shop.products")).await.unwrap();
    assert!(column(&described[0], "category").get("profile").is_none(), "masked: {described}");
    assert!(column(&described[0], "price").get("profile").is_some());
    let described = describe(&kept, with_profile("shop.reviews")).await.unwrap();
    assert!(!described.to_string().contains("profile"), "filtered: {described}");
    // PostgreSQL's own row security.
    let described = describe(&whole, with_profile("shop.support_tickets")).await.unwrap();
    assert_eq!(described[0]["row_security"], true);
    assert!(!described.to_string().contains("profile"), "{described}");
}

/// A column that got the name of an open one since the catalog was read is another column.
#[tokio::test]
async fn a_profile_follows_the_column_and_not_its_name() {
    let database = Database::create(Template::Shop).await;
    let make = "CREATE TABLE shop.swapped (open text, kept text);
        INSERT INTO shop.swapped SELECT 'open', 'kept' FROM pg_catalog.generate_series(1, 100);
        GRANT SELECT ON shop.swapped TO shop_reader;
        ANALYZE shop.swapped;";
    let admin = database.admin().await;
    admin.batch_execute(make).await.unwrap();
    let rules = OPEN.to_owned() + "[[deny]]\nselect = [\"shop.swapped.kept\"]";
    let gateway = gateway(&database, policy(&rules), NotesSource::default());
    let before = describe(&gateway, with_profile("shop.swapped")).await.unwrap();
    assert_eq!(column(&before[0], "open")["profile"]["common"], json!([["open", 1.0]]));
    let swap = "ALTER TABLE shop.swapped RENAME open TO other;
        ALTER TABLE shop.swapped RENAME kept TO open;
        ALTER TABLE shop.swapped RENAME other TO kept;";
    admin.batch_execute(swap).await.unwrap();
    let after = describe(&gateway, with_profile("shop.swapped")).await.unwrap();
    assert_eq!(
        column(&after[0], "open")["profile"]["common"],
        json!([["open", 1.0]]),
        "the old catalog still holds"
    );
}
