//! `pgwarden serve`, `check` and `doctor` with saved queries.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::*;
use crate::support::{Template, until};

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

/// One that serves does not end.
async fn ended(words: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(program(words));
    let output = command.kill_on_drop(true).output();
    tokio::time::timeout(Duration::from_secs(60), output).await.expect("it does not end").unwrap()
}

struct Files(tempfile::TempDir);

impl Files {
    fn new(database: &Database<'_>, queries: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.put("queries.toml", queries);
        files.put("policy.toml", SHOP);
        let url = database.url(READER);
        files.put(
            "pgwarden.toml",
            &format!(
                "[databases.shop]\nurl = \"{url}\"\npolicy = \"policy.toml\"\nqueries = \"queries.toml\"\n"
            ),
        );
        files
    }

    /// In one step, as an editor does.
    fn put(&self, name: &str, text: &str) {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn nothing_is_served_with_a_saved_query_that_cannot_be_run() {
    let database = Database::create(Template::Shop).await;
    let wrong = query(
        "wrong_type",
        "SELECT id FROM shop.orders WHERE id = $1",
        &["{ name = \"p\", type = \"date\" }"],
    ) + &query("refused_one", "SELECT * FROM staff.payroll", &[]);
    let files = Files::new(&database, &wrong);
    let config = files.path("pgwarden.toml");
    let config = config.to_str().unwrap();
    let commands = [
        &["serve", "--listen", "127.0.0.1:0", "--config", config][..],
        &["check", "--config", config, "SELECT 1"],
        &["doctor", "--config", config],
    ];
    for words in commands {
        let output = ended(words).await;
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?} {told}");
        for fault in [
            "queries.toml:5:35: `p` is date, PostgreSQL takes `$1` for int8: declare `bigint`, or write `$1::date`",
            "queries.toml:9:7: `refused_one` is refused to everybody: relation `staff.payroll` does not exist",
        ] {
            assert!(told.contains(fault), "{words:?} {told}");
        }
    }
    files.put("queries.toml", &wrong.replace("[[query]]", "[[qery]]"));
    for words in commands {
        let output = ended(words).await;
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            !output.status.success() && told.contains("queries.toml:1:3: unknown key `qery`"),
            "{words:?} {told}"
        );
    }
}

#[tokio::test]
async fn a_changed_file_changes_the_tools_and_readyz_tells_of_a_wrong_one() {
    let database = Database::create(Template::Shop).await;
    let files = Files::new(&database, &query("first_one", "SELECT 1 AS one", &[]));
    let config = files.path("pgwarden.toml");
    let mut command = program(&["serve", "--config", config.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let mut running = Running(command.env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap());
    let log = Arc::new(Mutex::new(String::new()));
    let (kept, lines) = (Arc::clone(&log), BufReader::new(running.0.stderr.take().unwrap()).lines());
    std::thread::spawn(move || {
        lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&(line + "\n")))
    });
    let logged =
        async |text: &str| until(text, async || log.lock().unwrap().contains(text).then_some(())).await;
    logged("listening on http://").await;
    let address = log
        .lock()
        .unwrap()
        .split_once("listening on http://")
        .unwrap()
        .1
        .split_once("/mcp")
        .unwrap()
        .0
        .to_owned();
    let ready =
        async || reqwest::get(format!("http://{address}/readyz")).await.unwrap().text().await.unwrap();
    let names = async || {
        let request = reqwest::Client::new().post(format!("http://{address}/mcp"));
        let request = request.header("Accept", "application/json, text/event-stream");
        let request = request.header("MCP-Protocol-Version", "2026-07-28").header("Mcp-Method", "tools/list");
        let listed: Value = request
            .json(&crate::mcp_wire::stateless(1, "tools/list", json!({})))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        tool_names(&listed).iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()
    };
    assert!(names().await.contains(&"first_one".to_owned()));

    files.put("queries.toml", &query("second_one", "SELECT 2 AS two", &[]));
    logged("saved queries of `shop` taken").await;
    let now = names().await;
    assert!(now.contains(&"second_one".to_owned()) && !now.contains(&"first_one".to_owned()), "{now:?}");

    files.put("queries.toml", "[[query]]\nname = \"third_one\"\n");
    kill(Pid::from_raw(running.0.id().cast_signed()), Signal::SIGHUP).unwrap();
    logged("saved queries of `shop` not taken").await;
    let degraded = "degraded: saved queries not taken, those before stay: queries.toml:1:1\n";
    until("degraded", async || (ready().await == degraded).then_some(())).await;
    assert_eq!(names().await, now);
}
