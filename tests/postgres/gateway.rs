//! The use cases against a real database: what a caller gets, and what a caller never sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pgwarden::auth::Caller;
use pgwarden::gateway::{
    CallLimits, DescribeRequest, Format, Gateway, QueryOutput, QueryRequest, SearchRequest, Served,
};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{CORNER_READER, Database, READER, Template, gate_with, unfenced, until};

fn limits() -> CallLimits {
    CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline: Duration::from_secs(30) }
}

fn gateway_of(urls: &[(&str, String)], limits: CallLimits) -> Gateway {
    let served = urls.iter().map(|(name, url)| {
        let database = gate_with(url, |settings| settings.name = (*name).to_owned());
        Served::new(database, Policy::builtin())
    });
    Gateway::new(served.collect(), limits, Telemetry::default())
}

fn gateway(database: &Database<'_>) -> Gateway {
    gateway_of(&[("shop", database.url(READER))], limits())
}

fn caller() -> Caller {
    Caller::local("tester")
}

fn described(relations: Vec<String>) -> DescribeRequest {
    DescribeRequest { relations, ..DescribeRequest::default() }
}

async fn ask(gateway: &Gateway, request: QueryRequest) -> Result<QueryOutput, Diagnostic> {
    gateway.query(&caller(), request, &CancellationToken::new()).await
}

async fn query(gateway: &Gateway, sql: &str) -> Result<QueryOutput, Diagnostic> {
    ask(gateway, QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() }).await
}

fn rows(output: &QueryOutput) -> Value {
    serde_json::from_str(output.rows.get()).unwrap()
}

#[tokio::test]
async fn a_query_answers_with_columns_and_rows() {
    let database = Database::create(Template::Shop).await;
    let sql = "SELECT status, count(*) AS n FROM orders GROUP BY status ORDER BY n DESC LIMIT 2";
    let output = query(&gateway(&database), sql).await.unwrap();
    let columns: Vec<(&str, &str)> =
        output.columns.iter().map(|column| (column.name.as_str(), column.type_name.as_str())).collect();
    assert_eq!(columns, [("status", "shop.order_status"), ("n", "bigint")]);
    assert_eq!((output.row_count, output.truncated), (2, false));
    assert_eq!(rows(&output)[0][0], "delivered");
}

#[tokio::test]
async fn endless_rows_answer_with_a_first_page_within_the_budget() {
    let database = Database::create(Template::Shop).await;
    let started = Instant::now();
    let output = query(&gateway(&database), "SELECT * FROM generate_series(1, 1000000000)").await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!((output.row_count, output.truncated), (1_000, true));
    assert!(output.truncated_reason.as_ref().unwrap().contains("ORDER BY"));
    let output = query(&gateway(&database), "SELECT * FROM orders CROSS JOIN order_items").await.unwrap();
    assert!(output.truncated && output.row_count > 100);
    assert!(serde_json::to_string(&output).unwrap().chars().count() <= 40_000);
}

#[tokio::test]
async fn a_huge_stored_value_arrives_cut_and_marked() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let make = format!(
        "CREATE TABLE shop.huge (id integer, body text);
         INSERT INTO shop.huge VALUES (1, pg_catalog.repeat('é', 20000000));
         GRANT SELECT ON shop.huge TO {READER}"
    );
    admin.batch_execute(&make).await.unwrap();
    let gateway = gateway(&database);
    let started = Instant::now();
    let output = query(&gateway, "SELECT id, body FROM shop.huge").await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    let body = rows(&output)[0][1].as_str().unwrap().to_owned();
    assert_eq!(body, format!("{}…[cut]", "é".repeat(4_000)));
    assert!(output.truncated_reason.unwrap().contains("substr(column::text, 4001, 4000)"));
    let rest = query(&gateway, "SELECT substr(body::text, 4001, 4000) FROM shop.huge").await.unwrap();
    assert_eq!((rest.truncated, rows(&rest)[0][0].as_str().unwrap().chars().count()), (false, 4_000));
}

#[tokio::test]
async fn other_formats_come_as_text() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let sql = "SELECT * FROM (VALUES (1, 'a,b'), (2, NULL), (3, '')) AS v (id, word)";
    let formatted = async |format| {
        let request = QueryRequest { sql: sql.to_owned(), format, ..QueryRequest::default() };
        unfenced(&ask(&gateway, request).await.unwrap().text.unwrap())
    };
    assert_eq!(formatted(Format::Csv).await, "id,word\r\n1,\"a,b\"\r\n2,\r\n3,\"\"\r\n");
    assert_eq!(
        formatted(Format::Markdown).await,
        "\n| id | word |\n| ---: | --- |\n| 1 | a,b |\n| 2 | NULL |\n| 3 |  |\n\n"
    );
}

