//! Plans and indexes: what the tools of the group Tuning say, and what they never say.

mod advise;
mod explain;
mod hidden;
mod hypothetical;
mod mcp;
mod workload;

use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{CallLimits, ExplainRequest, Gateway, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{Cluster, Database, Template, cluster, gate};

/// Customers and their orders, one of them a partitioned table, without indexes but for keys.
const TABLES: &str = "
    CREATE SCHEMA shop;
    CREATE TABLE shop.customers (id integer PRIMARY KEY, email text NOT NULL, country text NOT NULL, note text);
    INSERT INTO shop.customers
      SELECT i, 'c' || i || '@example.com', 'country ' || i % 50, repeat('x', 40) FROM generate_series(1, 20000) AS i;
    CREATE UNIQUE INDEX customers_email ON shop.customers (email);
    CREATE TABLE shop.orders (
      id integer PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL, placed_at timestamp NOT NULL,
      total numeric NOT NULL);
    INSERT INTO shop.orders
      SELECT i, i % 20000 + 1, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'paid' END,
        timestamp '2024-01-01' + i * interval '5 minutes', i % 500
      FROM generate_series(1, 100000) AS i;
    CREATE TABLE shop.events (id integer NOT NULL, at date NOT NULL, kind integer NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE shop.events_2024 PARTITION OF shop.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE shop.events_2025 PARTITION OF shop.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO shop.events SELECT i, date '2024-01-01' + i % 700, i % 1000 FROM generate_series(1, 40000) AS i;
    CREATE TABLE shop.vault (id integer PRIMARY KEY, marker_column text NOT NULL);
    INSERT INTO shop.vault SELECT i, 'marker value ' || i FROM generate_series(1, 10000) AS i;
    CREATE INDEX marker_index ON shop.vault (marker_column);
    CREATE SCHEMA marker_schema;
    CREATE TABLE marker_schema.marker_table (id integer PRIMARY KEY, code text NOT NULL);
    CREATE VIEW shop.codes AS SELECT id, code FROM marker_schema.marker_table WHERE code <> 'marker constant';
    ANALYZE;";

const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n";

fn limits() -> CallLimits {
    CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline: Duration::from_secs(30) }
}

async fn filled() -> Database<'static> {
    filled_in(cluster()).await
}

async fn filled_in(cluster: &Cluster) -> Database<'_> {
    let database = Database::create_in(cluster, Template::Empty).await;
    let role = database.create_role("reader", "LOGIN").await;
    let grants = format!(
        "GRANT USAGE ON SCHEMA shop, marker_schema TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA shop, marker_schema TO {role};"
    );
    database.admin().await.batch_execute(&format!("{TABLES}{grants}")).await.unwrap();
    database
}

fn gateway_within(database: &Database<'_>, policy: &str, limits: CallLimits) -> Gateway {
    let role = format!("{}_reader", database.name());
    let policy = Policy::parse(policy, "policy.toml").unwrap();
    Gateway::new(vec![Served::new(gate(&database.url(&role)), policy)], limits, Telemetry::default())
}

fn gateway(database: &Database<'_>, policy: &str) -> Gateway {
    gateway_within(database, policy, limits())
}

async fn ask(gateway: &Gateway, request: ExplainRequest) -> Result<Value, Diagnostic> {
    let caller = Caller::local("tester");
    gateway.explain(&caller, request, &CancellationToken::new()).await.map(|output| output.0)
}

async fn explain(gateway: &Gateway, sql: &str) -> Result<Value, Diagnostic> {
    ask(gateway, ExplainRequest { sql: sql.to_owned(), ..ExplainRequest::default() }).await
}

fn plan(answer: &Value) -> &str {
    answer["plan"].as_str().unwrap()
}

fn findings(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding.as_str().unwrap()).collect()
}

/// Installs hypopg where the machine has it. Without it there is nothing to test, unless it has to be there.
async fn has_hypopg(database: &Database<'_>) -> bool {
    let admin = database.admin().await;
    let sql = "SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg'";
    let there: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
    if there == 0 {
        let needed = std::env::var_os("TEST_HYPOPG").is_some();
        assert!(
            !needed,
            "hypopg is missing: install the package postgresql-NN-hypopg of this server's version"
        );
        return false;
    }
    admin.batch_execute("CREATE SCHEMA tools; CREATE EXTENSION hypopg SCHEMA tools").await.unwrap();
    let role = format!("{}_reader", database.name());
    admin.batch_execute(&format!("GRANT USAGE ON SCHEMA tools TO {role}")).await.unwrap();
    true
}
