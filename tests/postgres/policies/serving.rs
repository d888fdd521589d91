//! `pgwarden serve` with policies: what it does not start with, SIGHUP, `/readyz`, and callers by their tokens.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::*;
use crate::support::until;

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

fn run(words: &[&str]) -> (i32, String, String) {
    let output = program(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A server that ends with the test.
pub struct Serving {
    child: Child,
    pub log: Arc<Mutex<String>>,
    pub address: String,
}

impl Serving {
    pub async fn start(config: &Path) -> Self {
        let config = config.to_str().unwrap();
        let mut command = program(&["serve", "--config", config, "--listen", "127.0.0.1:0"]);
        let mut child = command.env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = kept.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = until("it listens", async || {
            let log = log.lock().unwrap();
            let rest = log.split_once("listening on http://")?.1;
            rest.split_once("/mcp").map(|(address, _)| address.to_owned())
        });
        let address = address.await;
        Self { child, log, address }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    pub async fn logs(&self, text: &str) {
        until(text, async || self.log.lock().unwrap().contains(text).then_some(())).await;
    }

    pub async fn ready(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.address)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The result of the tool `query`.
    async fn query(&self, token: &str, sql: &str) -> Value {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "query", "arguments": {"sql": sql}, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }},
        });
        let request = reqwest::Client::new().post(format!("http://{}/mcp", self.address));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let request = request.header("Accept", "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2026-07-28");
        let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", "query");
        let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
        answer["result"].clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(folder: &Folder, database: &Database<'_>, more: &str) -> PathBuf {
    let text = format!("[databases.shop]\nurl = \"{}\"\n{more}", database.url(READER));
    folder.put("pgwarden.toml", &text)
}

#[tokio::test]
async fn nothing_is_served_under_a_policy_whose_names_are_not_there() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    let text = format!("{}\n[[deny]]\nselect = [\"shop.reviewz\"]\n", allowing(&["shop.*", "shop.ordrs"]));
    folder.put("policy.toml", &text);
    let config = config(&folder, &database, "policy = \"policy.toml\"\n");
    let config = config.to_str().unwrap();
    for words in [
        &["serve", "--listen", "127.0.0.1:0", "--config", config][..],
        &["check", "--config", config, "SELECT 1"],
        &["doctor", "--config", config],
    ] {
        let (status, out, err) = run(words);
        assert_eq!(status, 1, "{words:?} {out} {err}");
        for missing in [
            "policy.toml:4:21: relation `shop.ordrs` does not exist: did you mean `shop.orders`?",
            "policy.toml:7:11: relation `shop.reviewz` does not exist: did you mean `shop.reviews`?",
        ] {
            assert!(format!("{out}{err}").contains(missing), "{words:?} {out} {err}");
        }
    }
}

#[tokio::test]
async fn a_hangup_or_a_changed_file_brings_the_new_policy() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    folder.put("policy.toml", &allowing(&["shop.orders"]));
    let tokens = folder.path("tokens.toml");
    let config = config(&folder, &database, "policy = \"policy.toml\"\n");
    let token = {
        let tokens = tokens.to_str().unwrap();
        let (status, out, err) = run(&["token", "create", "--tokens-file", tokens, "--name", "ci"]);
        assert_eq!(status, 0, "{err}");
        out.trim().to_owned()
    };
    let text = std::fs::read_to_string(&config).unwrap();
    folder.put("pgwarden.toml", &format!("[auth]\ntokens_file = \"tokens.toml\"\n{text}"));
    let serving = Serving::start(&config).await;
    until("ready", async || (serving.ready().await == (200, "ready\n".to_owned())).then_some(())).await;
    assert_eq!(serving.query(&token, ORDERS).await["isError"], Value::Bool(false));
    assert_eq!(serving.query(&token, PRODUCTS).await["isError"], Value::Bool(true));

    // By its content, within two looks.
    folder.put("policy.toml", &allowing(&["shop.products"]));
    serving.logs("policy of `shop` taken").await;
    assert_eq!(serving.query(&token, PRODUCTS).await["isError"], Value::Bool(false));
    assert_eq!(serving.query(&token, ORDERS).await["isError"], Value::Bool(true));

    folder.put("policy.toml", "version = 1\ninclude = []\n[[alow]]\n");
    serving.signal(Signal::SIGHUP);
    serving.logs("policy of `shop` not taken").await;
    serving.logs("policy.toml:3:3: unknown key `alow`").await;
    let degraded = "degraded: policy not taken, the one before stays: policy.toml:3:3\n";
    until("degraded", async || (serving.ready().await == (200, degraded.to_owned())).then_some(())).await;
    assert_eq!(serving.query(&token, PRODUCTS).await["isError"], Value::Bool(false));
    serving.signal(Signal::SIGTERM);
}

const ORDERS: &str = "SELECT count(*) FROM shop.orders";
const PRODUCTS: &str = "SELECT count(*) FROM shop.products";

#[tokio::test]
async fn the_claims_of_a_token_choose_the_policy() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    folder.put("sales.toml", &allowing(&["shop.orders"]));
    folder.put("stock.toml", &allowing(&["shop.products"]));
    let config = config(
        &folder,
        &database,
        "[[databases.shop.policies]]\nwhen = { role = \"sales\" }\npolicy = \"sales.toml\"\n\
         [[databases.shop.policies]]\nwhen = { role = \"stock\" }\npolicy = \"stock.toml\"\n\
         [auth]\ntokens_file = \"tokens.toml\"\n",
    );
    let tokens = folder.path("tokens.toml");
    let tokens = tokens.to_str().unwrap();
    let token = |name: &str, claim: &str| {
        let words = ["token", "create", "--tokens-file", tokens, "--name", name, "--claim", claim];
        run(&words).1.trim().to_owned()
    };
    let (sales, stock, other) =
        (token("a", "role=sales"), token("b", "role=stock boss"), token("c", "role=boss"));
    let serving = Serving::start(&config).await;
    for (token, sql, allowed) in
        [(&sales, ORDERS, true), (&sales, PRODUCTS, false), (&stock, PRODUCTS, true), (&stock, ORDERS, false)]
    {
        assert_eq!(serving.query(token, sql).await["isError"], Value::Bool(!allowed), "{sql}");
    }
    let refused = serving.query(&other, "SELECT 1").await;
    assert_eq!(refused["_meta"]["pgwarden/error"]["rule"], "policy.none", "{refused}");

    let check =
        |claim: &str| run(&["check", "--config", config.to_str().unwrap(), "--claim", claim, ORDERS]).0;
    assert_eq!((check("role=sales"), check("role=stock")), (0, 3));
}

#[tokio::test]
async fn a_hangup_brings_new_notes_and_the_log_says_what_is_wrong_with_them() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new();
    let name = |name: &str| format!("version = 1\n[[relation]]\nname = \"{name}\"\n");
    folder.put("notes.toml", &name("shop.ordres"));
    let serving = Serving::start(&config(&folder, &database, "notes = \"notes.toml\"\n")).await;
    serving.logs("notes.toml:3:8: relation `shop.ordres` does not exist: did you mean `shop.orders`?").await;
    assert_eq!(serving.ready().await.0, 200);
    folder.put("notes.toml", "version = 1\nabout = 5\n");
    serving.signal(Signal::SIGHUP);
    serving.logs("notes not taken, what was before stays: ").await;
    folder.put("notes.toml", &name("shop.custmers"));
    serving.signal(Signal::SIGHUP);
    serving.logs("relation `shop.custmers` does not exist").await;
    assert_eq!(serving.ready().await, (200, "ready\n".to_owned()));
}
