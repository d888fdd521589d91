//! Statements that write, over the catalog of the fixture: what is accepted and how it is shown, what is refused and by
//! which rule; and what is true of every text that PostgreSQL gets.

use std::fs;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, CheckedWrite, WriteKind, WriteOptions, check, check_write};

use crate::generate::Generator;

/// Seven tables may be written, two of them one column only; of customers a part may be read.
const POLICY: &str = r#"
version = 1
include = []
[[allow]]
select = ["public.*"]
[[allow]]
insert = [
  "public.orders", "public.order_items", "public.events", "public.customers", "public.secrets.token", "public.daily",
  "public.order_summary", "public.Weird Name",
]
[[allow]]
update = [
  "public.orders", "public.order_items", "public.events", "public.products.price", "public.customers",
  "public.Weird Name",
]
[[allow]]
delete = ["public.orders", "public.order_items", "public.events"]
[[deny]]
update = ["public.orders.total"]
reason = "totals are computed"
[[deny]]
select = ["public.customers.country"]
[[mask]]
columns = ["public.customers.email"]
with = "email"
[[filter]]
relations = ["public.customers"]
where = "manager_id = 7"
[[check]]
relations = ["public.events"]
condition = "kind IN ('view', 'click')"
"#;

const PLAIN: WriteOptions = WriteOptions { before: false };
const BEFORE: WriteOptions = WriteOptions { before: true };

fn catalog() -> Catalog {
    let text = fs::read_to_string("tests/fixtures/catalog.json").unwrap();
    let contents: CatalogContents =
        serde_json::from_str(&text).expect("tests/postgres/catalog_fixture.rs writes the fixture anew");
    Catalog::new(contents)
}

/// Of the fixture: accepted or not, the statement, what comes of it.
fn cases() -> Vec<(bool, String, String)> {
    let text = fs::read_to_string("tests/fixtures/write_cases.txt").unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let case = |pair: &[&str]| {
        let (sql, outcome) = (pair[0], pair[1].strip_prefix("= ").unwrap());
        (sql.starts_with("+ "), sql[2..].to_owned(), outcome.to_owned())
    };
    lines.chunks(2).map(case).collect()
}

#[test]
fn each_statement_is_shown_as_it_is_or_refused_for_its_reason() {
    let catalog = catalog();
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    let cx = CheckContext::new(&catalog, &policy);
    let (mut accepted, mut refused) = (0, 0);
    for (good, sql, expected) in cases() {
        match check_write(&sql, &cx, &PLAIN) {
            Ok(write) => {
                assert!(good, "{sql} is accepted: {}", write.statement());
                assert_eq!(write.statement(), expected, "{sql}");
                accepted += 1;
            }
            Err(no) => {
                assert!(!good, "{sql} is refused: {no:?}");
                let rule = no.rule.unwrap();
                assert_eq!(format!("{} {rule}: {}", no.sqlstate, no.message), expected, "{sql}");
                refused += 1;
            }
        }
    }
    assert!(accepted >= 70 && refused >= 130, "{accepted} {refused}");
}

