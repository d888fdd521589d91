//! What the `monitor_login` sees: the health of a database, and the statements that cost most.

mod calls;
mod checks;
mod hidden;
mod monitor;
mod server;
mod top;

use std::sync::OnceLock;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::{ConnectionSettings, Monitor};
use pgwarden::embedded::Settings;
use pgwarden::gateway::{CallLimits, Gateway, HealthRequest, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{Cluster, Database, Template, gate_with};

/// A cluster that counts statements.
fn counting() -> &'static Cluster {
    static COUNTING: OnceLock<Cluster> = OnceLock::new();
    COUNTING.get_or_init(|| {
        let loaded =
            [("shared_preload_libraries", "pg_stat_statements"), ("pg_stat_statements.track", "all")];
        let parameters = loaded.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Cluster::start(Settings { parameters, ..Settings::default() })
    })
}

async fn empty() -> Database<'static> {
    Database::create_in(counting(), Template::Empty).await
}

async fn run(database: &Database<'_>, sql: &str) {
    database.admin().await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// A login as docs/HEALTH.md makes it.
async fn watcher(database: &Database<'_>) -> String {
    database.create_role("watcher", "LOGIN IN ROLE pg_monitor").await
}

fn monitor(database: &Database<'_>, login: &str) -> Monitor {
    Monitor::new("test", &connection(&database.url(login)))
}

fn connection(url: &str) -> ConnectionSettings {
    ConnectionSettings::parse(url, &|_| None).unwrap()
}

const NOTHING: [Value; 0] = [];

const ALL: &str = "[[allow]]\nselect = [\"*.*\"]\n";

/// Serves the database to a login that may read all of it, under a policy of those rules.
async fn gateway(database: &Database<'_>, watcher: Option<&str>, rules: &str) -> Gateway {
    let gate = gate_with(&database.admin_url(), |settings| {
        settings.accepted.extend(["superuser", "bypassrls", "replication", "createrole"].map(str::to_owned));
        settings.monitor = watcher.map(|login| connection(&database.url(login)));
    });
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    let policy = Policy::parse(&format!("version = 1\ninclude = []\n{rules}"), "policy.toml").unwrap();
    let gateway = Gateway::new(vec![Served::new(gate, policy)], limits, Telemetry::default());
    gateway.ready().await.unwrap();
    gateway
}

async fn ask(gateway: &Gateway, checks: &[&str]) -> Result<Value, Diagnostic> {
    let checks = checks.iter().map(|&check| check.to_owned()).collect();
    let request = HealthRequest { database: None, checks };
    let report = gateway.database_health(&Caller::local("anna"), request, &CancellationToken::new()).await;
    report.map(|report| report.0)
}

/// All findings of one check.
async fn found(gateway: &Gateway, check: &str) -> Vec<Value> {
    let report = ask(gateway, &[check]).await.unwrap();
    assert!(report.get("unchecked").is_none(), "{report:#}");
    assert_eq!(report["total"].as_u64(), Some(report["findings"].as_array().unwrap().len() as u64));
    let findings = report["findings"].as_array().unwrap().clone();
    assert_eq!(report["clean"].as_array().unwrap().contains(&check.into()), findings.is_empty());
    assert!(findings.iter().all(|finding| finding["check"] == check), "{report:#}");
    findings
}

/// The only finding of a check.
async fn only(gateway: &Gateway, check: &str) -> Value {
    let findings = found(gateway, check).await;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings[0].clone()
}
