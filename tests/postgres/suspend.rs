//! `pgwarden suspend`, `resume` and `suspended` by the control socket of a server that has no store.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::cli::{program, run};
use crate::support::{Database, READER, Template, until};

/// nobody, on most systems; in any case not the user of this test.
const STRANGER: u32 = 65_534;

struct Server {
    child: Child,
    address: String,
    config: String,
    sockets: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(database: &Database<'_>, folder: &Path) -> Self {
        let config = folder.join("pgwarden.toml");
        let text = format!(
            "[server]\ncontrol_directory = \"control\"\n[databases.shop]\nurl = \"{}\"\n",
            database.url(READER)
        );
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap().to_owned();
        let mut command = program(&["serve", "--listen", "127.0.0.1:0", "--config", &config]);
        let mut child = command.env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening on http://") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it listened");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { child, address, config, sockets: folder.join("control") }
    }

    async fn socket(&self) -> PathBuf {
        until("the socket is there", async || {
            let found = self.sockets.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
            found.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "sock"))
        })
        .await
    }

    /// The status, and all that was said.
    fn command(&self, words: &[&str]) -> (i32, String) {
        let ended = run(&[words, &["--config", &self.config]].concat());
        (ended.status, ended.out + &ended.err)
    }

    async fn query(&self) -> Value {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "query", "arguments": {"sql": "SELECT 1"}, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }},
        });
        let post = reqwest::Client::new()
            .post(format!("http://{}/mcp", self.address))
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "query")
            .json(&message);
        let text = post.send().await.unwrap().text().await.unwrap();
        let event = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
        serde_json::from_str(event.unwrap_or(&text)).unwrap()
    }
}

#[tokio::test]
async fn a_server_without_a_store_is_reached_by_its_socket_and_says_that_it_forgets() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&database, folder.path());
    server.socket().await;
    let (status, said) = server.command(&["suspend", "all", "--reason", "a leak", "--for", "1h"]);
    assert!(status == 0 && said.contains("it ends with the server's process"), "{said}");
    let refused = server.query().await;
    let text = refused["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{refused}"));
    assert!(text.contains("suspended by those who operate the server: a leak"), "{text}");
    assert!(text.contains("do not repeat the call before 20"), "{text}");
    let (_, listed) = server.command(&["suspended", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed["of"], &listed["reason"]), (&json!("all"), &json!("a leak")), "{listed}");
    let (status, said) = server.command(&["resume", "writes"]);
    assert!(status == 1 && said.contains("`writes` is not suspended"), "{said}");
    let (status, said) = server.command(&["resume", "all"]);
    assert_eq!((status, said.as_str()), (0, "resumed: all\n"));
    assert_eq!(server.query().await["result"]["structuredContent"]["rows"], json!([[1]]));
    let (status, said) = server.command(&["suspend", "all"]);
    assert!(status == 1 && said.contains("give a --reason"), "{said}");
    for (words, why) in [
        (["suspend", "policy", "shp"], "no database `shp`"),
        (["suspend", "policy", "shop/nobody.toml"], "no policy `nobody.toml`"),
    ] {
        let (status, said) = server.command(&[&words[..], &["--reason", "x"]].concat());
        assert!(status == 1 && said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn another_user_of_the_host_does_not_reach_the_socket() {
    let database = Database::create(Template::Shop).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&database, folder.path());
    let socket = server.socket().await;
    assert_eq!(socket.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.sockets.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    // Only root can become another user.
    if folder.path().metadata().unwrap().uid() != 0 {
        return;
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let connect = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])";
    let mut python = Command::new("python3");
    python.args(["-c", connect, socket.to_str().unwrap()]).current_dir("/");
    assert!(python.status().unwrap().success(), "its own user does");
    let stranger = python.uid(STRANGER).gid(STRANGER).output().unwrap();
    let said = String::from_utf8_lossy(&stranger.stderr);
    assert!(!stranger.status.success() && said.contains("PermissionError"), "{said}");
}
