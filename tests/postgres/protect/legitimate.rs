//! A wrap changes nothing for legitimate statements but what it keeps back.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::db;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, Checked, check};
use tokio_util::sync::CancellationToken;

use super::{Lab, policy};
use crate::support::{Database, Page, Template, gate};

const ALL_ROWS: &str = r#"
[[allow]]
select = ["lab.*"]
[[filter]]
relations = ["lab.customers", "lab.orders"]
where = "true"
"#;

#[tokio::test]
async fn grouping_by_a_primary_key_goes_on_working() {
    let lab = Lab::create(ALL_ROWS).await;
    for (sql, expected) in [
        (
            "SELECT c.id, c.name, count(*) FROM lab.customers c JOIN lab.orders o ON o.customer_id = c.id \
             GROUP BY c.id ORDER BY c.balance",
            "2|Bo|1 1|Ada|2 3|HIDDEN-Cleo|1",
        ),
        ("SELECT id, notes FROM lab.customers GROUP BY id ORDER BY id LIMIT 1", "1|{\"n\": 1}"),
        ("SELECT upper(name), max(points) FROM lab.customers GROUP BY id HAVING points < 0", "BO|-5"),
        (
            "SELECT id, name, count(*) FROM lab.customers GROUP BY GROUPING SETS ((id), (id, name)) ORDER BY 1, 2 LIMIT 2",
            "1|Ada|1 1|NULL|1",
        ),
    ] {
        assert_eq!(lab.rows(sql).await, expected, "{sql}");
    }
}

/// Their answer is another one each time.
const VOLATILE: &[&str] =
    &["random", "clock_timestamp", "gen_random_uuid", "now(", "timeofday", "_timestamp"];

/// Every legitimate labelled statement, with every relation behind a fence.
#[tokio::test]
async fn labelled_statements_give_the_same_rows_when_every_relation_is_wrapped() {
    let database = Database::create(Template::Cases).await;
    let gate = gate(&database.url("mcp_ro"));
    let catalog = gate.ready().await.unwrap();
    let names = |views: bool| -> String {
        let readable = catalog.relations().iter().filter(|relation| {
            relation.view.is_some() == views && relation.columns.iter().any(|column| column.selectable)
        });
        readable.map(|relation| format!("'{}',", relation.name.quoted())).collect()
    };
    let open = Policy::builtin();
    let fenced = policy(&format!(
        "[[allow]]\nselect = [\"*.*\"]\n[[allow]]\nselect = [{}]\ntrust = true\n[[filter]]\nrelations = [{}]\nwhere = \"length('x') > 0\"",
        names(true),
        names(false),
    ));
    let text = std::fs::read_to_string("tests/fixtures/sql_cases.jsonl").unwrap();
    let (mut compared, mut wrapped, mut wrong) = (0, 0, Vec::new());
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let sql = case["sql"].as_str().unwrap().replace("fx.", &format!("{}.", database.name()));
        let Ok(plain) = check(&sql, &CheckContext::new(&catalog, &open)) else { continue };
        if case["expect"] != "allow" || sql.to_ascii_lowercase().contains("explain") {
            continue;
        }
        match check(&sql, &CheckContext::new(&catalog, &fenced)) {
            Err(no) => wrong.push(format!("REFUSED {sql}\n   {no}")),
            Ok(behind) => {
                compared += 1;
                wrapped += usize::from(behind.text().contains("pgwarden_row"));
                let printed = behind.text().to_owned();
                let (one, other) = (rows(&gate, plain).await, rows(&gate, behind).await);
                let same = one == other || VOLATILE.iter().any(|name| sql.contains(name));
                if !same {
                    wrong.push(format!("DIFFERENT {sql}\n   {printed}\n   {one:?}\n   {other:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 125 && wrapped >= 80, "{compared} compared, {wrapped} with a wrap");
}

/// Sorted: without ORDER BY any order is right. Of an error only that it is one.
async fn rows(gate: &Arc<db::Database>, checked: Checked) -> Vec<String> {
    let limits =
        db::RunLimits { rows: 10_000, field_chars: 10_000, deadline: Duration::from_secs(20), planner: None };
    let mut page = Page::default();
    match gate.run(checked, &[], &limits, &mut page, &CancellationToken::new()).await {
        Ok(_) => {
            let mut rows: Vec<String> = page.rows.iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        }
        Err(no) => vec![format!("error {}", no.sqlstate)],
    }
}
