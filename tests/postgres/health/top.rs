//! `top_queries`: numbers of everybody's statements, and of whose statements more is told.

use pgwarden::auth::Caller;
use pgwarden::db::StatementOrder;
use pgwarden::gateway::{Gateway, TopQueriesRequest};
use pgwarden::pg::Diagnostic;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{ALL, empty, gateway, run, watcher};
use crate::support::Database;

async fn top(gateway: &Gateway, by: StatementOrder, limit: Option<u64>) -> Result<Value, Diagnostic> {
    let request = TopQueriesRequest { database: None, by, limit };
    gateway.top_queries(&Caller::local("anna"), request, &CancellationToken::new()).await.map(|top| top.0)
}

/// The statements of `application`, who has run each of them as often as its place in the list says.
async fn database_of(setup: &str, statements: &[&str]) -> Database<'static> {
    let database = empty().await;
    run(&database, setup).await;
    run(&database, "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()").await;
    let application = database.admin().await;
    for (statement, times) in statements.iter().zip(1..) {
        for _ in 0..times {
            application.query(*statement, &[]).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }
    database
}

/// The entry of the statement that was called so often, among those of the application.
fn called(answer: &Value, calls: usize) -> Value {
    let queries = answer["queries"].as_array().unwrap();
    queries
        .iter()
        .find(|query| query["calls"] == calls)
        .unwrap_or_else(|| panic!("{calls}: {answer:#}"))
        .clone()
}

const SHOP: &str =
    "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, note text); CREATE TABLE shop.lines (id int);
    INSERT INTO shop.orders SELECT n, 'x' FROM generate_series(1, 200) AS n; CREATE TABLE alone (id int)";

#[tokio::test]
async fn numbers_and_relations_are_told_and_texts_where_the_policy_says_so() {
    let mut statements = vec!["SELECT 1 WHERE FALSE"; 40];
    statements.extend([
        "SELECT id FROM shop.orders WHERE note = 'pw-41' /* by ada */ ORDER BY 1",
        "INSERT INTO shop.lines SELECT id FROM alone WHERE id = 4242",
    ]);
    let database = database_of(SHOP, &statements).await;
    let watcher = watcher(&database).await;
    let plain = gateway(&database, Some(&watcher), ALL).await;
    let answer = top(&plain, StatementOrder::Calls, Some(3)).await.unwrap();
    assert_eq!((&answer["by"], &answer["truncated"]), (&json!("calls"), &json!(false)));
    assert_eq!(answer["queries"].as_array().unwrap().len(), 3);
    let select = called(&answer, 41);
    assert_eq!((&select["relations"], &select["rows"]), (&json!(["shop.orders"]), &json!(0)));
    assert!(select["total_ms"].as_f64().unwrap() > 0.0 && select["queryid"].is_string(), "{select}");
    assert_eq!(called(&answer, 42)["relations"], json!(["shop.lines", "public.alone"]));
    assert!(!answer.to_string().contains("SELECT"), "no texts: {answer}");

    let texts = gateway(&database, Some(&watcher), &format!("query_texts = true\n{ALL}")).await;
    let answer = top(&texts, StatementOrder::Calls, None).await.unwrap();
    assert_eq!(called(&answer, 41)["query"], "SELECT id FROM shop.orders WHERE note = $1 ORDER BY ?");
    assert_eq!(called(&answer, 42)["query"], "INSERT INTO shop.lines SELECT id FROM alone WHERE id = $1");
    for secret in ["pw-41", "ada", "4242", "CREATE"] {
        assert!(!answer.to_string().contains(secret), "{secret}: {answer}");
    }
}

