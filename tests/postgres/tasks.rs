//! Questions that outlive their call, against a real database.

mod bounds;
mod ending;
mod extension;
mod handle;
mod input;
mod legacy;
mod pages;
mod revoked;
mod suspended;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{Asked, CallLimits, Gateway, Patience, QueryOutput, QueryRequest, Served, TaskView};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::tasks::{Holder, MemoryStore, TaskId, TaskSettings};
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{Database, READER, gate_with};

pub(super) fn limits() -> CallLimits {
    CallLimits {
        rows: 1_000_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(60),
    }
}

fn gateway(database: &Database<'_>) -> Gateway {
    gateway_with(database, limits(), Policy::builtin())
}

pub(super) fn gateway_with(database: &Database<'_>, limits: CallLimits, policy: Policy) -> Gateway {
    let gate = gate_with(&database.url(READER), |settings| settings.name = "shop".to_owned());
    Gateway::new(vec![Served::new(gate, policy)], limits, Telemetry::default())
}

/// Lets everybody read the shop, and call a function that takes as long as it is told.
const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n\
    [[allow]]\nexecute = [\"shop.wait\"]\n";
const WAIT: &str = "CREATE FUNCTION shop.wait(seconds double precision) RETURNS text LANGUAGE sql VOLATILE \
    AS $$ SELECT pg_sleep(seconds)::text $$";

/// A gateway over a database that has `shop.wait`.
async fn slow_gateway(database: &Database<'_>) -> Gateway {
    database.admin().await.batch_execute(WAIT).await.unwrap();
    let gateway = gateway_with(database, limits(), Policy::parse(POLICY, "policy.toml").unwrap());
    gateway.ready().await.unwrap();
    gateway
}

/// The tools of a caller whose policies grant nothing to be written.
pub fn reading_tools() -> Vec<&'static str> {
    let writes = ["preview", "execute"];
    crate::mcp_wire::tools().into_iter().filter(|tool| !writes.contains(tool)).collect()
}

fn caller() -> Caller {
    Caller::local("anna")
}

fn request(sql: &str) -> QueryRequest {
    QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() }
}

/// Waits that long at most.
async fn ask(gateway: &Gateway, sql: &str, wait: Duration) -> Result<Asked, Diagnostic> {
    let patience = Patience { wait: Some(wait), ..Patience::default() };
    gateway.ask(&caller(), request(sql), patience, &CancellationToken::new()).await
}

async fn rows_of(gateway: &Gateway, sql: &str) -> QueryOutput {
    match ask(gateway, sql, Duration::from_secs(30)).await.unwrap() {
        Asked::Rows(output) => output,
        other => panic!("{other:?}"),
    }
}

async fn task_of(gateway: &Gateway, sql: &str) -> TaskView {
    match ask(gateway, sql, Duration::from_millis(100)).await.unwrap() {
        Asked::Task(task) => task,
        other => panic!("{other:?}"),
    }
}

async fn next(gateway: &Gateway, cursor: &str) -> Result<QueryOutput, Diagnostic> {
    let patience = Duration::from_secs(20);
    gateway.next_page(&caller(), cursor, None, patience, &CancellationToken::new()).await
}

/// As [`slow_gateway`], with little patience.
async fn impatient_gateway(database: &Database<'_>) -> Gateway {
    let settings = TaskSettings {
        task_after: Duration::from_millis(200),
        handle_after: Duration::from_millis(500),
        ..TaskSettings::default()
    };
    let store = Arc::new(MemoryStore::new(settings.clone()));
    slow_gateway(database).await.with_tasks(store, settings, Holder(TaskId::random().unwrap()))
}

/// A call of `query` that takes `seconds`, told from others by `mark`.
fn slow_call(mark: u32, seconds: f64) -> Value {
    json!({"name": "query", "arguments": {"sql": waiting::slow(mark, seconds)}})
}

/// Of every row the first field.
fn firsts(output: &QueryOutput) -> Vec<i64> {
    let rows: Vec<Vec<Value>> = serde_json::from_str(output.rows.get()).unwrap();
    rows.iter().map(|row| row[0].as_i64().unwrap()).collect()
}

/// Works on tasks until the test ends.
fn worker(gateway: &Gateway) -> tokio_util::sync::DropGuard {
    let stop = CancellationToken::new();
    let gateway = Arc::new(gateway.clone());
    tokio::spawn({
        let stop = stop.clone();
        async move { gateway.work(stop, Duration::ZERO).await }
    });
    stop.drop_guard()
}
