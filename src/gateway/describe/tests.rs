use serde_json::{Value, json};

use super::{bounded, named, shape_of, within};
use crate::gateway::notes::Notes;
use crate::gateway::{DescribeRequest, shop};
use crate::pg::Diagnostic;

fn described(names: &[&str], characters: usize) -> Result<Value, Diagnostic> {
    described_with(shop::NOTES, names, characters)
}

fn described_with(notes: &str, names: &[&str], characters: usize) -> Result<Value, Diagnostic> {
    let (catalog, notes) = (shop::catalog(), Notes::parse(notes, "notes.toml").unwrap());
    let relations: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let request = DescribeRequest { relations, ..DescribeRequest::default() };
    bounded(&request)?;
    let visible = shop::visible(&catalog).noted(&notes);
    let shapes = named(&visible, &request.relations)?.into_iter();
    within(shapes.map(|relation| (relation, shape_of(&visible, relation))).collect(), characters)
        .map(|described| described.0)
}

#[test]
fn a_table_is_described_without_what_is_hidden() {
    assert_eq!(
        described(&["customers"], 40_000).unwrap(),
        json!({ "relations": [{
            "relation": "shop.customers", "kind": "table",
            "comment": "people who bought something",
            "note": "Everybody with an account.", "synonyms": ["clients"],
            "questions": ["Who bought something last week?"],
            "row_estimate": 1000,
            "columns": [
                { "name": "id", "type": "bigint", "not_null": true, "identity": true },
                { "name": "email", "type": "text", "comment": "where invoices go" },
                {
                    "name": "age_group", "type": "text",
                    "note": "Ten years each.", "unit": "years", "synonyms": ["cohort"],
                },
            ],
            "keys": [{ "primary": true, "columns": ["id"] }],
            "referenced_by": [
                { "relation": "shop.orders", "join": "orders.customer_id = customers.id" },
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
            "relation": "shop.orders", "kind": "partitioned table",
            "comment": "one line a purchase | by month", "synonyms": ["purchases"], "partitions": 3,
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
                { "relation": "shop.customers", "join": "orders.customer_id = customers.id" },
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
    let refusal = described(&["orders", "customers"], 1_000).unwrap_err();
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

#[test]
fn masks_and_filters_are_told_in_words_and_not_how() {
    let catalog = shop::catalog();
    let rules = r#"
        [[filter]]
        relations = ["shop.customers"]
        where = "ssn = '1'"

        [[mask]]
        columns = ["shop.customers.email"]
        with = { keep_last = 4 }

        [[mask]]
        columns = ["shop.customers.age_group"]
        with = { expression = "substr(ssn, 1)" }
        predicates = true
    "#;
    let visible = shop::visible_with(&catalog, rules);
    let shape = shape_of(&visible, visible.resolve("customers").unwrap());
    assert_eq!(shape["filtered"], "only some rows are visible to you (filter[1])");
    assert_eq!(shape.get("row_estimate"), None, "the count would tell of the others");
    let masked: Vec<&Value> =
        shape["columns"].as_array().unwrap().iter().map(|column| &column["masked"]).collect();
    let email = "only the last 4 characters; not in conditions (mask[1])";
    let group = "what the policy makes of it; conditions see the mask (mask[2])";
    assert_eq!(masked, [&Value::Null, &json!(email), &json!(group)]);
    assert!(!shape.to_string().contains("ssn"), "{shape}");
    assert_eq!(visible.open_columns(visible.resolve("customers").unwrap()).count(), 0);
}

#[test]
fn statistics_are_for_columns_without_a_mask_of_relations_without_a_filter() {
    let catalog = shop::catalog();
    let open = |rules: &str, relation: &str| {
        let visible = shop::visible_with(&catalog, rules);
        let relation = visible.resolve(relation).unwrap();
        visible.open_columns(relation).map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(open("", "customers"), ["id", "email", "age_group"]);
    let mask = "[[mask]]\ncolumns = [\"*.*.email\"]\nwith = \"null\"";
    assert_eq!(open(mask, "customers"), ["id", "age_group"]);
    let filter = "[[filter]]\nrelations = [\"shop.orders\"]\nwhere = \"id = 1\"";
    assert_eq!(open(filter, "orders"), [""; 0]);
    assert_eq!(open(filter, "orders_2025_01"), [""; 0], "a partition has its table's filter");
    assert_eq!(open("", "revenue"), [""; 0], "row security hides rows");
}
