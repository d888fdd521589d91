//! Saved queries are held against the database and its policies before anybody calls them.

use std::path::Path;

use super::*;
use crate::support::Template;

async fn faults(database: &Database<'_>, policy: &str, queries: &str) -> Vec<String> {
    let policy = Policy::parse(policy, "policy.toml").unwrap();
    let served = served("shop", database, policy, parsed(queries));
    served.database.ready().await.unwrap();
    served.saved_faults().await.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_postgresql_takes_a_parameter_for_is_what_it_must_be() {
    let database = Database::create(Template::Shop).await;
    let of = |kind: &str| format!("{{ name = \"p\", type = \"{kind}\" }}");
    for (sql, kind, fault) in [
        (
            "SELECT id FROM shop.orders WHERE id = $1",
            "integer",
            "q.toml:5:35: `p` is integer, PostgreSQL takes `$1` for int8: declare `bigint`, or write `$1::integer`",
        ),
        (
            "SELECT id FROM shop.reviews WHERE rating = $1",
            "integer",
            "q.toml:5:35: `p` is integer, PostgreSQL takes `$1` for int2: write `$1::integer`",
        ),
        (
            "SELECT id FROM shop.products WHERE price > $1",
            "text",
            "q.toml:5:35: `p` is text, PostgreSQL takes `$1` for numeric: declare `numeric`, or write `$1::text`",
        ),
        (
            "SELECT $1 AS p",
            "date",
            "q.toml:5:35: `p` is date, PostgreSQL takes `$1` for text: declare `text`, or write `$1::date`",
        ),
        (
            "SELECT 1 AS one",
            "date",
            "q.toml:4:7: `some_query` declares 1 and its statement has 0 parameters (`$1`, ..)",
        ),
        (
            "SELECT $1::date, $2::date",
            "date",
            "q.toml:4:7: `some_query` declares 1 and its statement has 2 parameters (`$1`, ..)",
        ),
    ] {
        assert_eq!(faults(&database, SHOP, &query("some_query", sql, &[&of(kind)])).await, [fault], "{sql}");
    }
    for (sql, kind) in [
        ("SELECT id FROM shop.orders WHERE id = $1", "bigint"),
        ("SELECT id FROM shop.orders WHERE status = $1", "text"),
        ("SELECT id FROM shop.orders WHERE customer_id = $1", "integer"),
        ("SELECT id FROM shop.orders WHERE ordered_at > $1", "timestamptz"),
        ("SELECT id FROM shop.orders WHERE promised_on > $1", "date"),
        ("SELECT id FROM shop.customers WHERE marketing_opt_in = $1", "boolean"),
        ("SELECT id FROM shop.customers WHERE email = $1", "text"),
        ("SELECT $1::uuid AS p", "uuid"),
    ] {
        assert_eq!(faults(&database, SHOP, &query("some_query", sql, &[&of(kind)])).await, [""; 0], "{sql}");
    }
}

#[tokio::test]
async fn a_statement_that_every_policy_refuses_is_a_fault_with_its_place() {
    let database = Database::create(Template::Shop).await;
    let staff = query("of_staff", "SELECT count(*)\nFROM staff.payroll", &[]);
    let told = faults(&database, SHOP, &(query("fine_one", "SELECT 1 AS one", &[]) + &staff)).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("q.toml:9:7: `of_staff` is refused to everybody: relation `staff.payroll` does not exist (line 2, column 6 of the statement)"), "{told:?}");
    let written = query("writes_it", "DELETE FROM shop.orders", &[]);
    assert!(faults(&database, SHOP, &written).await[0].contains("`writes_it` is refused to everybody"));
    let without = SHOP.replace("include", "tools = [\"query\"]\ninclude");
    let none = faults(&database, &without, &query("fine_one", "SELECT 1 AS one", &[])).await;
    assert_eq!(
        none,
        ["q.toml:4:7: `fine_one`: no policy of this database has the tools of the group `saved`"]
    );

    // Only a caller with the claim can be told; the types hold all the same.
    let by_claim =
        format!("{SHOP}[[filter]]\nrelations = [\"shop.orders\"]\nwhere = \"channel = caller.channel\"\n");
    let right = query(
        "of_orders",
        "SELECT id FROM shop.orders WHERE id = $1",
        &["{ name = \"p\", type = \"bigint\" }"],
    );
    assert_eq!(faults(&database, &by_claim, &right).await, [""; 0]);
    assert_eq!(faults(&database, &by_claim, &right.replace("bigint", "uuid")).await.len(), 1);
}

#[tokio::test]
async fn the_demo_s_queries_fit_the_sample_and_answer() {
    let database = Database::create(Template::Shop).await;
    let source = SavedSource::load(Path::new("policies/demo.queries.toml"), is_built_in).unwrap();
    let served = served("shop", &database, Policy::builtin(), source);
    served.database.ready().await.unwrap();
    assert_eq!(served.saved_faults().await, []);
    let mut peer = peer_of(gateway_of(vec![served]).await).await;
    for (name, arguments, least) in [
        ("revenue_by_category", json!({"from_date": "2026-01-01", "to_date": "2026-03-31"}), 10),
        ("late_deliveries", json!({}), 50),
        ("late_deliveries", json!({"days": 2, "carrier": "Kestrel"}), 1),
        ("orders_of_customer", json!({"customer_no": "C-000001"}), 1),
    ] {
        let rows = rows(&mut peer, name, arguments.clone()).await;
        assert!(rows.as_array().unwrap().len() >= least, "{name} {arguments}: {rows}");
    }
}
