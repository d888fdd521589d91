//! `pgwarden approve` and `pgwarden approvals`: by the socket of a server, and by the store that replicas share.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use pgwarden::store::migrate::migrate;
use serde_json::{Value, json};

use super::connection;
use super::ground::{Ground, INSERT};
use crate::mcp_wire::{initialize, request};
use crate::postgres::cli::program;
use crate::support::{Database, Template, until};

/// In no log, answer, or list of processes.
const CANARY: &str = "k3Vq9ZxW7pLm2RtY8nBc-canary";
const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// `serve --stdio`, with its log in a file.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Server {
    fn start(config: &Path, log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).unwrap();
        let mut command = program(&["serve", "--stdio", "--config", config.to_str().unwrap()]);
        command.env("PGWARDEN_LOG", "trace").env("PGWARDEN_STORE_KEY", KEY);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(file);
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut server = Self { child, input, output, log };
        server.ask(&initialize("2025-11-25"));
        server
    }

    fn ask(&mut self, message: &Value) -> Value {
        writeln!(self.input, "{message}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    fn call(&mut self, arguments: Value) -> Value {
        let answered =
            self.ask(&request(1, "tools/call", json!({"name": "execute", "arguments": arguments})));
        let content = answered["result"]["structuredContent"].clone();
        if content.is_null() { answered["result"]["content"][0]["text"].clone() } else { content }
    }

    /// The id of a write that waits.
    fn writes(&mut self, body: &str) -> String {
        let answered = self.call(json!({"sql": INSERT, "params": [body]}));
        answered["approval_id"].as_str().unwrap_or_else(|| panic!("{answered}")).to_owned()
    }

    /// Its whole log, once it has ended.
    fn stop(self) -> String {
        let Self { mut child, input, output, log } = self;
        drop((input, output));
        child.wait().unwrap();
        std::fs::read_to_string(log).unwrap()
    }
}

struct Said {
    status: i32,
    out: String,
    err: String,
}

fn run(mut command: Command) -> Said {
    let output = command.env("PGWARDEN_STORE_KEY", KEY).output().unwrap();
    Said {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn config(ground: &Ground, more: &str) -> PathBuf {
    let policy = ground.policy("served.toml", "requester", 10);
    let path = ground.path().join("pgwarden.toml");
    let text = format!(
        "{more}\n[databases.ground]\nurl = \"{}\"\npolicy = \"{}\"\n",
        ground.database.url(&ground.login),
        policy.display()
    );
    std::fs::write(&path, text).unwrap();
    path
}

async fn socket_in(folder: &Path) -> PathBuf {
    until("the socket is there", async || {
        let found = folder.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        found.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "sock"))
    })
    .await
}

/// One question over a control socket.
fn told(socket: &Path, question: &Value) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    writeln!(stream, "{question}").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
}

