use serde_json::{Value, json};

use super::search;
use crate::gateway::{SearchRequest, shop};

fn found(request: &SearchRequest, characters: usize) -> Value {
    let catalog = shop::catalog();
    search(&shop::visible(&catalog), request, characters).unwrap().0
}

fn search_for(query: &str) -> Value {
    found(&SearchRequest { query: query.to_owned(), ..SearchRequest::default() }, 40_000)
}

fn names(answer: &Value) -> Vec<&str> {
    answer["objects"].as_array().unwrap().iter().map(|o| o["relation"].as_str().unwrap()).collect()
}

#[test]
fn a_hit_says_what_it_is_and_which_columns_matched() {
    assert_eq!(
        search_for("customer email"),
        json!({
            "objects": [
                {
                    "relation": "shop.customers", "schema": "shop", "name": "customers", "kind": "table",
                    "comment": "people who bought something", "row_estimate": 1000, "columns": ["email"],
                },
                {
                    "relation": "shop.orders", "schema": "shop", "name": "orders", "kind": "partitioned table",
                    "comment": "one line a purchase | by month", "partitions": 3, "columns": ["customer_id"],
                },
            ],
            "total": 2,
            "truncated": false,
        })
    );
}

#[test]
fn words_are_found_in_names_columns_comments_and_enum_labels() {
    assert_eq!(names(&search_for("orders")), ["shop.orders"]);
    assert_eq!(names(&search_for("purchases")), ["shop.orders"]);
    assert_eq!(names(&search_for("invoice")), ["shop.customers"]);
    assert_eq!(search_for("invoice")["objects"][0]["columns"], json!(["email"]));
    assert_eq!(search_for("shipped")["objects"][0]["columns"], json!(["status"]));
    assert_eq!(names(&search_for("REVENUE")), ["shop.revenue"]);
    assert_eq!(names(&search_for("odd name")), ["shop.\"Odd \"\"Name\"\"\""]);
}

#[test]
fn a_misspelt_word_finds_what_it_meant() {
    assert_eq!(names(&search_for("custmers"))[0], "shop.customers");
    assert_eq!(names(&search_for("zebra")), Vec::<&str>::new());
}

#[test]
fn no_words_and_a_limit_list_all_with_partitions_folded() {
    let request = SearchRequest { limit: Some(10), ..SearchRequest::default() };
    let answer = found(&request, 40_000);
    assert_eq!(
        names(&answer),
        ["shop.\"Odd \"\"Name\"\"\"", "shop.customers", "shop.orders", "shop.revenue"]
    );
    assert_eq!(answer["objects"][1]["columns"], json!(["id", "email", "age_group"]));
    assert_eq!(answer["objects"][3]["kind"], "materialized view");
    assert_eq!(answer["objects"][3].get("row_estimate"), None, "row security hides the count too");
}

#[test]
fn no_words_give_the_overview() {
    let lines = [
        "\"Odd \"\"Name\"\"\"",
        "customers ~1000 (id): people who bought something",
        "orders [3 partitions] (id) customer_id>customers: one line a purchase | by month",
        "revenue [materialized view]",
    ];
    assert_eq!(
        search_for(" "),
        json!({
            "schemas": [{"schema": "shop", "comment": "what the shop sells", "relations": lines}],
            "legend": "name ~rows (primary key) column>referenced relation: comment",
            "detail": "full", "total": 4, "truncated": false,
        })
    );
}

#[test]
fn hidden_names_are_nowhere_whatever_is_asked() {
    let queries =
        ["", "secret", "secret_notes", "ssn", "salaries", "hr", "audit", "amount", "sn", "orders_id_seq"];
    for query in queries {
        let text = search_for(query).to_string();
        for hidden in ["secret", "ssn", "salaries", "audit", "\"hr", "_seq"] {
            assert!(!text.contains(hidden), "{query}: {text}");
        }
    }
    assert_eq!(search_for("secret")["total"], 0);
    assert_eq!(search_for("ssn")["total"], 0);
}

#[test]
fn a_limit_and_a_small_reply_are_told_from_the_whole() {
    let request = SearchRequest { limit: Some(1), ..SearchRequest::default() };
    let answer = found(&request, 40_000);
    assert_eq!((names(&answer).len(), &answer["total"], &answer["truncated"]), (1, &json!(4), &json!(true)));
    let request = SearchRequest { limit: Some(9), ..SearchRequest::default() };
    let answer = found(&request, 600);
    assert!(names(&answer).len() < 4 && answer["truncated"] == json!(true));
    assert!(answer.to_string().chars().count() <= 600);
}

#[test]
fn a_schema_narrows_and_a_hidden_one_does_not_exist() {
    let in_schema = |schema: &str| {
        let catalog = shop::catalog();
        let request = SearchRequest { schema: Some(schema.to_owned()), ..SearchRequest::default() };
        search(&shop::visible(&catalog), &request, 40_000).map(|answer| answer.0["total"].clone())
    };
    assert_eq!(in_schema("shop").unwrap(), json!(4));
    let hidden = in_schema("hr").unwrap_err();
    assert_eq!(hidden.message, "schema `hr` does not exist");
    assert_eq!(hidden.hint.as_deref(), Some("there is `shop`"));
}
