//! What is given for a parameter: right, wrong, and hostile.

use super::*;
use crate::support::Template;

/// Gives back what PostgreSQL got, of every type.
const ECHO: [(&str, &str); 8] = [
    ("text", "text"),
    ("integer", "integer"),
    ("bigint", "bigint"),
    ("numeric", "numeric"),
    ("boolean", "boolean"),
    ("date", "date"),
    ("timestamptz", "timestamptz"),
    ("uuid", "uuid"),
];

fn echoes() -> String {
    let echo = |(name, kind): &(&str, &str)| {
        let sql =
            format!("SELECT $1::{kind}::text AS given, (SELECT count(*) FROM shop.products) AS products");
        query(&format!("echo_{name}"), &sql, &[&format!("{{ name = \"given\", type = \"{kind}\" }}")])
    };
    ECHO.iter().map(echo).collect()
}

#[tokio::test]
async fn a_value_of_each_type_arrives_as_it_was_given() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, SHOP, &echoes()).await;
    for (name, given, arrived) in [
        ("text", json!("O'Brien; -- $1"), "O'Brien; -- $1"),
        ("integer", json!(42), "42"),
        ("integer", json!("42"), "42"),
        ("bigint", json!(9_007_199_254_740_993_i64), "9007199254740993"),
        ("numeric", json!("12.50"), "12.50"),
        ("numeric", json!(0.1), "0.1"),
        ("boolean", json!(true), "true"),
        ("date", json!("2024-02-29"), "2024-02-29"),
        ("timestamptz", json!("2026-01-31T08:00:00+01:00"), "2026-01-31 07:00:00+00"),
        ("uuid", json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ] {
        let rows = rows(&mut peer, &format!("echo_{name}"), json!({"given": given})).await;
        assert_eq!(rows[0][0], arrived, "{name} {given}");
    }
}

#[tokio::test]
async fn no_value_of_any_type_becomes_a_part_of_the_statement() {
    let database = Database::create(Template::Shop).await;
    let mut peer = peer(&database, SHOP, &echoes()).await;
    let admin = database.admin().await;
    let products: i64 = admin.query_one("SELECT count(*) FROM shop.products", &[]).await.unwrap().get(0);
    for hostile in [
        "1; DROP TABLE shop.products",
        "' OR '1'='1",
        "1) UNION SELECT password_hash FROM shop.customers --",
        "$2",
        "'||(SELECT email FROM shop.customers LIMIT 1)||'",
        "\\'; SELECT 1; --",
        "NULL::text",
        "E'\\x27'",
        "now",
    ] {
        for (name, _) in ECHO {
            let answer = call(&mut peer, &format!("echo_{name}"), json!({"given": hostile})).await;
            let result = &answer["result"];
            if name == "text" {
                let row = &result["structuredContent"]["rows"][0];
                assert_eq!((&row[0], &row[1]), (&json!(hostile), &json!(products)), "{answer}");
            } else {
                assert_eq!(
                    result["_meta"]["pgwarden/error"]["rule"], "saved.parameter",
                    "{name} {hostile}: {answer}"
                );
            }
        }
    }
    let left: i64 = admin.query_one("SELECT count(*) FROM shop.products", &[]).await.unwrap().get(0);
    assert_eq!(left, products);
}

#[tokio::test]
async fn wrong_values_are_refused_before_anything_runs_with_what_they_may_be() {
    let database = Database::create(Template::Shop).await;
    let queries = query(
        "orders_of_status",
        "SELECT count(*) FROM shop.orders WHERE status = $1 AND customer_id % $2 = 0 AND ($3::date IS NULL OR ordered_at > $3::date)",
        &[
            "{ name = \"status\", type = \"text\", one_of = [\"paid\", \"shipped\"] }",
            "{ name = \"customer\", type = \"integer\", min = 1, max = 100, default = 1 }",
            "{ name = \"since\", type = \"date\", required = false }",
        ],
    );
    let mut peer = peer(&database, SHOP, &queries).await;
    for (arguments, message, hint) in [
        (
            json!({}),
            "parameter `status` of `orders_of_status` is missing",
            "give `status` as one of paid, shipped",
        ),
        (
            json!({"status": "lost"}),
            "parameter `status` of `orders_of_status` is none of its values",
            "give `status` as one of paid, shipped",
        ),
        (
            json!({"status": "paid", "customer": 0}),
            "parameter `customer` of `orders_of_status` is below 1",
            "give `customer` as a whole number, from 1 to 100",
        ),
        (
            json!({"status": "paid", "customer": 101}),
            "parameter `customer` of `orders_of_status` is above 100",
            "give `customer` as a whole number, from 1 to 100",
        ),
        (
            json!({"status": "paid", "customer": 1.5}),
            "parameter `customer` of `orders_of_status` is no value of its type",
            "give `customer` as a whole number, from 1 to 100",
        ),
        (
            json!({"status": "paid", "since": "yesterday"}),
            "parameter `since` of `orders_of_status` is no value of its type",
            "give `since` as a date as YYYY-MM-DD",
        ),
        (
            json!({"status": "paid", "custmer": 1}),
            "`orders_of_status` has no argument `custmer`",
            "did you mean `customer`?",
        ),
        (json!({"status": ["paid"]}), "argument `status` of `orders_of_status` must be one value", ""),
        (
            json!({"status": "paid", "sql": "SELECT 1"}),
            "`orders_of_status` has no argument `sql`",
            "use one of",
        ),
    ] {
        let error = refusal(&mut peer, "orders_of_status", arguments.clone()).await;
        assert_eq!(
            (&error["message"], &error["sqlstate"]),
            (&json!(message), &json!("22023")),
            "{arguments}"
        );
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{error}");
    }
    let all = rows(&mut peer, "orders_of_status", json!({"status": "paid"})).await;
    let few =
        rows(&mut peer, "orders_of_status", json!({"status": "paid", "customer": "100", "since": null}))
            .await;
    assert!(all[0][0].as_i64().unwrap() > few[0][0].as_i64().unwrap(), "{all} {few}");
}
