//! The program itself, with its log, its memory and its descriptors in sight.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::ground::{Ground, POLICY, signal};
use crate::support::until;

pub struct Served {
    pub child: Child,
    pub address: String,
    pub folder: tempfile::TempDir,
    log: Arc<Mutex<String>>,
}

/// The program without the environment of this process, but for where things are.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("NO_COLOR", "1");
    command
}

impl Served {
    /// Over HTTP, with `more` in its configuration.
    pub async fn start(ground: &Ground, more: &str) -> Self {
        Self::by(program(), ground, more).await
    }

    /// Started by `command`, which gets the words.
    pub async fn by(mut command: Command, ground: &Ground, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = configure(folder.path(), ground, more);
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let address = until("it listens", async || {
            let log = log.lock().unwrap();
            let rest = log.split_once("listening on http")?.1;
            let rest = rest.split_once("://")?.1;
            rest.split_once("/mcp").map(|(address, _)| address.to_owned())
        });
        let address = address.await;
        let served = Self { child, address, folder, log };
        until("it is ready", async || served.log().contains("is ready").then_some(())).await;
        served
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn signal(&self, which: Signal) {
        signal(self.pid(), which);
    }

    /// Its end, within twenty seconds.
    pub async fn ended(&mut self) -> ExitStatus {
        for _ in 0..2_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not end: {}", self.log());
    }

    /// Kilobytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Status and text.
    pub async fn path(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}{path}", self.address)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The result of `query`; `Err`, the connection failed.
    pub async fn query(&self, sql: &str) -> Result<Value, String> {
        self.ask("query", json!({"sql": sql})).await
    }

    pub async fn ask(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        let request = reqwest::Client::new().post(format!("http://{}/mcp", self.address));
        let request = request.header("Accept", "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2026-07-28");
        let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", tool);
        let params = json!({"name": tool, "arguments": arguments});
        let answer = request.json(&message("tools/call", params)).send().await;
        let text = answer.map_err(|error| error.to_string())?.text().await;
        let text = text.map_err(|error| error.to_string())?;
        let event = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
        let answer: Value = serde_json::from_str(event.unwrap_or(&text)).map_err(|_| text.clone())?;
        Ok(answer["result"].clone())
    }

    /// A call as bytes, for a connection of the test's own.
    pub fn raw_query(&self, sql: &str) -> String {
        self.raw("tools/call", Some("query"), json!({"name": "query", "arguments": {"sql": sql}}))
    }

    pub fn raw(&self, method: &str, name: Option<&str>, params: Value) -> String {
        let body = message(method, params).to_string();
        let name = name.map(|name| format!("mcp-name: {name}\r\n")).unwrap_or_default();
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: {method}\r\n{name}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn message(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// Files for the program: its configuration, and `policy.toml` beside it.
pub fn configure(folder: &Path, ground: &Ground, more: &str) -> PathBuf {
    std::fs::write(folder.join("policy.toml"), POLICY).unwrap();
    let text = format!(
        "[databases.ground]\nurl = \"{}\"\npolicy = \"policy.toml\"\npool_size = 4\n{more}",
        ground.url(ground.port())
    );
    let config = folder.join("pgwarden.toml");
    std::fs::write(&config, text).unwrap();
    config
}

/// Whether a tool's result has these rows.
pub fn has_rows(result: &Result<Value, String>, rows: &Value) -> bool {
    result.as_ref().is_ok_and(|result| result["structuredContent"]["rows"] == *rows)
}

/// What a tool's error says.
pub fn words(result: &Value) -> String {
    result["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}
