//! `pgwarden serve` with an audit log: a disk that is full, SIGHUP, and what never gets into it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use serde_json::json;

use super::*;
use crate::postgres::cli::program;
use crate::support::until;

/// A server that ends with the test.
pub(super) struct Serving {
    pub(super) child: Child,
    log: Arc<Mutex<String>>,
    address: String,
}

impl Serving {
    pub(super) async fn start(config: &Path) -> Self {
        let words = ["serve", "--config", config.to_str().unwrap(), "--listen", "127.0.0.1:0"];
        Self::of(program(&words)).await
    }

    /// In a mount namespace of its own, with a small disk at `disk`.
    async fn with_disk(config: &Path, disk: &Path) -> Self {
        let script = format!(
            "mount -t tmpfs -o size=64k,mode=700 small {} && exec {} serve --config {} --listen 127.0.0.1:0",
            disk.display(),
            env!("CARGO_BIN_EXE_pgwarden"),
            config.display(),
        );
        let mut command = Command::new("unshare");
        command.arg(if Uid::effective().is_root() { "-m" } else { "-Urm" }).args(["sh", "-c", &script]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
        Self::of(command).await
    }

    async fn of(mut command: Command) -> Self {
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

    pub(super) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    async fn ready(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.address)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The result of a tool.
    pub(super) async fn call(&self, token: &str, tool: &str, arguments: Value) -> Value {
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }},
        });
        let request = reqwest::Client::new().post(format!("http://{}/mcp", self.address));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let request = request.header("Accept", "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2026-07-28");
        let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", tool);
        match request.json(&body).send().await {
            Ok(answer) => {
                answer.json::<Value>().await.map(|answer| answer["result"].clone()).unwrap_or_default()
            }
            Err(_) => Value::Null,
        }
    }

    pub(super) async fn write(&self, body: &str) -> Value {
        self.call("", "execute", json!({"sql": INSERT, "params": [body]})).await
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn is_done(answer: &Value) -> bool {
    !answer.is_null() && answer["isError"] != json!(true)
}

fn refused_by(answer: &Value) -> &str {
    answer["_meta"]["pgwarden/error"]["rule"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_full_disk_stops_writes_and_room_on_it_lets_them_go_on() {
    let ground = Ground::new().await;
    let disk = ground.folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let config = ground.config("[audit]\nfile = \"disk/audit.jsonl\"\n");
    let serving = Serving::with_disk(&config, &disk).await;
    until("it writes", async || Some(serving.write("0").await).filter(is_done)).await;
    let seen = PathBuf::from(format!("/proc/{}/root{}", serving.child.id(), disk.display()));
    let log = seen.join("audit.jsonl");
    let mut filler = fs::File::create(seen.join("filler")).unwrap();
    while filler.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
    // What is left of the last page takes a few records more.
    let mut written = 1;
    let refused = loop {
        let answer = serving.write("x").await;
        if !is_done(&answer) {
            break answer;
        }
        written += 1;
        assert!(written < 100, "the disk is not full");
    };
    assert_eq!(refused_by(&refused), "audit.failed", "{refused}");
    assert_eq!(ground.notes().await, 2 + written);
    for _ in 0..20 {
        assert_eq!(refused_by(&serving.write("x").await), "audit.failed");
    }
    assert_eq!(ground.notes().await, 2 + written);
    assert_eq!(
        serving.ready().await,
        (200, "degraded: writes are refused, the audit log cannot be written\n".to_owned())
    );
    assert!(is_done(&serving.call("", "query", json!({"sql": "SELECT id FROM s.notes"})).await));
    assert_eq!(serving.log.lock().unwrap().matches("the audit log cannot be written:").count(), 1);
    // What is on the disk is whole, also now.
    let whole = run(&["audit", "verify", log.to_str().unwrap()]);
    assert_eq!(whole.status, 0, "{}", whole.out);

    fs::remove_file(seen.join("filler")).unwrap();
    drop(filler);
    until("it goes on", async || Some(serving.write("x").await).filter(is_done)).await;
    assert_eq!(ground.notes().await, 3 + written);
    let ready =
        until("it is ready", async || Some(serving.ready().await).filter(|(_, text)| text == "ready\n"));
    ready.await;
    let records = records(&fs::read_to_string(&log).unwrap());
    let announced = records.iter().filter(|record| record["event"] == "write").count();
    assert!(i64::try_from(announced).unwrap() > written, "each that ran is announced");
    let told = told(&records);
    assert!(
        told.contains(&"decision query allowed".to_owned()),
        "what was read meanwhile is there: {told:?}"
    );
    let whole = run(&["audit", "verify", log.to_str().unwrap()]);
    assert_eq!(whole.status, 0, "{}", whole.out);
}

#[tokio::test]
async fn sighup_opens_the_file_anew_and_no_secret_is_in_any_of_them() {
    let ground = Ground::new().await;
    let tokens = ground.folder.path().join("tokens.toml");
    let made = run(&[
        "token",
        "create",
        "--tokens-file",
        tokens.to_str().unwrap(),
        "--name",
        "robot",
        "--scope",
        "read",
        "--scope",
        "write",
    ]);
    let token = made.out.trim().to_owned();
    let config = ground.config(
        "[auth]\nmethods = [\"tokens\"]\ntokens_file = \"tokens.toml\"\n[audit]\nfile = \"audit.jsonl\"\n",
    );
    let serving = Serving::start(&config).await;
    let sql = "SELECT body FROM s.notes WHERE body <> 'kanari-literal'";
    let answer = until("it answers", async || {
        Some(serving.call(&token, "query", json!({"sql": sql})).await).filter(is_done)
    });
    assert!(answer.await.to_string().contains("kanari-row"));
    let aside = ground.folder.path().join("aside");
    fs::rename(ground.log(), &aside).unwrap();
    serving.signal(Signal::SIGHUP);
    until("it opens another file", async || ground.log().exists().then_some(())).await;
    serving.call(&token, "execute", json!({"sql": INSERT, "params": ["kanari-parameter"]})).await;
    serving.signal(Signal::SIGTERM);
    until("it has ended", async || {
        let text = fs::read_to_string(ground.log()).ok()?;
        text.contains("\"event\":\"stop\"").then_some(())
    })
    .await;
    let texts = [&aside, &ground.log()].map(|file| fs::read_to_string(file).unwrap()).concat();
    let id = run(&["token", "list", "--tokens-file", tokens.to_str().unwrap()]).out;
    let token_id =
        records(&texts).iter().find_map(|record| record["token"].as_str().map(str::to_owned)).unwrap();
    assert!(id.contains(&token_id), "{token_id} {id}");
    for secret in ["kanari", token.as_str()] {
        assert!(!texts.contains(secret), "{secret}: {texts}");
    }
    let told = told(&records(&texts));
    assert!(told.contains(&"reopened".to_owned()) && told.contains(&"write INSERT".to_owned()), "{told:?}");
    let files = [ground.log(), aside].map(|file| file.display().to_string());
    let whole = run(&["audit", "verify", &files[0], &files[1]]);
    assert_eq!(whole.status, 0, "{}", whole.out);
}
