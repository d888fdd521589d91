use serde_json::{Value, json};

use super::describe;
use crate::gateway::shop;
use crate::pg::Diagnostic;

fn described(names: &[&str], characters: usize) -> Result<Value, Diagnostic> {
    let catalog = shop::catalog();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    describe(&shop::visible(&catalog), &names, characters).map(|described| described.0)
}

#[test]
fn a_table_is_described_without_what_is_hidden() {
    assert_eq!(
        described(&["customers"], 40_000).unwrap(),
        json!({ "relations": [{
            "relation": "shop.customers", "schema": "shop", "name": "customers", "kind": "table",
            "comment": "people who bought something", "row_estimate": 1000,
            "columns": [
                { "name": "id", "type": "bigint", "not_null": true, "identity": true },
                { "name": "email", "type": "text", "comment": "where invoices go" },
                { "name": "age_group", "type": "text" },
            ],
            "keys": [{ "primary": true, "columns": ["id"] }],
            "referenced_by": [
                { "relation": "shop.orders", "join": "shop.orders.customer_id = shop.customers.id" },
            ],
            "indexes": ["CREATE UNIQUE INDEX customers_pkey ON shop.customers USING btree (id)"],
            "checks": ["CHECK ((email ~~ '%@%'::text))"],
        }] })
    );
}

#[test]
fn a_partitioned_table_tells_its_partitions_keys_and_enum_labels() {
    assert_eq!(
        described(&["shop.orders"], 40_000).unwrap()["relations"][0],
        json!({
            "relation": "shop.orders", "schema": "shop", "name": "orders", "kind": "partitioned table",
            "comment": "one line a purchase | by month", "partitions": 3,
            "columns": [
                { "name": "id", "type": "bigint", "not_null": true },
                { "name": "customer_id", "type": "bigint", "not_null": true },
                {
                    "name": "status", "type": "shop.open_status", "default": "'placed'::shop.order_status",
                    "enum_labels": ["placed", "shipped"],
                },
            ],
            "keys": [{ "primary": true, "columns": ["id"] }],
            "foreign_keys": [
                { "relation": "shop.customers", "join": "shop.orders.customer_id = shop.customers.id" },
            ],
        })
    );
}

#[test]
fn a_partition_names_its_parent_and_a_view_its_row_security() {
    let answer = described(&["orders_2025_01", "revenue"], 40_000).unwrap();
    assert_eq!(answer["relations"][0]["partition_of"], "shop.orders");
    assert_eq!(answer["relations"][1]["kind"], "materialized view");
    assert_eq!(answer["relations"][1]["row_security"], true);
    assert_eq!(answer["relations"][1].get("row_estimate"), None);
}

#[test]
fn a_relation_named_twice_is_described_once() {
    assert_eq!(
        described(&["orders", "shop.orders"], 40_000).unwrap()["relations"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn an_unknown_relation_is_refused_with_the_closest_visible_one() {
    let refusal = described(&["orders", "shop.custmers"], 40_000).unwrap_err();
    assert_eq!(
        refusal.render(""),
        "ERROR:  42P01: relation `shop.custmers` does not exist\nHINT:  did you mean `shop.customers`?"
    );
}

#[test]
fn too_long_a_description_says_how_many_fit() {
    let refusal = described(&["orders", "customers"], 900).unwrap_err();
    assert_eq!(refusal.sqlstate.as_str(), "54000");
    assert_eq!(refusal.hint.as_deref(), Some("describe 1 relations at once"));
    let refusal = described(&["orders"], 100).unwrap_err();
    assert!(refusal.hint.unwrap().contains("LIMIT 0"));
}

#[test]
fn nothing_to_describe_is_refused() {
    assert_eq!(described(&[], 40_000).unwrap_err().sqlstate.as_str(), "22023");
    assert_eq!(described(&["orders"; 51], 40_000).unwrap_err().sqlstate.as_str(), "22023");
}
