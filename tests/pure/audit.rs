//! The audit log as a file: what is found of tampering, what a start takes up again, what is never lost in silence.

mod attacks;
mod command;
mod full;
mod kept;
mod tampering;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use pgwarden::audit::{At, Audit, Key, Required, Settings, Statements};
use pgwarden::pg::Diagnostic;
use pgwarden::telemetry::{Event, Outcome, Sink as _, Statement, Who, Witness as _};
use serde_json::Value;

const KEY: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";

/// A folder with a log in it.
struct Log {
    folder: tempfile::TempDir,
    settings: Settings,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let path = folder.path().join("audit.jsonl");
        let settings = Settings {
            at: At::File { path, rotate_bytes: 100_000_000, keep_files: 10 },
            statements: Statements::Redacted,
            required: Required::Writes,
            key: None,
            databases: vec!["shop".to_owned()],
        };
        Self { folder, settings }
    }

    fn keyed() -> Self {
        let mut log = Self::new();
        log.settings.key = Key::parse(KEY);
        fs::write(log.folder.path().join("key"), KEY).unwrap();
        log
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn key_file(&self) -> String {
        self.folder.path().join("key").display().to_string()
    }

    async fn open(&self) -> Result<Arc<Audit>, Diagnostic> {
        Audit::open(self.settings.clone()).await
    }

    /// A process that records as many runs, and ends.
    async fn session(&self, runs: usize) {
        let audit = self.open().await.unwrap();
        for number in 0..runs {
            took(&audit, &number.to_string());
        }
        audit.close().await;
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    fn put(&self, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.path(), text).unwrap();
    }

    fn events(&self) -> Vec<String> {
        let lines = self.lines();
        let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.map(|record| record["event"].as_str().unwrap().to_owned()).collect()
    }

    fn verify(&self, more: &[&str]) -> (i32, String) {
        verify(&[self.path()], more)
    }
}

fn verify(files: &[PathBuf], more: &[&str]) -> (i32, String) {
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let (status, out, err) = pgwarden(&[&["audit", "verify"], files.as_slice(), more].concat());
    (status, format!("{out}{err}"))
}

fn pgwarden(words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    let output = command.args(words).env_clear().stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A run of a query.
fn took(audit: &Audit, query_id: &str) {
    audit.take(&Event::Run {
        query_id,
        who: Who { subject: "ann", client: Some("test/1"), ..Who::default() },
        database: "shop",
        kind: "query",
        outcome: Outcome::Completed,
        sqlstate: None,
        rows: 3,
        bytes: 100,
        truncated: false,
        took: Duration::from_micros(1_500),
    });
}

/// The record without which a write does not run.
async fn announced(audit: &Audit, query_id: &str) -> Result<(), Diagnostic> {
    let event = Event::Write {
        query_id,
        who: Who { subject: "ann", ..Who::default() },
        database: "shop",
        kind: "UPDATE",
        policy: "v1",
        statement: Statement::Checked("UPDATE \"s\".\"t\" SET \"a\" = 'kanari'"),
        relation: "s.t",
        approval: None,
    };
    audit.keep(&event).await
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
