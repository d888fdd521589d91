use super::{Shelf, listed, read};
use crate::catalog::Catalog;
use crate::gateway::resource_uri::Address;
use crate::gateway::{CallLimits, shop};
use crate::policy::Policy;
use std::time::Duration;

fn limits() -> CallLimits {
    CallLimits { rows: 100, characters: 9_000, field_characters: 100, deadline: Duration::from_secs(5) }
}

fn shelf<'c>(catalog: &'c Catalog, policy: &'c Policy, limits: &'c CallLimits) -> Shelf<'c> {
    Shelf { database: "main db", visible: shop::visible(catalog), policy, limits, saved: Vec::new() }
}

fn at(uri: &str) -> Option<String> {
    let (catalog, policy, limits) = (shop::catalog(), shop::policy(), limits());
    let read = read(&shelf(&catalog, &policy, &limits), &Address::parse(uri)?).unwrap();
    read.map(|resource| resource.text)
}

fn text(parts: &[&str]) -> Option<String> {
    at(&format!("postgres://main%20db{}", parts.iter().map(|part| format!("/{part}")).collect::<String>()))
}

#[test]
fn the_list_goes_from_the_database_to_its_relations_and_hides_the_rest() {
    let catalog = shop::catalog();
    let uris: Vec<String> =
        listed("main db", &shop::visible(&catalog)).into_iter().map(|resource| resource.uri).collect();
    assert_eq!(
        uris,
        [
            "postgres://main%20db",
            "postgres://main%20db/shop",
            "postgres://main%20db/shop/Odd%20%22Name%22",
            "postgres://main%20db/shop/customers",
            "postgres://main%20db/shop/orders",
            "postgres://main%20db/shop/revenue",
        ]
    );
}

#[test]
fn the_database_lists_its_schemas_and_relations() {
    assert_eq!(
        text(&[]).unwrap(),
        "# Database `main db`\n\n> the web shop\n\n## Schema `shop`\n\n\
         - `shop.\"Odd \"\"Name\"\"\"` (table)\n\
         - `shop.customers` (table, about 1000 rows): people who bought something\n\
         - `shop.orders` (partitioned table): one line a purchase \\| by month\n\
         - `shop.revenue` (materialized view)\n"
    );
    assert!(
        text(&["shop"]).unwrap().starts_with("# Schema `shop`\n\n> what the shop sells\n\n- `shop.\"Odd")
    );
}

#[test]
fn a_relation_is_a_page() {
    assert_eq!(
        text(&["shop", "orders"]).unwrap(),
        "# Partitioned table `shop.orders`\n\n> one line a purchase | by month\n\n3 partitions\n\n\
         | Column | Type | Null | Default | Comment |\n| --- | --- | --- | --- | --- |\n\
         | id | bigint | no |  |  |\n| customer_id | bigint | no |  |  |\n\
         | status | shop.open_status | yes | 'placed'::shop.order_status | One of: placed, shipped |\n\
         \nKeys:\n\n- primary key: `id`\n\
         \nReferences:\n\n- `shop.customers` on `orders.customer_id = customers.id`\n"
    );
}

#[test]
fn hidden_and_missing_are_both_nothing() {
    for parts in
        [&["hr"][..], &["hr", "salaries"], &["shop", "secret_notes"], &["shop", "audit"], &["empty"], &["no"]]
    {
        assert_eq!(text(parts), None, "{parts:?}");
    }
    for parts in [&[][..], &["shop"], &["shop", "customers"], &["shop", "orders"]] {
        let page = text(parts).unwrap();
        for hidden in ["secret", "ssn", "salaries", "hr.", "audit"] {
            assert!(!page.contains(hidden), "{page}");
        }
    }
}
