//! Errors that teach: what a mistake's answer says to do, where it points, and that it names nothing hidden.

use pgwarden::auth::Caller;
use pgwarden::gateway::{CallLimits, Gateway, QueryRequest, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::support::{Database, READER, Template, gate_with};

fn gateway(database: &Database<'_>, policy: Policy) -> Gateway {
    let limits = CallLimits {
        rows: 100,
        characters: 40_000,
        field_characters: 1_000,
        deadline: std::time::Duration::from_secs(30),
    };
    let gate = gate_with(&database.url(READER), |settings| settings.name = "shop".to_owned());
    Gateway::new(vec![Served::new(gate, policy)], limits, Telemetry::default())
}

async fn error(gateway: &Gateway, sql: &str) -> Diagnostic {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let asked = gateway.query(&Caller::local("tester"), request, &CancellationToken::new()).await;
    asked.err().unwrap_or_else(|| panic!("no error: {sql}"))
}

/// A mistake with `^` where the answer has to point, the SQLSTATE, and what the hint has to say.
const MISTAKES: [(&str, &str, &str); 36] = [
    ("SELECT ^status, count(*) FROM orders", "42803", "add orders.status to GROUP BY, or aggregate it: max("),
    (
        "SELECT o.status, ^o.channel, count(*) FROM orders AS o GROUP BY o.status",
        "42803",
        "add o.channel to GROUP BY",
    ),
    ("SELECT 1 FROM orders WHERE ^max(id) > 3", "42803", "HAVING"),
    ("SELECT sum(^max(id)) FROM orders", "42803", "in a subquery or WITH"),
    ("SELECT 1 FROM orders WHERE ^row_number() OVER () = 1", "42P20", "subquery or WITH"),
    ("SELECT id FROM orders WHERE ^id = 'abc'", "22P02", "a value of type bigint"),
    ("SELECT id\nFROM orders\nWHERE ^status = 'lost'", "22P02", "'pending', 'paid', 'packed'"),
    ("SELECT id FROM orders WHERE ^customer_id = channel", "42883", "(right)::integer, or (left)::text"),
    ("SELECT id FROM orders WHERE ^promised_on > 5", "42883", "(left)::integer, or (right)::date"),
    ("SELECT ^round(1.5::float8, 2)", "42883", "x::numeric"),
    ("SELECT id FROM orders UNION SELECT ^email FROM customers", "42804", "x::text"),
    ("SELECT id FROM orders UNION SELECT ^id, email FROM customers", "42601", "as many columns"),
    ("SELECT DISTINCT status FROM orders ORDER BY ^id", "42P10", "select list"),
    ("SELECT ^id::date FROM orders", "42846", "no such cast"),
    ("SELECT 1 / (id - id) FROM orders", "22012", "nullif"),
    ("SELECT 1 FROM orders WHERE (SELECT id FROM customers) = 1", "21000", "make it one row"),
    ("SELECT '2024-13-45'::date", "22008", "YYYY-MM-DD"),
    ("SELECT ^datediff(day, now(), now())", "42883", "subtract"),
    ("SELECT ^ifnull(1, 2)", "42883", "coalesce"),
    ("SELECT ^year(now())", "42883", "extract(year FROM x)"),
    ("SELECT ^group_concat(status) FROM orders", "42883", "string_agg"),
    ("SELECT ^lenght('a')", "42883", "did you mean `length`?"),
    ("SELECT TOP 5 id FROM orders", "0A000", "LIMIT"),
    ("SELECT id FROM orders LIMIT 5^, 10", "42601", "OFFSET 5"),
    ("SELECT ^`id` FROM orders", "0A000", "double quotes"),
    ("SELECT id FROM orders WHERE status == 'paid'", "42883", "`=`"),
    ("SELECT id FROM orders WHERE status = ^\"paid\"", "42703", "'paid'"),
    ("SELECT ^\"Status\" FROM orders", "42703", "did you mean `status`?"),
    ("SELECT ^emial FROM customers", "42703", "did you mean `email`? columns here: `id`, `customer_no`"),
    ("SELECT ^nonsense FROM customers", "42703", "columns here: `id`, `customer_no`"),
    (
        "SELECT ^loyalty_points FROM orders",
        "42703",
        "`loyalty_points` is a column of `shop.customers`; columns here",
    ),
    ("SELECT count(*) AS c FROM orders HAVING ^c > 1", "42703", "a column of the result"),
    ("SELECT id AS x FROM orders WHERE ^x = 1", "42703", "a column of the result"),
    ("SELECT ^id FROM orders o JOIN customers c ON c.id = o.customer_id", "42702", "`o.id` or `c.id`"),
    ("SELECT * FROM ^shop.oders", "42P01", "did you mean `shop.orders`?"),
    ("SELECT ^buyers.id FROM orders o", "42P01", "FROM names `o`"),
];

#[tokio::test]
async fn a_mistake_is_answered_with_its_place_and_what_to_do() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database, Policy::builtin());
    for (marked, sqlstate, advice) in MISTAKES {
        let sql = marked.replacen('^', "", 1);
        let error = error(&gateway, &sql).await;
        assert_eq!(error.sqlstate.as_str(), sqlstate, "{sql}: {error}");
        let hint = error.hint.as_deref().unwrap_or_default();
        assert!(hint.contains(advice), "{sql}: {hint}");
        let rendered = error.render(&sql);
        assert_eq!(rendered.matches("HINT").count(), 1, "{rendered}");
        assert!(!rendered.contains("pg_catalog"), "{rendered}");
        let pointed = error.position.map(|at| (at.line, at.column));
        let before = marked.split_once('^').map(|(before, _)| before);
        let expected = before.map(|before| {
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            (before.matches('\n').count() as u64 + 1, column as u64)
        });
        assert_eq!(pointed, expected, "{rendered}");
    }
}

