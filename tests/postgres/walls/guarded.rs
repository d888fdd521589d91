//! The engine alone holds masks and filters: the login is a superuser, whom PostgreSQL denies no column and whom row
//! security passes by.

use std::sync::Arc;

use pgwarden::db::{self, RunLimits};
use pgwarden::embedded::Settings;
use pgwarden::policy::{Claims, Policy};
use pgwarden::sql::{CheckContext, check};
use tokio_util::sync::CancellationToken;

use crate::support::{Cluster, Database, Page, Template, gate_with, limits};

/// Marks stand in the rows of other countries, and under the masks.
const POLICY: &str = r#"
version = 1
include = []
[[allow]]
select = ["shop.customers", "shop.addresses", "shop.orders", "shop.products"]
[[deny]]
select = ["shop.customers.password_hash"]
[[mask]]
columns = ["shop.customers.email"]
with = "email"
[[mask]]
columns = ["shop.customers.tax_number"]
with = "null"
[[filter]]
relations = ["shop.addresses"]
where = "country = caller.country"
[[filter]]
relations = ["shop.customers"]
where = "id IN (SELECT a.customer_id FROM shop.addresses AS a WHERE a.country = caller.country)"
"#;

/// In rows that the filters hide, and in columns that are denied or masked.
const PLANTED: &str = "
    UPDATE shop.addresses SET line1 = 'HIDDEN-WALL-' || id, postal_code = 'HIDDEN-WALL' WHERE country <> 'NL';
    UPDATE shop.customers SET full_name = 'HIDDEN-WALL-' || id, loyalty_points = 987654321
      WHERE id NOT IN (SELECT customer_id FROM shop.addresses WHERE country = 'NL');
    UPDATE shop.customers SET password_hash = 'HIDDEN-WALL-' || id, tax_number = 'HIDDEN-WALL-' || id,
      email = 'x-hidden-wall-' || id || '@example.org';";
const MARKS: [&str; 3] = ["HIDDEN-WALL", "hidden-wall-", "987654321"];

const STATEMENTS: &[&str] = &[
    "SELECT * FROM shop.addresses",
    "SELECT * FROM shop.customers ORDER BY id DESC",
    "TABLE shop.customers",
    "SELECT a FROM shop.addresses AS a",
    "SELECT to_jsonb(c) FROM shop.customers AS c",
    "SELECT c::text FROM shop.customers AS c",
    "SELECT max(line1), min(line1) FROM shop.addresses",
    "SELECT max(loyalty_points), max(full_name) FROM shop.customers",
    "SELECT string_agg(email, ',') FROM shop.customers",
    "SELECT email FROM shop.customers WHERE email LIKE '%wall%'",
    "SELECT tax_number FROM shop.customers WHERE tax_number IS NOT NULL",
    "SELECT password_hash FROM shop.customers",
    "SELECT (c).password_hash FROM shop.customers AS c",
    "SELECT p FROM shop.customers AS c(a, b, d, e, f, g, h, i, j, k, l, m, n, p, q)",
    "SELECT line1::integer FROM shop.addresses",
    "SELECT full_name::integer FROM shop.customers",
    "SELECT 1 / (loyalty_points - 987654321) FROM shop.customers",
    "SELECT id FROM shop.addresses WHERE line1::integer = 0",
    "SELECT id FROM shop.addresses WHERE 'x' ~ ANY (ARRAY[line1])",
    "SELECT id FROM shop.addresses WHERE has_table_privilege(line1, 'select')",
    "SELECT line1 FROM shop.addresses WHERE country <> 'NL'",
    "SELECT line1 FROM shop.addresses WHERE country = 'DE' OR TRUE",
    "SELECT a.line1 FROM shop.orders AS o JOIN shop.addresses AS a ON a.id = o.address_id",
    "SELECT c.full_name FROM shop.orders AS o LEFT JOIN shop.customers AS c ON c.id = o.customer_id ORDER BY c.full_name",
    "SELECT c.full_name FROM shop.orders AS o RIGHT JOIN shop.customers AS c ON c.id = o.customer_id",
    "SELECT o.id, (SELECT c.full_name FROM shop.customers AS c WHERE c.id = o.customer_id) FROM shop.orders AS o",
    "SELECT l.line1 FROM shop.orders AS o, LATERAL (SELECT a.line1 FROM shop.addresses AS a WHERE a.customer_id = o.customer_id) AS l",
    "WITH a AS (SELECT * FROM shop.addresses) SELECT line1 FROM a UNION SELECT full_name FROM shop.customers",
    "SELECT line1 FROM shop.addresses EXCEPT SELECT line1 FROM shop.addresses WHERE country = 'NL'",
    "SELECT line1 FROM ONLY shop.addresses TABLESAMPLE BERNOULLI (100)",
    "SELECT full_name, row_number() OVER (ORDER BY loyalty_points DESC) FROM shop.customers",
    "SELECT percentile_disc(1.0) WITHIN GROUP (ORDER BY loyalty_points) FROM shop.customers",
    "SELECT (SELECT count(*) FROM shop.customers WHERE loyalty_points = 987654321) || '', full_name FROM shop.customers ORDER BY id LIMIT 5",
    "EXPLAIN SELECT * FROM shop.customers",
];

