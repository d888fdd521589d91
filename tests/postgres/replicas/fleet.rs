//! Processes of the program over one store, a round-robin balancer before them, and a client of 2026-07-28.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Database, READER, until};

const WAIT: &str = "CREATE FUNCTION shop.wait(seconds double precision) RETURNS text LANGUAGE sql VOLATILE \
    AS $$ SELECT pg_sleep(seconds)::text $$";
const POLICY: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n\
    [[allow]]\nexecute = [\"shop.wait\"]\n";

/// Takes `seconds`, told from others by `mark`.
pub fn slow(mark: i64, seconds: f64) -> String {
    format!("SELECT {mark} AS mark, shop.wait({seconds}) AS slept")
}

pub fn id_of(created: &Value) -> String {
    let id = created["result"]["taskId"].as_str();
    id.unwrap_or_else(|| panic!("not a task: {created}")).to_owned()
}

pub struct Fleet<'d> {
    database: &'d Database<'d>,
    _folder: tempfile::TempDir,
    config: PathBuf,
    replicas: Vec<Arc<Replica>>,
}

/// One place in the fleet: a port, and the process that listens on it now.
pub struct Replica {
    port: u16,
    child: Mutex<Option<Child>>,
    log: Arc<Mutex<String>>,
    /// Connections that the balancer sent here.
    asked: AtomicU64,
}

impl<'d> Fleet<'d> {
    pub async fn start(database: &'d Database<'d>, replicas: usize) -> Self {
        Self::with(database, replicas, "drain_seconds = 1\n").await
    }

    /// `more` stands in `[tasks]`.
    pub async fn with(database: &'d Database<'d>, replicas: usize, more: &str) -> Self {
        database.admin().await.batch_execute(WAIT).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        put("policy.toml", POLICY);
        put("key", &"5e".repeat(32));
        let config = put(
            "pgwarden.toml",
            &format!(
                "[databases.shop]\nurl = \"{}\"\npolicy = \"policy.toml\"\n\
                 [limits]\nrows = 100000\n[store]\nurl = \"{}\"\nkey_file = \"key\"\n[tasks]\ntask_after_ms = 20\nheartbeat_ms = 300\n{more}",
                database.url(READER),
                database.admin_url(),
            ),
        );
        let migrated =
            program(&["migrate", "--store", &database.admin_url()]).stdout(Stdio::null()).status().unwrap();
        assert!(migrated.success());
        let mut fleet = Self { database, _folder: folder, config, replicas: Vec::new() };
        for _ in 0..replicas {
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fleet.replicas.push(Arc::new(Replica {
                port,
                child: Mutex::default(),
                log: Arc::default(),
                asked: AtomicU64::new(0),
            }));
        }
        for at in 0..replicas {
            fleet.launch(at);
        }
        for at in 0..replicas {
            fleet.listens(at).await;
        }
        fleet
    }

    /// The configuration file of all of them.
    pub fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    /// Starts the process of a place that has none.
    pub fn launch(&self, at: usize) {
        let replica = &self.replicas[at];
        let listen = format!("127.0.0.1:{}", replica.port);
        let mut command = program(&["serve", "--listen", &listen, "--config", self.config.to_str().unwrap()]);
        let mut child = command.env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::clone(&replica.log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                log.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        *replica.child.lock().unwrap() = Some(child);
    }

    pub async fn listens(&self, at: usize) {
        let port = self.replicas[at].port;
        until("it listens", async || TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
    }

    /// Ends the process of a place and waits for its end.
    pub fn end(&self, at: usize, signal: Signal) -> Option<i32> {
        let mut child = self.replicas[at].child.lock().unwrap().take().unwrap();
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        child.wait().unwrap().code()
    }

    pub fn replica(&self, at: usize) -> Peer {
        Peer::new(SocketAddr::from(([127, 0, 0, 1], self.replicas[at].port)))
    }

    pub fn log(&self, at: usize) -> String {
        self.replicas[at].log.lock().unwrap().clone()
    }

    pub fn asked(&self) -> Vec<u64> {
        self.replicas.iter().map(|replica| replica.asked.load(Ordering::Relaxed)).collect()
    }

    /// A peer that asks through a balancer: each connection goes to the next replica that takes it.
    pub async fn balanced(&self) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (replicas, next) = (self.replicas.clone(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (replicas, next) = (replicas.clone(), Arc::clone(&next));
                tokio::spawn(async move {
                    for _ in 0..replicas.len() {
                        let replica = &replicas[next.fetch_add(1, Ordering::Relaxed) % replicas.len()];
                        if let Ok(mut server) = TcpStream::connect(("127.0.0.1", replica.port)).await {
                            replica.asked.fetch_add(1, Ordering::Relaxed);
                            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                            return;
                        }
                    }
                });
            }
        });
        Peer::new(address)
    }

