//! The print means to PostgreSQL what the caller wrote: both give the same plan, word for word. Where PostgreSQL
//! only remembers another spelling (`EXTRACT(..)` for `extract(..)`), both give the same rows.

use std::fs;

use pgwarden::catalog::Catalog;
use pgwarden::db::Database;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{self, Template};

/// The labelled ones, or those of the file that PGWARDEN_CORPUS names.
#[tokio::test]
async fn every_labelled_statement_has_the_same_plan_as_its_print() {
    let database = support::Database::create(Template::Cases).await;
    let catalog = Database::new(super::settings(&database.url("mcp_ro"))).ready().await.unwrap();
    let admin = database.admin().await;
    let corpus = std::env::var("PGWARDEN_CORPUS");
    let text = fs::read_to_string(corpus.as_deref().unwrap_or("tests/fixtures/sql_cases.jsonl")).unwrap();
    let mut different = Vec::new();
    let mut compared = 0;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let sql = case["sql"].as_str().unwrap();
        let Some(print) = print(sql, &catalog) else { continue };
        let Some(original) = plan(&admin, "public", sql).await else { continue };
        // A long series is printed so that it streams.
        if print.contains("LATERAL (SELECT \"pg_catalog\".\"generate_series\"") {
            continue;
        }
        // Printed as text, so that it is one also where its own type would show.
        if print.matches("pg_typeof").count() > 1 {
            continue;
        }
        compared += 1;
        let (own, names) = (names(&admin, "public", sql).await, names(&admin, "pg_catalog", &print).await);
        if own != names && case["why"] != "denied column customers.ssn" {
            different.push(format!("{sql}\n-> {print}\n{own:?}\n{names:?}"));
        }
        let printed = plan(&admin, "pg_catalog", &print).await;
        if printed.as_deref() == Some(original.as_str()) || case["why"] == "denied column customers.ssn" {
            continue;
        }
        let rows = rows(&admin, "public", sql).await;
        // Random numbers and the time of day differ from themselves.
        if rows.is_some() && self::rows(&admin, "public", sql).await != rows {
            continue;
        }
        if rows.is_none() || self::rows(&admin, "pg_catalog", &print).await != rows {
            different.push(format!("{sql}\n-> {print}\n{original}\n{printed:?}"));
        }
    }
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n\n"));
    assert!(compared >= 100, "only {compared} compared");
}

/// Every pair of operators, on a type that has them all.
#[tokio::test]
async fn operators_bind_as_in_postgresql() {
    let database = support::Database::create(Template::Empty).await;
    let admin = database.admin().await;
    admin.batch_execute(&operators_on_everything()).await.unwrap();
    let owner = database.url("postgres");
    let mut settings = super::settings(&owner);
    settings.accepted = ["superuser", "bypassrls", "createrole", "replication"].map(str::to_owned).into();
    let catalog = match Database::new(settings).ready().await {
        Ok(catalog) => catalog,
        Err(no) => panic!("{no}"),
    };
    // The cast to boolean is a user's, and so would hide the columns.
    let mut contents = catalog.contents().clone();
    contents.types.iter_mut().for_each(|t| t.hidden_routines.clear());
    let catalog = Catalog::new(contents);
    let mut different = Vec::new();
    let mut compared = 0;
    for expression in expressions() {
        let sql = format!("SELECT {expression} AS x FROM t");
        let Some(original) = plan(&admin, "public, pg_catalog", &sql).await else { continue };
        let Some(print) = print(&sql, &catalog) else {
            different.push(format!("{expression}: refused, though PostgreSQL reads it"));
            continue;
        };
        compared += 1;
        let printed = plan(&admin, "public, pg_catalog", &print).await;
        if printed.as_deref() != Some(original.as_str()) {
            different.push(format!("{expression} -> {print}"));
        }
    }
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
    assert!(compared > 1_500, "only {compared} compared");
}