/// An error would come from a hidden row alone.
const TELLING: [&str; 3] = [
    "SELECT id FROM shop.customers WHERE 1 / (loyalty_points - 987654321) > 5",
    "SELECT id FROM shop.customers WHERE CASE WHEN full_name ~ '^HIDDEN' THEN full_name::integer = 1 END",
    "SELECT id FROM shop.addresses WHERE 1 / (length(postal_code) - length('HIDDEN-' || 'WALL')) > 5",
];

/// The hidden rows go: no answer may change.
const DELETED: &str = "
    SET session_replication_role = replica;
    DELETE FROM shop.customers WHERE id NOT IN (SELECT customer_id FROM shop.addresses WHERE country = 'NL');
    DELETE FROM shop.addresses WHERE country <> 'NL';";

/// What the caller reads of each statement: refusal or error, or columns, rows and notices.
async fn answers(gate: &Arc<db::Database>, cx: &CheckContext<'_>) -> Vec<(&'static str, bool, String)> {
    // All rows: a part of them would depend on their order.
    let limits = RunLimits { rows: 1_000_000, ..limits() };
    let mut answers = Vec::new();
    for &sql in STATEMENTS.iter().chain(&TELLING) {
        let mut page = Page::default();
        let ran = match check(sql, cx) {
            Err(no) => Err(no),
            Ok(checked) => gate.run(checked, &[], &limits, &mut page, &CancellationToken::new()).await,
        };
        let columns: Vec<&str> = page.columns.iter().map(|column| column.name.as_str()).collect();
        page.rows.sort();
        answers.push((sql, ran.is_ok(), format!("{ran:?} {columns:?} {:?}", page.rows)));
    }
    answers
}

#[tokio::test]
async fn pgwarden_alone_holds_masks_and_filters_over_a_superuser() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Shop).await;
    let admin = database.admin().await;
    admin.batch_execute(PLANTED).await.unwrap();
    let gate = gate_with(&database.admin_url(), |settings| {
        let powers = ["superuser", "bypassrls", "replication", "createrole"];
        settings.accepted.extend(powers.map(str::to_owned));
    });
    let catalog = gate.ready().await.unwrap();
    let policy = Policy::parse(POLICY, "wall").unwrap();
    let claims = Claims::from_iter([("country", "NL")]);
    let cx = CheckContext { claims: &claims, ..CheckContext::new(&catalog, &policy) };

    let planted = "SELECT count(*) FROM shop.addresses WHERE line1 LIKE 'HIDDEN-WALL%'";
    let planted: i64 = admin.query_one(planted, &[]).await.unwrap().get(0);
    assert!(planted > 100, "{planted} rows with a mark");
    let with_hidden = answers(&gate, &cx).await;
    // The caller's own words may be said again; whether they tell of a row, the second run shows.
    let shows =
        |(sql, _, text): &&(&str, bool, String)| MARKS.iter().any(|m| text.contains(m) && !sql.contains(m));
    let shown: Vec<_> =
        with_hidden.iter().filter(shows).map(|(sql, _, text)| (sql, format!("{text:.300}"))).collect();
    assert!(shown.is_empty(), "{shown:#?}");
    let answered = with_hidden.iter().filter(|(_, answered, _)| *answered).count();
    assert!(answered > STATEMENTS.len() / 2, "{answered} answered");
    assert!(with_hidden.iter().rev().take(TELLING.len()).all(|(_, answered, _)| *answered), "{:#?}", TELLING);

    admin.batch_execute(DELETED).await.unwrap();
    for (with, without) in with_hidden.iter().zip(answers(&gate, &cx).await) {
        assert!(*with == without, "{}: {:.300}\nwithout hidden rows {:.300}", with.0, with.2, without.2);
    }
}
