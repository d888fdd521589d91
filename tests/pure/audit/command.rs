//! `pgwarden audit` at the command line.

use std::io::{BufRead as _, BufReader};

use super::*;

fn decided(audit: &Audit, subject: &str, database: &str, allowed: bool) {
    audit.take(&Event::Decision {
        query_id: "q",
        who: Who { subject, issuer: "https://id.test", ..Who::default() },
        database,
        statement: Statement::Asked("SELECT a FROM t WHERE b = 'kanari'"),
        kind: "query",
        policy: "v1",
        allowed,
        rule: (!allowed).then_some("deny[1]"),
        sqlstate: None,
        relations: &[],
        rules: &[],
        took: Duration::ZERO,
    });
}

#[tokio::test]
async fn show_prints_what_is_asked_for() {
    let log = Log::new();
    let audit = log.open().await.unwrap();
    decided(&audit, "ann", "shop", true);
    decided(&audit, "ann", "shop", false);
    decided(&audit, "ben", "shop", false);
    decided(&audit, "ann", "archive", false);
    audit.close().await;
    let config = log.folder.path().join("pgwarden.toml");
    fs::write(&config, "[audit]\nfile = \"audit.jsonl\"\n").unwrap();
    let config = config.to_str().unwrap();
    let show = |more: &[&str]| {
        let (status, out, err) = pgwarden(&[&["audit", "show", "--config", config], more].concat());
        assert_eq!((status, err.as_str()), (0, ""));
        out
    };
    let whole = show(&["--json"]);
    assert_eq!(whole, log.text());
    assert_eq!(show(&["--since", "1h"]).lines().count(), 6);
    let one = show(&["--subject", "ann", "--database", "shop", "--refused", "--since", "1m"]);
    assert_eq!(one.lines().count(), 1, "{one}");
    assert!(
        one.starts_with("3 2")
            && one.contains("Z decision refused query_id=q issuer=https://id.test subject=ann"),
        "{one}"
    );
    assert!(
        one.contains("rule=deny[1]")
            && one.contains(r#"statement="SELECT \"a\" FROM \"t\" WHERE (\"b\" = ?)""#),
        "{one}"
    );
    // What is old is not shown.
    fs::write(log.path(), log.text().replace("\"time\":\"2", "\"time\":\"1")).unwrap();
    assert_eq!(show(&["--since", "90d"]), "");
    assert!(show(&[]).lines().count() == 6);
}

#[test]
fn what_cannot_be_read_is_told() {
    let (status, _, err) = pgwarden(&["audit", "verify"]);
    assert!(status == 1 && err.contains("no log is named"), "{err}");
    let (status, _, err) = pgwarden(&["audit", "verify", "/nowhere/audit.jsonl"]);
    assert!(status == 1 && err.contains("cannot read `/nowhere/audit.jsonl`"), "{err}");
    let (status, _, err) = pgwarden(&["audit", "verify", "--head", "12", "/nowhere/audit.jsonl"]);
    assert!(status == 1 && err.contains("is no record"), "{err}");
    let (status, _, err) = pgwarden(&["audit", "show", "--since", "1w", "/nowhere/audit.jsonl"]);
    assert!(status == 1 && err.contains("is no time"), "{err}");
}

/// Also without a database that answers: the log is the first thing that is opened.
#[test]
fn a_server_that_records_on_stdout_does_so_or_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pgwarden.toml");
    let url = "postgres://a@127.0.0.1:1/b";
    fs::write(&config, format!("[audit]\nstdout = true\n[databases.shop]\nurl = \"{url}\"\n")).unwrap();
    let serve = |out: Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--config", config.to_str().unwrap()]).env_clear();
        command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut begun = serve(Stdio::piped());
    let mut line = String::new();
    BufReader::new(begun.stdout.take().unwrap()).read_line(&mut line).unwrap();
    begun.kill().unwrap();
    begun.wait().unwrap();
    assert!(line.starts_with("{\"seq\":1,") && line.contains("\"event\":\"start\""), "{line}");
    // A disk that is always full.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = serve(full.into()).wait_with_output().unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && err.contains("stdout cannot be written: No space left"), "{err}");
}

#[tokio::test]
async fn a_server_on_stdio_has_no_stdout_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pgwarden.toml");
    fs::write(&config, "[audit]\nstdout = true\n[databases.shop]\nurl = \"postgres://a@localhost/b\"\n")
        .unwrap();
    let (status, _, err) = pgwarden(&["serve", "--stdio", "--config", config.to_str().unwrap()]);
    assert!(status == 1 && err.contains("stdout belongs to MCP"), "{err}");
}
