//! The commands against a real database: statuses, streams, and the demo from its start to its end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::support::{Database, READER, Template, until};

pub(super) struct Ended {
    pub status: i32,
    pub out: String,
    pub err: String,
}

pub(super) fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(words).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let ours = name.starts_with("PGWARDEN_") && name != "PGWARDEN_PG_BIN";
        if ours || name.starts_with("PG") && !name.starts_with("PGWARDEN_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    command
}

pub(super) fn run(words: &[&str]) -> Ended {
    let output = program(words).output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn check_tells_allowed_from_denied_from_failed_by_its_status() {
    let database = Database::create(Template::Shop).await;
    let url = database.url(READER);
    let check = |sql: &str| run(&["check", "--database", &url, sql]);
    let allowed = check("SELECT id FROM orders");
    assert_eq!(allowed.status, 0, "{}", allowed.err);
    assert!(allowed.out.starts_with("allowed\nrelations: shop.orders\nSELECT"), "{}", allowed.out);
    let denied = check("SELECT id\nFROM ordres");
    assert_eq!((denied.status, denied.err.as_str()), (3, ""));
    assert!(denied.out.starts_with("ERROR:  42P01: relation `ordres` does not exist\nLINE 2: FROM ordres\n"));
    assert!(denied.out.contains("HINT:  did you mean `shop.orders`?"), "{}", denied.out);
    let failed = run(&["check", "--database", &url.replace(READER, "nobody_of_that_name"), "SELECT 1"]);
    assert_eq!((failed.status, failed.out.as_str()), (1, ""));
}

/// Semicolons within strings, names and comments end nothing.
#[tokio::test]
async fn check_reports_how_much_of_a_file_is_accepted() {
    let database = Database::create(Template::Shop).await;
    let url = database.url(READER);
    let folder = std::env::temp_dir().join(database.name());
    std::fs::create_dir_all(&folder).unwrap();
    let plain = folder.join("statements.sql");
    let text = "SELECT id FROM orders; SELECT ';' AS \";\" /* ; */ -- ;\n;\nSELECT $$;$$ FROM nowhere;;
                SELECT * FROM elsewhere; DELETE FROM orders; SELECT xmlpi(name x); SELECT ((1)";
    std::fs::write(&plain, text).unwrap();
    let lines = folder.join("statements.jsonl");
    let one_a_line: Vec<String> = ["SELECT 1", "SELECT 1 FROM t FOR UPDATE"]
        .iter()
        .map(|sql| serde_json::json!({ "sql": sql }).to_string())
        .collect();
    std::fs::write(&lines, one_a_line.join("\n")).unwrap();
    let check = |file: &std::path::Path, more: &[&str]| {
        run(&[&["check", "--database", &url, "--corpus", file.to_str().unwrap()], more].concat())
    };
    let report = check(&plain, &[]);
    assert_eq!(report.status, 0, "{}", report.err);
    for line in [
        "     7 statements",
        "     5 parse (71.4 %)",
        "     1 write or lock rows, which no policy allows",
        "     4 of the other 6 are accepted as syntax (66.7 %)",
        "     2 are allowed here, with what they name",
        "     2 sql.relations: relation `..` does not exist (first: statement 3)",
        "     1 sql.unsupported: not supported: xmlpi (first: statement 6)",
    ] {
        assert!(report.out.lines().any(|found| found == line), "{line:?} in\n{}", report.out);
    }
    let report: Value = serde_json::from_str(&check(&lines, &["--json"]).out).unwrap();
    assert_eq!(
        (&report["statements"], &report["allowed"], &report["writes"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(check(&folder.join("none"), &[]).status, 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn check_answers_with_json_when_asked() {
    let database = Database::create(Template::Shop).await;
    let url = database.url(READER);
    let json = |sql: &str| -> Value {
        serde_json::from_str(&run(&["check", "--json", "--database", &url, sql]).out).unwrap()
    };
    let allowed = json("SELECT id FROM orders");
    assert_eq!(allowed["decision"], "allow");
    assert_eq!(allowed["relations"], serde_json::json!(["shop.orders"]));
    assert!(allowed["rendered"].as_str().unwrap().contains("\"orders\""));
    let denied = json("SELECT\n  x FROM orders");
    assert_eq!(denied["decision"], "deny");
    assert_eq!(denied["sqlstate"], "42703");
    assert_eq!(denied["position"], serde_json::json!({"line": 2, "column": 3}));
    assert!(denied["rule"].is_string() && denied["hint"].is_string() && denied["rendered"].is_null());
}

#[tokio::test]
async fn check_reads_statements_line_by_line_and_answers_each_thousands_a_second() {
    let database = Database::create(Template::Shop).await;
    let mut command = program(&["check", "--database", &database.url(READER), "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answer = || serde_json::from_str::<Value>(&output.next().unwrap().unwrap()).unwrap();

    // Each answer comes before the next question.
    writeln!(input, "{{\"id\": 7, \"sql\": \"SELECT 1\", \"more\": []}}").unwrap();
    let first = answer();
    assert_eq!((&first["id"], &first["decision"]), (&7.into(), &"allow".into()));
    writeln!(input, "\nSELECT 1").unwrap();
    let malformed = answer();
    assert_eq!(malformed["decision"], "error");
    assert!(malformed["message"].as_str().unwrap().starts_with("line 3 "), "{malformed}");

    let many = 2_000;
    let started = Instant::now();
    let writer = std::thread::spawn(move || {
        for at in 0..many {
            let table = if at % 2 == 0 { "orders" } else { "staff.payroll" };
            writeln!(input, "{{\"id\": {at}, \"sql\": \"SELECT id FROM {table} WHERE id = {at}\"}}").unwrap();
        }
    });
    for at in 0..many {
        let answer = answer();
        assert_eq!(answer["id"], at);
        assert_eq!(answer["decision"], if at % 2 == 0 { "allow" } else { "deny" });
    }
    // A build without optimisation on a busy machine: far from the thousands of a release.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    writer.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn doctor_fails_on_findings_until_each_is_accepted() {
    let database = Database::create(Template::Shop).await;
    let sound = run(&["doctor", "--database", &database.url(READER)]);
    assert_eq!(sound.status, 0, "{}{}", sound.out, sound.err);
    assert!(sound.out.contains("the login has no power beyond reading"), "{}", sound.out);

    let login = database.create_role("strong", "LOGIN BYPASSRLS CREATEROLE").await;
    let url = database.url(&login);
    database
        .admin()
        .await
        .batch_execute(&format!("GRANT CONNECT ON DATABASE {} TO {login}", database.name()))
        .await
        .unwrap();
    let found = run(&["doctor", "--database", &url]);
    assert_eq!(found.status, 1);
    assert!(
        found.out.contains("FAIL      bypassrls: ") && found.out.contains("NOBYPASSRLS"),
        "{}",
        found.out
    );
    let accepted = run(&["doctor", "--database", &url, "--accept", "bypassrls", "--accept", "createrole"]);
    assert_eq!(accepted.status, 0, "{}", accepted.out);
    let json = run(&["doctor", "--json", "--database", &url, "--accept", "bypassrls"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["healthy"], &json["found"]["accepted"][0]), (&false.into(), &"bypassrls".into()));
}

/// A `demo` that ends with the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_demo_starts_says_what_to_paste_answers_and_leaves_nothing() {
    let mut child = program(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut demo = Demo(child);
    let text = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        while !text.contains("Ctrl-C") {
            assert!(output.read_line(&mut text).unwrap() > 0, "it ended early: {text}");
        }
        text
    });
    let text = text.await.unwrap();
    let word = |from: &str, end: char| {
        let rest = text.split_once(from).unwrap_or_else(|| panic!("no `{from}` in {text}")).1;
        rest.split(end).next().unwrap().to_owned()
    };
    let url = format!("http://{}", word("http://", '\n'));
    let database = format!("postgresql://{}", word("'postgresql://", '\''));

    let ready = run(&["health", "--url", &url.replace("/mcp", "/readyz")]);
    assert_eq!((ready.status, ready.out.starts_with("200")), (0, true), "{}{}", ready.out, ready.err);
    assert_eq!(run(&["doctor", "--database", &database]).status, 0);
    assert_eq!(run(&["check", "--database", &database, "SELECT * FROM staff.payroll"]).status, 3);
    assert_eq!(run(&["check", "--database", &database, "SELECT * FROM orders"]).status, 0);

    let call = json!({"name": "late_deliveries", "arguments": {"days": 2, "carrier": "Kestrel"}});
    let request = reqwest::Client::new().post(&url).header("Accept", "application/json, text/event-stream");
    let request = request.header("MCP-Protocol-Version", "2026-07-28");
    let request = request.header("Mcp-Method", "tools/call").header("Mcp-Name", "late_deliveries");
    let answer = request.json(&crate::mcp_wire::stateless(1, "tools/call", call)).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let late = &answer["result"]["structuredContent"]["rows"][0];
    assert!(late[2] == "Kestrel" && late[4].as_i64().unwrap() >= 2, "{answer}");

    let folder = word("host=", '&').replace("%2F", "/");
    assert!(std::path::Path::new(&folder).is_dir(), "{folder}");
    kill(Pid::from_raw(demo.0.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(demo.0.wait().unwrap().code(), Some(0));
    until("the server's folder is removed", || async {
        (!std::path::Path::new(&folder).exists()).then_some(())
    })
    .await;
}
