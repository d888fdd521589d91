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
/// Filters by a claim (one merged, one that needs a fence), masks, and denied columns that the login may read.
const GUARDING: &str = r#"
version = 1
include = []
[[allow]]
select = ["public.customers", "public.orders", "public.order_items", "public.products", "public.events"]
[[deny]]
select = ["*.*.ssn", "public.customers.attrs", "public.order_items.price"]
[[mask]]
columns = ["*.*.email"]
with = "email"
[[mask]]
columns = ["public.orders.meta"]
with = "null"
[[filter]]
relations = ["public.customers"]
where = "country = caller.country"
[[filter]]
relations = ["public.orders"]
where = "customer_id IN (SELECT e.customer_id FROM public.events AS e WHERE e.kind = caller.kind)"
"#;
const ALLOWED: [&str; 5] = ["customers", "orders", "order_items", "products", "events"];
/// By hand: the name of each guarded relation, what is selected from it, and its filter, as [`outline`] gives them.
const WRAPS: [(&str, &str, Option<&str>); 3] = [
    (
        r#""public"."customers""#,
        concat!(
            r#"(SELECT "pgwarden_row"."id", "pgwarden_row"."name", "#,
            r#"CAST(CASE WHEN (CAST("pgwarden_row"."email" AS "pg_catalog"."text") IS NULL) "#,
            r#"THEN CAST(NULL AS "pg_catalog"."text") "#,
            r#"WHEN ("pg_catalog"."strpos"(CAST("pgwarden_row"."email" AS "pg_catalog"."text"), '') "#,
            r#"OPERATOR(pg_catalog.>) 2) "#,
            r#"THEN ("pg_catalog"."left"(CAST("pgwarden_row"."email" AS "pg_catalog"."text"), 1) "#,
            r#"OPERATOR(pg_catalog.||) '' OPERATOR(pg_catalog.||) "#,
            r#""pg_catalog"."split_part"(CAST("pgwarden_row"."email" AS "pg_catalog"."text"), '', 2)) "#,
            r#"ELSE '' END AS "pg_catalog"."text") AS "email", "pgwarden_row"."country", "#,
            r#""pgwarden_row"."tags", "pgwarden_row"."created_at", "pgwarden_row"."manager_id" FROM "#,
        ),
        Some(r#"("pgwarden_row"."country" OPERATOR(pg_catalog.=) $)"#),
    ),
    (
        r#""public"."orders""#,
        concat!(
            r#"(SELECT "pgwarden_row"."id", "pgwarden_row"."customer_id", "pgwarden_row"."status", "#,
            r#""pgwarden_row"."total", "pgwarden_row"."ordered_at", "pgwarden_row"."shipped_on", "#,
            r#"CAST(NULL AS "pg_catalog"."jsonb") AS "meta" FROM "#,
        ),
        Some(concat!(
            r#"("pgwarden_row"."customer_id" OPERATOR(pg_catalog.=) ANY (SELECT "e"."customer_id" "#,
            r#"FROM "public"."events" AS "e" WHERE ("e"."kind" OPERATOR(pg_catalog.=) $)))"#,
        )),
    ),
    (
        r#""public"."order_items""#,
        concat!(
            r#"(SELECT "pgwarden_row"."order_id", "pgwarden_row"."line", "pgwarden_row"."product_id", "#,
            r#""pgwarden_row"."qty" FROM "#,
        ),
        None,
    ),
];
const CLAIMED: &str = "a claim is no text";
static GUARDED: LazyLock<Policy> = LazyLock::new(|| Policy::parse(GUARDING, "fuzz").expect("a policy"));
static CLAIMS: LazyLock<Claims> =
    LazyLock::new(|| Claims::from_iter([("country", CLAIMED), ("kind", CLAIMED)]));

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
    guarded(sql);
    if let Ok(print) = reprint(sql) {
        if let Ok(again) = reprint(&print) {
            assert_eq!(print, again, "the print of a print is another one");
        }
    }
});

/// Nothing beyond the policy, and each guarded relation in its wrap, whole.
fn guarded(sql: &str) {
    let unknown = CheckContext::new(&CATALOG, &GUARDED);
    let cx = CheckContext { claims: &CLAIMS, ..unknown };
    let Ok(checked) = check(sql, &cx) else { return };
    let text = checked.text();
    let reads = |name: &str| checked.relations().iter().any(|relation| relation.name == name);
    for relation in checked.relations() {
        assert!(relation.schema == "public" && ALLOWED.contains(&relation.name.as_str()), "{relation}");
    }
    assert!(!text.contains(CLAIMED) || sql.contains(CLAIMED), "{text}");
    // A print may be over the limits of a caller's text.
    if let Ok(again) = reprint(text) {
        assert_eq!(text, again, "the print of a guarded statement is another one");
    }
    let filtered = reads("customers") || reads("orders");
    assert!(!filtered || check(sql, &unknown).is_err(), "rows without the claim: {text}");
    assert!(checked.is_guarded() || !filtered && !reads("order_items"), "{text}");

    let outline = outline(text);
    let times = |part: &str| outline.matches(part).count();
    // An alias of the caller's could make a column look like a relation.
    if times("\"public\"") > times("\"public\".") {
        return;
    }
    for (name, items, filter) in WRAPS {
        let mut found = 0;
        for (at, _) in outline.match_indices(name).filter(|(at, _)| !outline[..*at].ends_with('.')) {
            found += 1;
            let before = outline[..at].strip_suffix("ONLY ").unwrap_or(&outline[..at]);
            assert!(before.ends_with(items), "what is shown of {name}: {text}");
            let after = outline[at + name.len()..].strip_prefix(" AS \"pgwarden_row\"");
            let after = inside(after.unwrap_or_else(|| panic!("{name} is bare: {text}")));
            let condition =
                after.split_once(" WHERE ").map(|(_, condition)| condition.trim_start_matches('('));
            let filter = filter.map(|filter| filter.trim_start_matches('('));
            let kept = filter.is_none_or(|filter| condition.is_some_and(|it| it.starts_with(filter)));
            assert!(kept, "the rows of {name}: {text}");
            for denied in ["ssn", "attrs", "price"] {
                assert!(!after.contains(&format!("\"pgwarden_row\".\"{denied}\"")), "{denied}: {text}");
            }
        }
        let named = reads(name.trim_start_matches("\"public\".").trim_matches('"'));
        assert_eq!(named, found > 0, "{name}: {text}");
    }
}

/// The print with empty strings and parameters without their numbers; names are left as they are.
fn outline(text: &str) -> String {
    let mut outline = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\'', '$']) {
        outline.push_str(&rest[..at]);
        let sign = &rest[at..=at];
        let behind = &rest[at + 1..];
        rest = match sign {
            "$" if behind.starts_with('q') => {
                let tag = &rest[at..at + 2 + behind.find('$').expect("a tag ends")];
                let (_, after) = rest[at + tag.len()..].split_once(tag).expect("a string ends");
                outline.push_str("''");
                after
            }
            "$" => {
                outline.push('$');
                behind.trim_start_matches(|digit: char| digit.is_ascii_digit())
            }
            quote => {
                let (inner, after) = behind.split_once(quote).expect("what is quoted ends");
                outline.push_str(quote);
                if quote == "\"" {
                    outline.push_str(inner);
                }
                outline.push_str(quote);
                after
            }
        };
    }
    outline + rest
}

/// Up to the parenthesis that closes what the outline is inside of.
fn inside(outline: &str) -> &str {
    let mut depth = 0_usize;
    let mut quoted = false;
    for (at, sign) in outline.char_indices() {
        match sign {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => return &outline[..at],
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    outline
}