#[tokio::test]
async fn of_statements_that_name_something_hidden_there_are_only_numbers() {
    let setup = "CREATE SCHEMA shop; CREATE SCHEMA zebra_schema;
        CREATE TABLE shop.orders (id int, zebra_column int); CREATE TABLE shop.zebra_table (id int);
        CREATE TABLE zebra_schema.orders (id int); CREATE TABLE zebra_schema.t (id int); CREATE TABLE shop.notes (id int);
        CREATE VIEW shop.zebra_view AS SELECT id FROM shop.notes; CREATE FUNCTION shop.zebra_call() RETURNS int LANGUAGE sql RETURN 1";
    let hidden = [
        "SELECT id FROM shop.zebra_table",
        "SELECT o.id FROM shop.notes AS o JOIN shop.zebra_table AS z ON z.id = o.id",
        "SELECT id FROM zebra_schema.t",
        "DELETE FROM shop.notes WHERE id IN (SELECT id FROM shop.zebra_view)",
        "SELECT shop.zebra_call()",
        "SELECT zebra_schema.t.id FROM zebra_schema.t FOR UPDATE",
    ];
    let columns = ["SELECT zebra_column FROM shop.orders", "UPDATE shop.orders AS o SET ZEBRA_COLUMN = 5"];
    let statements =
        [&hidden[..], &columns[..], &["SELECT n.id AS zebra_gone FROM shop.notes AS n"]].concat();
    let mut padded = vec!["SELECT 1 WHERE FALSE"; 20];
    padded.extend(&statements);
    padded.push("SET search_path = zebra_schema, shop");
    padded.push("SELECT id FROM orders");
    let database = database_of(setup, &padded).await;
    let rules = "query_texts = true
        [[allow]]
        select = [\"shop.*\"]
        [[deny]]
        select = [\"shop.zebra*\", \"shop.orders.zebra_column\"]
        ";
    let gateway = gateway(&database, Some(&watcher(&database).await), rules).await;
    let answer = top(&gateway, StatementOrder::Calls, Some(100)).await.unwrap();
    for (statement, calls) in hidden.iter().zip(21..) {
        let query = called(&answer, calls);
        assert_eq!((query.get("query"), query.get("relations")), (None, None), "{statement}: {query}");
    }
    for (statement, calls) in columns.iter().zip(27..) {
        let query = called(&answer, calls);
        assert_eq!(
            (query.get("query"), &query["relations"]),
            (None, &json!(["shop.orders"])),
            "{statement}: {query}"
        );
    }
    // No name of anything that there is.
    assert_eq!(called(&answer, 29)["query"], "SELECT n.id AS zebra_gone FROM shop.notes AS n");
    let bare = called(&answer, 31);
    assert_eq!(
        (bare.get("query"), bare.get("relations")),
        (None, None),
        "it may be that of the hidden schema: {bare}"
    );
    assert!(!answer.to_string().replace("zebra_gone", "").to_lowercase().contains("zebra"), "{answer:#}");
}

#[tokio::test]
async fn where_rows_or_values_are_kept_back_no_rows_are_counted() {
    let mut statements = vec!["SELECT 1 WHERE FALSE"; 40];
    statements.push("SELECT id FROM shop.orders WHERE id > 7");
    statements.push("SELECT 1 AS quokka_secret FROM shop.lines");
    let hidden = "ALTER TABLE shop.lines ADD COLUMN quokka_secret text;";
    let database = database_of(&format!("{SHOP};{hidden}"), &statements).await;
    let watcher = watcher(&database).await;
    let rules = "[[filter]]\nrelations = [\"shop.orders\"]\nwhere = \"id < 5\"\n\
        [[deny]]\nselect = [\"shop.lines.quokka_secret\"]\n";
    let kept = gateway(&database, Some(&watcher), &format!("query_texts = true\n{ALL}{rules}")).await;
    let answer = top(&kept, StatementOrder::Calls, None).await.unwrap();
    let query = called(&answer, 41);
    assert_eq!(query["relations"], json!(["shop.orders"]), "{query}");
    for number in ["rows", "blocks_hit", "blocks_read"] {
        assert_eq!(query.get(number), None, "{query}");
    }
    assert!(!answer.to_string().contains("quokka"), "{answer}");
}

#[tokio::test]
async fn without_what_it_needs_it_says_what_to_add() {
    let database = empty().await;
    let none = gateway(&database, None, ALL).await;
    let refused = top(&none, StatementOrder::Calls, None).await.unwrap_err();
    assert_eq!(refused.message, "database `test` has no `monitor_login`");
    assert!(refused.hint.unwrap().contains("monitor_login = \"postgres://..\""));
    let with = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let refused = top(&with, StatementOrder::Calls, None).await.unwrap_err();
    assert!(refused.hint.unwrap().contains("CREATE EXTENSION pg_stat_statements"));
}
