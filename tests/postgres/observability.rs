//! What the running program tells of itself: metrics on their own address, spans at a collector, and its comments in
//! PostgreSQL.

mod collector;
mod comments;
mod metrics;
mod runbooks;
mod spans;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Database, Template, until};

/// In rows, parameters, names and statements; no metric, span or line of a log may have it.
const CANARY: &str = "canary8461";

const GROUND: &str = "
    CREATE SCHEMA s;
    CREATE TABLE s.customers (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE s.canary8461 (id integer);
    INSERT INTO s.customers SELECT n, 'canary8461 ' || n FROM generate_series(1, 50) AS n;
";

const POLICY: &str = "
version = 1
include = []
[[allow]]
select = [\"s.customers\"]
[[allow]]
update = [\"s.customers\"]
[writes]
approval = \"none\"
rows = 10
";

/// The program over HTTP, before a database with [`GROUND`].
struct Serving {
    child: Child,
    log: Arc<Mutex<String>>,
    address: String,
    /// Where its metrics are.
    metrics: String,
    client: reqwest::Client,
    admin: tokio_postgres::Client,
    database: Database<'static>,
    folder: tempfile::TempDir,
}

impl Serving {
    /// `more` is put into its configuration, before the database.
    async fn start(more: &str) -> Self {
        Self::with_database(more, "").await
    }

    /// The same, with more about the database, too.
    async fn with_database(more: &str, of_database: &str) -> Self {
        let database = Database::create(Template::Empty).await;
        let login = database.create_role("watched", "LOGIN").await;
        let admin = database.admin().await;
        let grants = format!(
            "GRANT USAGE ON SCHEMA s TO {login}; GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA s TO {login}"
        );
        admin.batch_execute(&format!("{GROUND} {grants}")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let config = format!(
            "[metrics]\nlisten = \"127.0.0.1:0\"\n{more}\n[databases.shop]\nurl = \"{}\"\npolicy = \"policy.toml\"\n{of_database}",
            database.url(&login)
        );
        let path = folder.path().join("pgwarden.toml");
        std::fs::write(&path, config).unwrap();
        let (child, log) = program(&path);
        let found = |before: &'static str, behind: &'static str| {
            let log = Arc::clone(&log);
            async move {
                until(before, async || {
                    let log = log.lock().unwrap();
                    assert!(!log.contains("pgwarden: "), "it does not start: {log}");
                    let rest = log.split_once(before)?.1;
                    rest.split_once(behind).map(|(address, _)| address.to_owned())
                })
                .await
            }
        };
        let metrics = found("metrics on http://", "/metrics").await;
        let address = found("listening on http://", "/mcp").await;
        let serving = Self {
            metrics: format!("http://{metrics}/metrics"),
            child,
            log,
            address,
            client: reqwest::Client::new(),
            admin,
            database,
            folder,
        };
        until("its database is ready", async || {
            let ready =
                serving.client.get(format!("http://{}/readyz", serving.address)).send().await.unwrap();
            ready.status().is_success().then_some(())
        })
        .await;
        serving
    }

    fn request(&self, method: &str, params: Value, meta: Value) -> reqwest::RequestBuilder {
        let (mut params, name) = (params.clone(), params["name"].as_str().unwrap_or_default().to_owned());
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": CANARY, "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        for (key, value) in meta.as_object().into_iter().flatten() {
            params["_meta"][key] = value.clone();
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = self.client.post(format!("http://{}/mcp", self.address));
        let request = request.header("Accept", "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", method);
        let request = if name.is_empty() { request } else { request.header("Mcp-Name", name) };
        request.json(&body)
    }

    /// The result of a tool.
    async fn tool(&self, name: &str, arguments: Value, meta: Value) -> Value {
        let request = self.request("tools/call", json!({"name": name, "arguments": arguments}), meta);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["result"].clone()
    }

    async fn query(&self, sql: &str) -> Value {
        self.tool("query", json!({"sql": sql}), json!({})).await
    }

    async fn scrape(&self) -> Scrape {
        Scrape(self.client.get(&self.metrics).send().await.unwrap().text().await.unwrap())
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What Prometheus would read.
struct Scrape(String);

impl Scrape {
    /// The sample with these labels; 0 where there is none.
    fn of(&self, sample: &str) -> f64 {
        let found = self.0.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        found.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Samples of one name, without comments.
    fn named(&self, name: &str) -> Vec<&str> {
        self.0.lines().filter(|line| line.split(['{', ' ']).next() == Some(name)).collect()
    }
}

/// `serve` with that configuration, and its log.
fn program(config: &PathBuf) -> (Child, Arc<Mutex<String>>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("PG") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    let command = command.env("NO_COLOR", "1").env("PGWARDEN_LOG_FORMAT", "json").stdin(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let log = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&log);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            kept.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    (child, log)
}