const INFIX: &[&str] = &[
    "+", "-", "*", "/", "%", "^", "||", "=", "<>", "<", ">", "<=", ">=", "~", "~*", "!~", "~~", "!~~*", "&",
    "|", "#", "<<", ">>", "&&", "->", "->>", "#>", "#>>", "@>", "<@", "@@", "?", "?|", "?&", "#-", "@?",
    "<->", "^@",
];
const PREFIX: &[&str] = &["-", "+", "~", "@", "|/", "||/"];

fn operators_on_everything() -> String {
    let mut sql = "CREATE TYPE u AS (v int); CREATE TABLE t (a u, b u, c u, d u);".to_owned();
    for (left, right) in [("u", "u"), ("bool", "u"), ("u", "bool"), ("text", "u"), ("u", "text")] {
        let name = format!("f_{left}_{right}");
        sql += &format!(
            "CREATE FUNCTION {name}({left}, {right}) RETURNS u LANGUAGE internal VOLATILE AS 'int4pl';"
        );
        for symbol in INFIX {
            sql += &format!(
                "CREATE OPERATOR {symbol} (FUNCTION = {name}, LEFTARG = {left}, RIGHTARG = {right});"
            );
        }
    }
    sql += "CREATE FUNCTION f_u(u) RETURNS u LANGUAGE internal VOLATILE AS 'int4um';";
    for symbol in PREFIX {
        sql += &format!("CREATE OPERATOR {symbol} (FUNCTION = f_u, RIGHTARG = u);");
    }
    sql += "CREATE FUNCTION b(u) RETURNS bool LANGUAGE internal VOLATILE AS 'int4_bool';
            CREATE CAST (u AS bool) WITH FUNCTION b(u) AS IMPLICIT;";
    sql
}

fn expressions() -> Vec<String> {
    let mut infix: Vec<String> = INFIX.iter().map(|symbol| format!(" {symbol} ")).collect();
    infix.extend([" AND ", " OR ", " IS DISTINCT FROM ", " OPERATOR(pg_catalog.+) "].map(str::to_owned));
    let mut out = Vec::new();
    for one in &infix {
        for other in &infix {
            out.push(format!("a{one}b{other}c"));
        }
        for prefix in PREFIX.iter().copied().chain(["NOT"]) {
            out.push(format!("{prefix} a{one}b"));
            out.push(format!("a{one}{prefix} b"));
        }
        for behind in
            [" IS NULL", " IS NOT TRUE", "::bool", " IN (c, d)", " BETWEEN c AND d", " NOT BETWEEN c AND d"]
        {
            out.push(format!("a{one}b{behind}"));
            out.push(format!("a{behind}{one}b"));
        }
        out.push(format!("a BETWEEN b{one}c AND d"));
        out.push(format!("a IN (b){one}c"));
    }
    out
}

fn print(sql: &str, catalog: &Catalog) -> Option<String> {
    let policy = Policy::builtin();
    let checked = check(sql, &CheckContext::new(catalog, &policy)).ok()?;
    Some(checked.text().to_owned())
}

async fn names(client: &Client, search_path: &str, sql: &str) -> Option<Vec<String>> {
    let settings = format!("ROLLBACK; BEGIN READ ONLY; SET LOCAL search_path = {search_path}");
    client.batch_execute(&settings).await.ok()?;
    let statement = client.prepare(sql).await.ok()?;
    Some(statement.columns().iter().map(|column| column.name().to_owned()).collect())
}

async fn plan(client: &Client, search_path: &str, sql: &str) -> Option<String> {
    Some(rows(client, search_path, &format!("EXPLAIN (VERBOSE, COSTS OFF) {sql}")).await?.join("\n"))
}

async fn rows(client: &Client, search_path: &str, sql: &str) -> Option<Vec<String>> {
    let text = format!(
        "ROLLBACK; BEGIN READ ONLY; SET LOCAL search_path = {search_path}; SET LOCAL jit = off; {sql}"
    );
    let messages = client.simple_query(&text).await.ok()?;
    let lines = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).unwrap_or("NULL")).collect::<Vec<_>>().join("\t"))
        }
        _ => None,
    });
    Some(lines.collect())
}
