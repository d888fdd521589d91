//! A small share of what `scripts/soak` does for hours: generated statements, the same every time, through every gate.

use std::fs;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check, reprint};

use crate::generate::Generator;

const SEED: u64 = 1;
const STATEMENTS: usize = 2_000;
/// What the login of the fixture may read.
const VISIBLE: [&str; 8] =
    ["customers", "orders", "order_items", "products", "events", "order_summary", "daily", "Weird Name"];

#[test]
fn no_generated_statement_reaches_what_is_hidden() {
    let catalog = catalog();
    let policy = Policy::builtin();
    let cx = CheckContext::new(&catalog, &policy);
    let mut accepted = 0;
    for sql in statements() {
        let Ok(checked) = check(&sql, &cx) else { continue };
        accepted += 1;
        for relation in checked.relations() {
            let known = relation.schema == "public" && VISIBLE.contains(&relation.name.as_str());
            assert!(known, "{relation} in {sql}");
        }
        for function in checked.functions() {
            assert!(function.schema == "pg_catalog", "{function} in {sql}");
        }
        // What runs is the print: read by itself it reaches no further.
        let Ok(again) = check(checked.text(), &cx) else { continue };
        for relation in again.relations() {
            assert!(checked.relations().contains(relation), "{relation} in the print of {sql}");
        }
        for function in again.functions() {
            assert!(checked.functions().contains(function), "{function} in the print of {sql}");
        }
    }
    assert!(accepted * 5 > STATEMENTS, "only {accepted} accepted: the others show nothing");
}

#[test]
fn the_print_of_a_print_is_the_same() {
    let mut printed = 0;
    for sql in statements() {
        let Ok(print) = reprint(&sql) else { continue };
        // Parentheses round every operand may pass a limit that the caller's text keeps.
        let Ok(again) = reprint(&print) else { continue };
        assert_eq!(again, print, "{sql}");
        printed += 1;
    }
    assert!(printed * 5 > STATEMENTS, "only {printed} printed");
}

/// Found by comparing trees with PostgreSQL's own parser.
#[test]
fn not_before_exists_binds_looser_than_what_follows() {
    for (plain, meant) in [
        ("NOT EXISTS (SELECT 1) = b", "NOT (EXISTS (SELECT 1) = b)"),
        ("NOT EXISTS (SELECT 1) IS NULL", "NOT (EXISTS (SELECT 1) IS NULL)"),
        ("NOT EXISTS (SELECT 1) || b", "NOT (EXISTS (SELECT 1) || b)"),
        ("NOT EXISTS (SELECT 1) AND b", "(NOT EXISTS (SELECT 1)) AND b"),
        ("NOT NOT EXISTS (SELECT 1) IN (b)", "NOT (NOT (EXISTS (SELECT 1) IN (b)))"),
    ] {
        let print = |expression: &str| reprint(&format!("SELECT {expression} FROM t")).unwrap();
        assert_eq!(print(plain), print(meant), "{plain}");
    }
}

fn statements() -> impl Iterator<Item = String> {
    let text = fs::read_to_string("tests/fixtures/sql_cases.jsonl").unwrap();
    let case = |line: &str| {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        case["sql"].as_str().unwrap().to_owned()
    };
    let mut generator = Generator::new(SEED, text.lines().map(case).collect());
    (0..STATEMENTS).map(move |_| generator.statement())
}

fn catalog() -> Catalog {
    let text = fs::read_to_string("tests/fixtures/catalog.json").unwrap();
    let contents: CatalogContents =
        serde_json::from_str(&text).expect("tests/postgres/catalog_fixture.rs writes the fixture anew");
    Catalog::new(contents)
}