/// What must be true of every text, whatever the statement was.
fn holds(sql: &str, write: &CheckedWrite, cx: &CheckContext<'_>) {
    let text = write.text();
    assert_eq!(write.relations()[0], *write.target(), "{sql}");
    assert!(write.reach().contains(&write.target_oid()), "{sql}");
    let returning = text.contains(" RETURNING ");
    assert_eq!(returning, write.has_returning(), "{sql}: {text}");
    assert_eq!(write.has_returning(), write.kind() != WriteKind::Merge, "{sql}");
    // What is kept back of customers is read through nothing but the subquery or under the name of ours.
    for (at, _) in text.match_indices(r#""public"."customers""#) {
        let behind = &text[at..];
        assert!(behind.starts_with(r#""public"."customers" AS "pgwarden_row""#), "{sql}: {text}");
    }
    for hidden in
        [r#""private"."#, r#""public"."secret_view""#, r#""pgwarden_row"."country""#, r#""customers"."ssn""#]
    {
        assert!(!text.contains(hidden), "{sql}: {text}");
    }
    // What a person approves is the same statement, and nothing of the policy's is in it.
    assert!(!write.statement().contains("pgwarden"), "{sql}: {}", write.statement());
    // Parentheses round every operand may pass a limit that the caller's text keeps.
    let Ok(again) = check_write(write.statement(), cx, &PLAIN) else { return };
    assert_eq!((again.statement(), again.text()), (write.statement(), text), "{sql}");
}

#[test]
fn what_is_shown_is_what_runs_and_hidden_columns_are_in_neither() {
    let catalog = catalog();
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    let cx = CheckContext::new(&catalog, &policy);
    for (_, sql, _) in cases().into_iter().filter(|(good, ..)| *good) {
        let write = check_write(&sql, &cx, &PLAIN).unwrap();
        holds(&sql, &write, &cx);
        // Neither text is a query.
        for text in [write.text(), write.statement()] {
            assert_eq!(check(text, &cx).unwrap_err().rule.unwrap(), "sql.statement_kind", "{text}");
            assert!(check_write(text, &cx, &PLAIN).is_ok() || text == write.text(), "{text}");
        }
        let Ok(kept) = check_write(&sql, &cx, &BEFORE) else { continue };
        assert_eq!(kept.statement(), write.statement(), "{sql}");
        let has_old = matches!(write.kind(), WriteKind::Update | WriteKind::Delete);
        assert_eq!(kept.text().contains("to_jsonb\"(\"pgwarden_old\".*)"), has_old, "{sql}: {}", kept.text());
    }
}

#[test]
fn columns_that_the_caller_asks_for_are_counted() {
    let catalog = catalog();
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    let cx = CheckContext::new(&catalog, &policy);
    for (sql, returns) in [
        ("UPDATE orders SET status = 'x'", 0),
        ("UPDATE orders SET status = 'x' RETURNING id", 1),
        ("UPDATE orders SET status = 'x' RETURNING *, id", 8),
        ("UPDATE orders SET status = 'x' FROM products AS p RETURNING *", 16),
        ("UPDATE customers SET name = 'x' RETURNING customers.*", 7),
        ("DELETE FROM order_items RETURNING order_items.*, 1", 6),
    ] {
        assert_eq!(check_write(sql, &cx, &PLAIN).unwrap().returns(), returns, "{sql}");
    }
}

/// Writes round generated queries, the same every time.
#[test]
fn no_generated_statement_writes_or_reads_what_is_hidden() {
    const VISIBLE: [&str; 8] =
        ["customers", "orders", "order_items", "products", "events", "order_summary", "daily", "Weird Name"];
    let catalog = catalog();
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    let cx = CheckContext::new(&catalog, &policy);
    let text = fs::read_to_string("tests/fixtures/sql_cases.jsonl").unwrap();
    let seeds = text.lines().map(|line| {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        case["sql"].as_str().unwrap().to_owned()
    });
    let mut generator = Generator::new(7, seeds.collect());
    let (mut accepted, mut all) = (0, 0);
    for round in 0..1_500 {
        let query = generator.statement();
        let query = query.trim_end().trim_end_matches(';');
        let sql = match round % 8 {
            0 => format!("INSERT INTO orders (status) {query}"),
            1 => format!("INSERT INTO customers (name) VALUES (({query})) RETURNING *"),
            2 => format!("UPDATE orders SET meta = to_jsonb(({query})) RETURNING *"),
            3 => format!("UPDATE customers AS c SET name = 'x' WHERE EXISTS ({query})"),
            4 => format!("UPDATE customers AS c SET (name, attrs) = ({query}) WHERE c.id < 3"),
            5 => format!("DELETE FROM orders USING ({query}) AS q"),
            6 => format!("WITH q AS ({query}) UPDATE events SET kind = 'view' WHERE id IN (SELECT 1 FROM q)"),
            _ => format!("MERGE INTO orders USING ({query}) AS q ON true WHEN MATCHED THEN DELETE"),
        };
        all += 1;
        let Ok(write) = check_write(&sql, &cx, &PLAIN) else { continue };
        accepted += 1;
        for relation in write.relations() {
            let known = relation.schema == "public" && VISIBLE.contains(&relation.name.as_str());
            assert!(known, "{relation} in {sql}");
        }
        for function in write.functions() {
            assert!(function.schema == "pg_catalog", "{function} in {sql}");
        }
        holds(&sql, &write, &cx);
    }
    assert!(accepted * 5 > all, "only {accepted} of {all} accepted: the others show nothing");
}
