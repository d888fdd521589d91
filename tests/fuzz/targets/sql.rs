//! Any text through every gate: no panic, no hang, nothing hidden accepted, nothing guarded left as it is, and a print
//! that is read as it was meant.

#![no_main]

use std::sync::LazyLock;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::policy::{Claims, Policy};
use pgwarden::sql::{CheckContext, check, reprint};

const CONTENTS: &str = include_str!("../../fixtures/catalog.json");
/// What the login of the fixture may read.
const VISIBLE: [&str; 9] = [
    "customers",
    "orders",
    "order_items",
    "products",
    "events",
    "order_summary",
    "daily",
    "Weird Name",
    "pg_catalog",
];

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let contents: CatalogContents = serde_json::from_str(CONTENTS).expect("the fixture is a catalog");
    Catalog::new(contents)
});
static POLICY: LazyLock<Policy> = LazyLock::new(Policy::builtin);
/// With a filter, a mask and a denied column over the relation that the seeds name most.
const GUARDING: &str = r#"
version = 1
include = []
[[allow]]
select = ["public.customers", "public.orders", "public.order_items", "public.products", "public.events"]
[[deny]]
select = ["*.*.ssn"]
[[mask]]
columns = ["*.*.email"]
with = "email"
[[filter]]
relations = ["public.customers"]
where = "country = caller.country"
"#;
static GUARDED: LazyLock<Policy> = LazyLock::new(|| Policy::parse(GUARDING, "fuzz").expect("a policy"));
static CLAIMS: LazyLock<Claims> = LazyLock::new(|| Claims::from_iter([("country", "NL")]));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(sql) = std::str::from_utf8(data) else { return };
    let cx = CheckContext::new(&CATALOG, &POLICY);
    if let Ok(checked) = check(sql, &cx) {
        for relation in checked.relations() {
            assert!(relation.schema == "public" && VISIBLE.contains(&relation.name.as_str()), "{relation}");
        }
        for function in checked.functions() {
            assert!(function.schema == "pg_catalog", "{function}");
        }
        // What runs is the print: read by itself it must not reach further.
        if let Ok(again) = check(checked.text(), &cx) {
            assert!(again.relations().iter().all(|relation| checked.relations().contains(relation)));
            assert!(again.functions().iter().all(|function| checked.functions().contains(function)));
        }
    }
    let cx = CheckContext { claims: &CLAIMS, ..CheckContext::new(&CATALOG, &GUARDED) };
    // In quotes the caller's text could hold what is looked for.
    if !sql.contains("\"customers\"")
        && let Ok(checked) = check(sql, &cx)
    {
        let text = checked.text();
        let times = |part: &str| text.matches(part).count();
        let named = times("\"public\".\"customers\"");
        assert_eq!(named, times("\"public\".\"customers\" AS \"pgwarden_row\""), "{text}");
        assert!(named == 0 || checked.is_guarded(), "{text}");
        assert_eq!(times("\"pgwarden_row\".\"ssn\""), 0, "{text}");
    }
    if let Ok(print) = reprint(sql) {
        if let Ok(again) = reprint(&print) {
            assert_eq!(print, again, "the print of a print is another one");
        }
    }
});