/// The whole way, with whatever keeps the approvals.
async fn approved_and_refused(ground: &Ground, config: &Path) -> String {
    let words = config.to_str().unwrap().to_owned();
    let mut server = Server::start(config, ground.path().join("log"));
    let id = server.writes(CANARY);
    let approve =
        |id: &str, more: &[&str]| run(program(&[&["approve", id, "--config", &words], more].concat()));
    let list = || run(program(&["approvals", "--config", &words]));
    let listed = until("it is listed", async || Some(list()).filter(|said| said.out.contains(&id))).await;
    assert!(listed.out.contains("INSERT s.notes  database ground  asked by local"), "{}", listed.out);
    assert!(!listed.out.contains(CANARY));
    // Nobody at a terminal: nothing is decided without --yes.
    let asked = approve(&id, &[]);
    assert_eq!(asked.status, 1, "{}", asked.out);
    assert!(asked.err.contains("use --yes where a script decides"), "{}", asked.err);
    for part in
        [r#"INSERT INTO "s"."notes""#, &format!("$1 = \"{CANARY}\""), &ground.login, "10 rows", "preview"]
    {
        assert!(asked.out.contains(part), "{part}: {}", asked.out);
    }
    assert_eq!(ground.notes(CANARY).await, 0);
    let said = approve(&id, &["--yes"]);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    assert!(said.out.ends_with("approved: it runs when its client asks again\n"), "{}", said.out);
    let again = approve(&id, &["--yes"]);
    assert!(again.status == 1 && again.err.contains("it is approved already"), "{}", again.err);
    let done = server.call(json!({"approval_id": id}));
    assert_eq!((done["status"].as_str(), ground.notes(CANARY).await), (Some("done"), 1), "{done}");

    let id = server.writes("no\u{1b}[2J\rhidden");
    let reason = ["--refuse", "--reason", "wrong\u{1b}[1m year", "--yes"];
    let said =
        until("it is there", async || Some(approve(&id, &reason)).filter(|said| said.status == 0)).await;
    assert!(said.out.ends_with("refused\n"), "{}", said.out);
    assert!(!said.out.contains(['\u{1b}', '\r']), "{:?}", said.out);
    let refused = server.call(json!({"approval_id": id}));
    let words = refused.as_str().unwrap();
    assert!(
        words.contains("approval.refused") && words.contains("their reason: wrong<U+001B>[1m year"),
        "{words}"
    );
    for (id, what) in [("0".repeat(32), "there is no approval"), ("x".to_owned(), "is no approval's id")] {
        let said = approve(&id, &["--yes"]);
        assert!(said.status == 1 && said.err.contains(what), "{}", said.err);
    }
    server.stop()
}

#[tokio::test]
async fn a_server_that_keeps_them_in_memory_is_reached_by_its_socket() {
    let ground = Ground::new().await;
    let sockets = ground.path().join("control");
    let config = config(&ground, "[server]\ncontrol_directory = \"control\"\n");
    assert!(!sockets.exists());
    let log = approved_and_refused(&ground, &config).await;
    assert!(!log.contains(CANARY), "{log}");
    for step in ["asked", "approved", "used", "refused"] {
        assert!(log.contains(&format!("approval of a write on `ground`: {step}")), "{step}: {log}");
    }
    assert!(log.contains("by=\"cli:"), "{log}");
    assert_eq!(std::fs::metadata(&sockets).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(sockets.read_dir().unwrap().count(), 0, "the socket is gone with its server");
    let none = run(program(&["approvals", "--config", config.to_str().unwrap()]));
    assert!(none.status == 1 && none.err.contains("no server with anything to approve"), "{}", none.err);
}

#[tokio::test]
async fn while_it_runs_nobody_else_reaches_the_socket() {
    let ground = Ground::new().await;
    let config = config(&ground, "[server]\ncontrol_directory = \"control\"\n");
    let mut server = Server::start(&config, ground.path().join("log"));
    let sockets = ground.path().join("control");
    server.writes("x");
    let socket = socket_in(&sockets).await;
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // What is no question is no answer either, and the next one is heard.
    for words in ["", "{}\n", "{\"decide\":{\"id\":\"x\"}}\n"] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
    }
    let listed = run(program(&["approvals", "--config", config.to_str().unwrap()]));
    assert!(listed.status == 0 && listed.out.contains("INSERT s.notes"), "{}{}", listed.out, listed.err);
    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o777)).unwrap();
    let refused = run(program(&["approvals", "--config", config.to_str().unwrap()]));
    assert!(refused.status == 1 && refused.err.contains("others can write to"), "{}", refused.err);
    server.stop();
}

#[tokio::test]
async fn a_yes_to_what_the_server_has_not_shown_decides_nothing() {
    let ground = Ground::new().await;
    let config = config(&ground, "[server]\ncontrol_directory = \"control\"\n");
    let mut server = Server::start(&config, ground.path().join("log"));
    let id = server.writes("real");
    let path = socket_in(&ground.path().join("control")).await;
    // In the server's place there is a socket that shows something harmless, and hands on what is decided.
    let real = ground.path().join("real");
    std::fs::rename(&path, &real).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    let behind = real.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let mut answer = told(&behind, &serde_json::from_str(&line).unwrap());
            if answer["shown"]["statement"].is_string() {
                answer["shown"]["statement"] = json!("SELECT 'harmless'");
            }
            let _ = writeln!(stream, "{answer}");
        }
    });
    let words = config.to_str().unwrap();
    let said = run(program(&["approve", &id, "--yes", "--config", words]));
    assert!(said.status == 1 && said.out.contains("harmless"), "{}{}", said.out, said.err);
    assert!(said.err.contains("what was shown is not what would be approved"), "{}", said.err);
    let state = told(&real, &json!({"show": {"id": id}}))["shown"]["state"].clone();
    assert_eq!(state, "pending");
    let decide = |shown: &str| json!({"decide": {"id": id, "decision": "approve", "shown": shown}});
    assert_eq!(told(&real, &decide(&"0".repeat(64)))["failed"]["rule"], "approval.changed");
    std::fs::rename(&real, &path).unwrap();
    let said = run(program(&["approve", &id, "--yes", "--config", words]));
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    server.stop();
}

#[tokio::test]
async fn those_in_the_store_are_decided_without_a_server() {
    let ground = Ground::new().await;
    let store = Database::create(Template::Empty).await;
    migrate(&connection(&store)).await.unwrap();
    let config = config(&ground, &format!("[store]\nurl = \"{}\"\n", store.admin_url()));
    let log = approved_and_refused(&ground, &config).await;
    assert!(!log.contains(CANARY), "{log}");
}