#[tokio::test]
async fn parameters_are_values_and_a_refusal_has_its_query_id() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let request = |params: &[Option<&str>]| QueryRequest {
        sql: "SELECT $1::integer + 1 AS n, $2::text AS t".to_owned(),
        params: params.iter().map(|value| value.map(str::to_owned)).collect(),
        ..QueryRequest::default()
    };
    let output = ask(&gateway, request(&[Some("41"), Some("'; DROP TABLE x")])).await.unwrap();
    assert_eq!(rows(&output), json!([[42, "'; DROP TABLE x"]]));
    let output = ask(&gateway, request(&[None, None])).await.unwrap();
    assert_eq!(rows(&output), json!([[null, null]]));
    let one = ask(&gateway, request(&[Some("x"), None])).await.unwrap_err();
    let other = ask(&gateway, request(&[])).await.unwrap_err();
    assert_eq!((one.sqlstate.as_str(), other.sqlstate.as_str()), ("22P02", "22023"));
    let ids = [one.query_id.unwrap(), other.query_id.unwrap()];
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 16));
}

#[tokio::test]
async fn a_long_statement_is_checked_like_a_short_one() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let list: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
    let sql = format!("SELECT count(*) FROM orders WHERE id IN ({})", list.join(", "));
    assert_eq!(rows(&query(&gateway, &sql).await.unwrap()), json!([[1_999]]));
    let refusal = query(&gateway, &sql.replace("orders", "staff.payroll")).await.unwrap_err();
    assert_eq!(refusal.sqlstate.as_str(), "42P01");
}

