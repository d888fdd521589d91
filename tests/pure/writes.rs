//! Statements that write, over the catalog of the fixture: what is accepted and how it is printed, what is refused and
//! by which rule.

use std::fs;

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::policy::{Claims, Policy};
use pgwarden::sql::{CheckContext, CheckedWrite, WriteOptions, check_write};

pub fn catalog() -> Catalog {
    let text = fs::read_to_string("tests/fixtures/catalog.json").unwrap();
    let contents: CatalogContents =
        serde_json::from_str(&text).expect("tests/postgres/catalog_fixture.rs writes the fixture anew");
    Catalog::new(contents)
}

/// Everything of six tables may be written, one column of a seventh; of customers a part may be read.
pub const POLICY: &str = r#"
version = 1
include = []
[[allow]]
select = ["public.*"]
[[allow]]
insert = ["public.orders", "public.order_items", "public.events", "public.customers", "public.secrets.token", "public.daily", "public.order_summary", "public.Weird Name"]
[[allow]]
update = ["public.orders", "public.order_items", "public.events", "public.products.price", "public.customers", "public.Weird Name"]
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

#[test]
fn scratch() {
    let catalog = catalog();
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    let cx = CheckContext::new(&catalog, &policy);
    for sql in fs::read_to_string("/tmp/wsql_cases.txt").unwrap().lines() {
        match check_write(sql, &cx, &WriteOptions::default()) {
            Ok(w) => println!("@+ {sql}\n@  {}", w.statement()),
            Err(e) => println!(
                "@- {sql}\n@  {} {} | {} | {}",
                e.sqlstate,
                e.rule.unwrap_or_default(),
                e.message,
                e.hint.unwrap_or_default()
            ),
        }
    }
    let _: Option<(Claims, CheckedWrite)> = None;
}