    /// Statements of callers that run in this database.
    pub async fn running(&self) -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = $1
                   AND datname = current_database() AND query LIKE '%shop%wait%'";
        self.database.admin().await.query_one(sql, &[&READER]).await.unwrap().get(0)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A client that declares tasks. Each request has a connection of its own.
#[derive(Clone)]
pub struct Peer {
    address: SocketAddr,
    client: reqwest::Client,
}

impl Peer {
    fn new(address: SocketAddr) -> Self {
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(20));
        Self { address, client: client.build().unwrap() }
    }

    pub async fn call(&self, sql: &str) -> Value {
        self.tool("query", json!({"sql": sql})).await
    }

    /// The tool's result, also where it took a task.
    pub async fn result(&self, sql: &str) -> Value {
        let called = self.call(sql).await["result"].clone();
        match called["taskId"].as_str() {
            Some(id) => self.ended(id).await.unwrap()["result"].clone(),
            None => called,
        }
    }

    pub async fn tool(&self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": name, "arguments": arguments})).await
    }

    pub async fn ask(&self, method: &str, params: Value) -> Value {
        self.try_ask(method, params).await.unwrap()
    }

    /// Listens to a task until `enough` of what is pushed is there.
    pub async fn listen(&self, id: &str, enough: impl Fn(&str) -> bool) -> String {
        let filter = json!({"notifications": {"taskIds": [id]}});
        let mut stream = self.post("subscriptions/listen", filter).send().await.unwrap();
        let mut heard = String::new();
        while !enough(&heard) {
            let chunk = stream.chunk().await.unwrap().unwrap_or_else(|| panic!("it ended after {heard}"));
            heard.push_str(&String::from_utf8_lossy(&chunk));
        }
        heard
    }

    /// `Err`: the connection failed; what was asked may or may not have been done.
    pub async fn try_ask(&self, method: &str, params: Value) -> Result<Value, String> {
        let answer = self.post(method, params).send().await.map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let event = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
        serde_json::from_str(event.unwrap_or(&text)).map_err(|_| text)
    }

    fn post(&self, method: &str, mut params: Value) -> reqwest::RequestBuilder {
        let name = params["name"].as_str().map(str::to_owned);
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities":
                {"extensions": {"io.modelcontextprotocol/tasks": {}}},
        });
        let mut post = self
            .client
            .post(format!("http://{}/mcp", self.address))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method);
        if let Some(name) = name {
            post = post.header("mcp-name", name);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        post.json(&body)
    }

    /// The task once it has ended; asks again where a connection fails. `Err`: it never does.
    pub async fn ended(&self, id: &str) -> Result<Value, String> {
        let started = Instant::now();
        let mut last = String::new();
        while started.elapsed() < Duration::from_secs(60) {
            match self.try_ask("tasks/get", json!({"taskId": id})).await {
                Ok(answer) if answer["result"]["status"] == "working" => last = answer.to_string(),
                Ok(answer) if answer.get("result").is_some() => return Ok(answer["result"].clone()),
                Ok(answer) => last = answer.to_string(),
                Err(error) => last = error,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("task {id} does not end: {last}"))
    }
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(words).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("PG") && name != "PGWARDEN_PG_BIN" || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command
}