#[tokio::test]
async fn a_relation_that_was_made_meanwhile_is_found() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    query(&gateway, "SELECT 1").await.unwrap();
    assert_eq!(query(&gateway, "SELECT * FROM shop.later").await.unwrap_err().sqlstate.as_str(), "42P01");
    let make = format!("CREATE TABLE shop.later (id integer); GRANT SELECT ON shop.later TO {READER}");
    database.admin().await.batch_execute(&make).await.unwrap();
    until("the new relation is found by query", || async {
        query(&gateway, "SELECT * FROM shop.later").await.ok().map(drop)
    })
    .await;
    let names = vec!["shop.later".to_owned()];
    gateway.describe(&caller(), described(names), &CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_call_ends_in_postgresql() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    query(&gateway, "SELECT 1").await.unwrap();
    let admin = database.admin().await;
    let running = || async {
        let sql = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = $1 AND usename = $2 AND state = 'active' AND query LIKE '%cross_joined%'";
        let count: i64 = admin.query_one(sql, &[&database.name(), &READER]).await.unwrap().get(0);
        count
    };
    let cancel = CancellationToken::new();
    let endless = "SELECT count(*) AS cross_joined FROM order_items a, order_items b, order_items c";
    let call = tokio::spawn({
        let (gateway, cancel) = (gateway.clone(), cancel.clone());
        let request = QueryRequest { sql: endless.to_owned(), ..QueryRequest::default() };
        async move { gateway.query(&caller(), request, &cancel).await }
    });
    until("it runs", || async { (running().await > 0).then_some(()) }).await;
    let started = Instant::now();
    cancel.cancel();
    assert_eq!(call.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    until("it is gone", || async { (running().await == 0).then_some(()) }).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_call_past_its_deadline_ends_and_says_so() {
    let database = Database::create(Template::Shop).await;
    let short = CallLimits { deadline: Duration::from_millis(1_500), ..limits() };
    let gateway = gateway_of(&[("shop", database.url(READER))], short);
    gateway.ready().await.unwrap();
    let started = Instant::now();
    let endless = "SELECT count(*) FROM order_items a, order_items b, order_items c";
    let late = query(&gateway, endless).await.unwrap_err();
    assert_eq!(late.sqlstate.as_str(), "57014");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn several_databases_are_told_apart_by_name() {
    let one = Database::create(Template::Shop).await;
    let two = Database::create(Template::Shop).await;
    let gateway = gateway_of(&[("one", one.url(READER)), ("two", two.url(READER))], limits());
    assert_eq!(gateway.databases(), ["one", "two"]);
    let in_database = |database: Option<&str>| QueryRequest {
        sql: "SELECT current_database()".to_owned(),
        database: database.map(str::to_owned),
        ..QueryRequest::default()
    };
    assert_eq!(rows(&ask(&gateway, in_database(Some("two"))).await.unwrap()), json!([[two.name()]]));
    let unnamed = ask(&gateway, in_database(None)).await.unwrap_err();
    assert_eq!(unnamed.hint.as_deref(), Some("set `database` to one of `one`, `two`"));
    let unknown = ask(&gateway, in_database(Some("three"))).await.unwrap_err();
    assert_eq!(unknown.message, "database `three` does not exist");
    let resources = gateway.list_resources(&caller()).await.unwrap();
    assert!(resources.iter().any(|resource| resource.uri == "postgres://two/shop/orders"));
}

#[tokio::test]
async fn the_schema_tools_and_resources_name_nothing_that_is_hidden() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway_of(&[("shop", database.url(CORNER_READER))], limits());
    let hidden = hidden_names(&database).await;
    assert!(hidden.len() > 10, "{hidden:?}");
    let told = everything_told(&gateway).await;
    assert!(told.len() > 80, "{}", told.len());
    // One table has a hidden name inside of a name of its own.
    for value in told.iter().filter(|value| !value.to_string().contains("INJECTION-0")) {
        let words = words(value);
        for name in &hidden {
            assert!(!words.contains(name), "`{name}` in {value}");
        }
    }
    for name in ["staff.payroll", "app.api_keys", "corner.vault"] {
        let names = vec![name.to_owned()];
        let refusal =
            gateway.describe(&caller(), described(names), &CancellationToken::new()).await.unwrap_err();
        assert_eq!(refusal.message, format!("relation `{name}` does not exist"));
        let uri = format!("postgres://shop/{}", name.replace('.', "/"));
        assert_eq!(gateway.read_resource(&caller(), &uri).await.unwrap(), None);
    }
}

#[tokio::test]
async fn hidden_columns_are_not_in_keys_indexes_checks_or_defaults() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let sql = "SELECT a.attrelid::regclass::text, a.attname::text \
               FROM pg_attribute AS a \
               WHERE a.attrelid IN ('shop.customers'::regclass, 'shop.payments'::regclass, 'staff.employees'::regclass, \
                                    'app.sessions'::regclass) \
                 AND a.attnum > 0 AND NOT has_column_privilege($1, a.attrelid, a.attnum, 'SELECT')";
    let hidden = database.admin().await.query(sql, &[&READER]).await.unwrap();
    assert!(hidden.len() >= 5, "{}", hidden.len());
    for row in hidden {
        let (relation, column): (String, String) = (row.get(0), row.get(1));
        let names = vec![relation.clone()];
        let cancel = CancellationToken::new();
        let described = gateway.describe(&caller(), described(names), &cancel).await.unwrap().0;
        assert!(!words(&described).contains(&column), "`{column}` in {described}");
    }
}

/// What search, describe and the resources say.
async fn everything_told(gateway: &Gateway) -> Vec<Value> {
    let cancel = CancellationToken::new();
    let mut told = Vec::new();
    for words in ["", "salary", "ssn", "password hash", "payroll", "vault", "api key", "secret", "iban"] {
        let request = SearchRequest { query: words.to_owned(), limit: Some(500), ..SearchRequest::default() };
        let mut answer = gateway.search_objects(&caller(), request, &cancel).await.unwrap().0;
        told.append(answer["objects"].as_array_mut().unwrap());
    }
    let names: Vec<String> =
        told.iter().map(|object| object["relation"].as_str().unwrap().to_owned()).collect();
    for name in names {
        told.push(gateway.describe(&caller(), described(vec![name]), &cancel).await.unwrap().0);
    }
    for resource in gateway.list_resources(&caller()).await.unwrap() {
        let read = gateway.read_resource(&caller(), &resource.uri).await.unwrap().unwrap();
        assert_eq!(read.uri, resource.uri);
        told.push(json!([read.uri, read.name]));
    }
    told
}

/// Relations that the login may not read, as `schema.name`.
async fn hidden_names(database: &Database<'_>) -> Vec<String> {
    let sql = "SELECT n.nspname || '.' || c.relname AS name \
               FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
               WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_|^information_schema$' \
                 AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0) \
                 AND NOT has_any_column_privilege($1, c.oid, 'SELECT')";
    let rows = database.admin().await.query(sql, &[&CORNER_READER]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Every word but those of comments: what the DBA wrote for readers stays as it is.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Object(object) => {
            object.iter().filter(|(key, _)| *key != "comment").flat_map(|(_, value)| words(value)).collect()
        }
        Value::Array(array) => array.iter().flat_map(words).collect(),
        Value::String(text) => text.split([' ', '(', ')', ',']).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_database_that_is_not_ready_is_listed_with_the_reason_and_hides_no_other() {
    let shop = Database::create(Template::Shop).await;
    let admin_url = shop.admin_url();
    let gateway = gateway_of(&[("powerful", admin_url), ("shop", shop.url(READER))], limits());
    assert_eq!(gateway.ready().await.unwrap_err().sqlstate.as_str(), "28000");
    let resources = gateway.list_resources(&caller()).await.unwrap();
    assert_eq!(resources[0].uri, "postgres://powerful");
    assert!(resources[0].description.contains("over-privileged: superuser"), "{}", resources[0].description);
    assert!(resources.iter().any(|resource| resource.uri == "postgres://shop/shop"));
    let request = QueryRequest {
        sql: "SELECT 1".to_owned(),
        database: Some("powerful".to_owned()),
        ..QueryRequest::default()
    };
    let refusal = ask(&gateway, request).await.unwrap_err();
    assert!(refusal.hint.unwrap().contains("--accept superuser"));
}

/// One event per decision and one per run, by whom and on what; never a value.
#[tokio::test]
async fn every_call_leaves_its_decision_and_its_run_in_the_log() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    query(&gateway, "SELECT 1").await.unwrap();
    let log = Log::default();
    let written = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || written.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let params = vec![Some("C-000001".to_owned())];
    let sql = "SELECT full_name FROM customers WHERE customer_no = $1".to_owned();
    ask(&gateway, QueryRequest { sql, params, ..QueryRequest::default() }).await.unwrap();
    query(&gateway, "SELECT * FROM staff.payroll").await.unwrap_err();
    drop(guard);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |target: &str| -> Vec<&Value> {
        lines.iter().filter(|line| line["target"] == target).map(|line| &line["fields"]).collect()
    };
    let [allowed, denied] = of("pgwarden::decision")[..] else { panic!("{text}") };
    assert_eq!((&allowed["decision"], &allowed["subject"]), (&json!("allow"), &json!("tester")));
    assert_eq!((&allowed["relations"], &allowed["policy"]), (&json!("shop.customers"), &json!("builtin")));
    assert_eq!((&denied["decision"], &denied["rule"]), (&json!("deny"), &json!("sql.relations")));
    assert_eq!(denied["sqlstate"], "42P01");
    let [run] = of("pgwarden::run")[..] else { panic!("{text}") };
    assert_eq!((&run["rows"], &run["outcome"]), (&json!(1), &json!("Completed")));
    assert_eq!(run["query_id"], allowed["query_id"]);
    assert!(!text.contains("C-000001") && !text.contains("Greta"), "{text}");
}

/// The refusal that the README shows is the one that is given.
#[tokio::test]
async fn the_readme_shows_a_real_refusal() {
    let database = Database::create(Template::Shop).await;
    let readme = std::fs::read_to_string("README.md").unwrap();
    let shown = readme.split("## A refusal").nth(1).unwrap().split("```").nth(1).unwrap();
    let (command, answer) = shown.split_once("\nERROR:").unwrap();
    let sql = command.split('\'').nth(1).unwrap();
    let refusal = query(&gateway(&database), sql).await.unwrap_err();
    assert_eq!(refusal.render(sql), format!("ERROR:{}", answer.trim_end()));
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_cut_answer_says_how_many_rows_there_are_where_no_row_is_hidden() {
    let database = Database::create(Template::Shop).await;
    database.admin().await.batch_execute("ANALYZE shop.products").await.unwrap();
    let count = query(&gateway(&database), "SELECT count(*) FROM shop.products").await.unwrap();
    let about = format!("(about {} in all)", rows(&count)[0][0]);
    let reason = async |policy: &str, sql: &str| {
        let policy = Policy::parse(&format!("version = 1\ninclude = []\n{policy}"), "p.toml").unwrap();
        let gate = gate_with(&database.url(READER), |settings| settings.name = "shop".to_owned());
        let gateway = Gateway::new(vec![Served::new(gate, policy)], limits(), Telemetry::default());
        let request = QueryRequest { sql: sql.to_owned(), limit: Some(2), ..QueryRequest::default() };
        ask(&gateway, request).await.unwrap().truncated_reason.unwrap()
    };
    let open = "[[allow]]\nselect = [\"shop.*\"]\n";
    for whole in ["SELECT * FROM shop.products", "SELECT p.id, name FROM products p ORDER BY name"] {
        let said = reason(open, whole).await;
        assert!(said.contains(&about), "{whole}: {said}");
    }
    for part in [
        "SELECT * FROM shop.products WHERE id > 3",
        "SELECT DISTINCT name FROM shop.products",
        "SELECT generate_series(1, 9) FROM shop.products",
        "SELECT p.id FROM shop.products p, shop.orders",
        "SELECT id FROM shop.products OFFSET 1",
    ] {
        let said = reason(open, part).await;
        assert!(!said.contains("about"), "{part}: {said}");
    }
    let filter = "[[filter]]\nrelations = [\"shop.products\"]\nwhere = \"id > 3\"\n";
    let said = reason(&format!("{open}{filter}"), "SELECT * FROM shop.products").await;
    assert!(!said.contains("about"), "{said}");
}