/// Of everything hidden the name has the marker: a relation, a column, an enum's label, a function.
const HIDDEN: &str = "
    CREATE TYPE shop.grade AS ENUM ('kiwi_label', 'other');
    CREATE TABLE shop.kiwi_secrets (id integer, loyalty integer, kiwi_price numeric, grade shop.grade);
    CREATE SCHEMA kiwi;
    CREATE TABLE kiwi.orders_kiwi (id integer, promised integer);
    ALTER TABLE shop.customers ADD COLUMN kiwi_score integer;
    CREATE FUNCTION shop.kiwi_sum(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
    GRANT USAGE ON SCHEMA kiwi TO PUBLIC;
    GRANT SELECT ON ALL TABLES IN SCHEMA shop, kiwi TO PUBLIC;";
const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.orders\", \"shop.customers\"]\n\
    [[deny]]\nselect = [\"shop.customers.kiwi_score\"]\n";

#[tokio::test]
async fn no_mistake_is_answered_with_a_hidden_name() {
    let database = Database::create(Template::Shop).await;
    database.admin().await.batch_execute(HIDDEN).await.unwrap();
    let gateway = gateway(&database, Policy::parse(POLICY, "policy.toml").unwrap());
    gateway.ready().await.unwrap();
    let near = [
        "SELECT loyalty FROM shop.orders",
        "SELECT promised FROM shop.orders",
        "SELECT kiw_price FROM shop.orders",
        "SELECT kiw_score FROM shop.customers",
        "SELECT c.kiw_score FROM shop.customers c",
        "SELECT * FROM shop.kiw_secrets",
        "SELECT * FROM kiw_secret",
        "SELECT * FROM orders_kiw",
        "SELECT * FROM kiw.orders",
        "SELECT shop.kiw_sum(1)",
        "SELECT kiw_sum(1)",
        "SELECT 'x'::shop.grade",
        "SELECT 'x'::grade FROM shop.orders",
        "SELECT grade FROM shop.orders",
        "SELECT id FROM shop.customers WHERE grade = 'x'",
    ];
    for sql in near {
        let rendered = error(&gateway, sql).await.render(sql);
        assert!(!rendered.contains("kiwi"), "{rendered}");
    }
    for sql in MISTAKES.map(|(marked, ..)| marked.replacen('^', "", 1)) {
        let rendered = error(&gateway, &sql).await.render(&sql);
        assert!(!rendered.contains("kiwi"), "{rendered}");
    }
}

/// Labels, fields and bounds of types that only hidden columns have.
#[tokio::test]
async fn a_type_of_hidden_columns_only_does_not_exist() {
    let database = Database::create(Template::Shop).await;
    let types = "CREATE TYPE shop.kiwi_pair AS (kiwi_a integer, b text);
        CREATE TYPE shop.kiwi_range AS RANGE (subtype = integer);
        CREATE TABLE shop.kiwi_things (pair shop.kiwi_pair, bounds shop.kiwi_range);";
    database.admin().await.batch_execute(&format!("{types}{HIDDEN}")).await.unwrap();
    let gateway = gateway(&database, Policy::parse(POLICY, "policy.toml").unwrap());
    gateway.ready().await.unwrap();
    for (hidden, missing) in [
        ("SELECT enum_range(NULL::shop.grade)", "SELECT enum_range(NULL::shop.grabe)"),
        ("SELECT 'x'::shop.grade[]", "SELECT 'x'::shop.grabe[]"),
        ("SELECT NULL::shop.kiwi_pair", "SELECT NULL::shop.kiwi_pear"),
        ("SELECT NULL::shop.kiwi_range", "SELECT NULL::shop.kiwi_mange"),
    ] {
        let said = error(&gateway, hidden).await.render("").replace("grade", "grabe");
        let said = said.replace("kiwi_pair", "kiwi_pear").replace("kiwi_range", "kiwi_mange");
        assert_eq!(said, error(&gateway, missing).await.render(""), "{hidden}");
    }
    // Of a column that may be seen.
    let request =
        QueryRequest { sql: "SELECT 'paid'::shop.order_status".to_owned(), ..QueryRequest::default() };
    gateway.query(&Caller::local("tester"), request, &CancellationToken::new()).await.unwrap();
}
