//! How often a call allocates: what is kept here cannot creep up unseen. Needs no server, and an allocator that counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use allocation_counter::{AllocationInfo, measure};
use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::gateway::encoded;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, Encoding, Extent, ProjectedColumn, check};

const LOOKUP: &str = "SELECT id, name, email, country FROM customers WHERE id = $1";
const JOINS: &str = "SELECT c.id, c.name, o.id AS order_id, o.status, o.total, i.qty, p.sku, p.category \
    FROM customers AS c JOIN orders AS o ON o.customer_id = c.id JOIN order_items AS i ON i.order_id = o.id \
    JOIN products AS p ON p.id = i.product_id WHERE o.status = 'paid' AND p.active ORDER BY o.total DESC LIMIT 100";

/// Of the second run: what is made once is there by then.
fn counted(mut work: impl FnMut()) -> AllocationInfo {
    work();
    measure(work)
}

fn within(what: &str, counted: &AllocationInfo, count: u64, bytes_at_once: u64) {
    println!("{what}: {} allocations, {} bytes at once", counted.count_total, counted.bytes_max);
    assert!(counted.count_total <= count, "{what}: {} allocations, {count} are allowed", counted.count_total);
    assert!(
        counted.bytes_max <= bytes_at_once,
        "{what}: {} bytes at once, {bytes_at_once} are allowed",
        counted.bytes_max
    );
}

#[test]
fn a_check_allocates_within_bounds() {
    let text = std::fs::read_to_string("tests/fixtures/catalog.json").unwrap();
    let catalog = Catalog::new(serde_json::from_str::<CatalogContents>(&text).unwrap());
    let policy = Policy::builtin();
    for (what, sql, count, bytes) in
        [("a lookup", LOOKUP, 400, 40_000), ("three joins", JOINS, 1_700, 90_000)]
    {
        let checked = || drop(check(sql, &CheckContext::new(&catalog, &policy)).expect("it is allowed"));
        within(what, &counted(checked), count, bytes);
    }
}

#[test]
fn encoding_allocates_by_the_answer_and_not_by_the_row() {
    let plain = [
        ("id", Encoding::Number),
        ("body", Encoding::Text),
        ("ok", Encoding::Boolean),
        ("note", Encoding::Text),
    ];
    let row = [Some("42"), Some("a note of some words"), Some("true"), None];
    within("100 rows", &encoding(&plain, &row, 100), 80, 40_000);
    // The buffer doubles; nothing is made for a row.
    within("10,000 rows", &encoding(&plain, &row, 10_000), 100, 3_000_000);
}

#[test]
fn a_text_with_characters_to_escape_allocates_a_few_times() {
    let text = [Some("say \"hi\"\n")];
    within("100 texts to escape", &encoding(&[("body", Encoding::Text)], &text, 100), 320, 40_000);
}

#[test]
fn a_document_allocates_for_its_keys_alone() {
    let column = [("attrs", Encoding::Json)];
    let row = [Some("{\"k\": [1, null], \"tag\": \"t7\"}")];
    within("100 documents of two keys", &encoding(&column, &row, 100), 400, 40_000);
}

fn encoding(columns: &[(&str, Encoding)], row: &[Option<&str>], rows: usize) -> AllocationInfo {
    let column = |(name, encoding): &(&str, Encoding)| ProjectedColumn {
        name: (*name).to_owned(),
        type_name: "text".to_owned(),
        encoding: *encoding,
        extent: Extent::Cut,
    };
    let columns: Vec<_> = columns.iter().map(column).collect();
    let rows = vec![row.to_vec(); rows];
    counted(|| drop(encoded(&columns, &rows, 10_000_000).expect("it fits")))
}
