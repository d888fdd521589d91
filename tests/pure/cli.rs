//! The program as a person starts it, with no PostgreSQL behind it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// What a command printed and how it ended.
struct Ended {
    status: i32,
    out: String,
    err: String,
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(words).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Ended {
    ended(program(words))
}

fn ended(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A port where nobody listens.
fn nobody() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("postgres://reader:hunter2@127.0.0.1:{port}/shop?connect_timeout=2")
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn serve(words: &[&str]) -> (Self, String) {
        let mut command = program(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(words).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let running = Self(child);
        let mut line = String::new();
        while !line.contains("listening on http://") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it listened");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        (running, address)
    }
}

fn post(address: &str, headers: &str, body: &Value) -> (u16, String) {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

fn call(address: &str, headers: &str, method: &str, mut params: Value) -> (u16, String) {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let name = params["name"].as_str().map_or(String::new(), |name| format!("Mcp-Name: {name}\r\n"));
    let headers = format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{name}{headers}");
    post(address, &headers, &json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
}

#[test]
fn a_variable_of_ours_that_nobody_reads_is_fatal() {
    let mut command = program(&["health"]);
    let ended = ended({
        command.env("PGWARDEN_POLCY", "x");
        command
    });
    assert_eq!((ended.status, ended.out.as_str()), (1, ""));
    assert_eq!(
        ended.err,
        "pgwarden: environment: unknown variable `PGWARDEN_POLCY`\nhint: did you mean `PGWARDEN_POLICY`?\n"
    );
}

#[test]
fn a_misspelt_flag_is_a_usage_error() {
    let ended = run(&["serve", "--databse", "x"]);
    assert_eq!(ended.status, 2);
    assert!(ended.err.contains("--database"), "{}", ended.err);
}

#[test]
fn a_misspelt_key_is_fatal_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pgwarden.toml");
    fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\nalowed_hosts = []\n").unwrap();
    let config = config.to_str().unwrap();
    let ended = run(&["serve", "--config", config]);
    assert_eq!(ended.status, 1);
    assert_eq!(
        ended.err,
        format!(
            "pgwarden: {config}:3:1: unknown key `alowed_hosts` in `[server]`\nhint: did you mean `allowed_hosts`?\n"
        )
    );
}

#[test]
fn without_authentication_only_loopback_is_listened_on() {
    let ended = run(&["serve", "--listen", "0.0.0.0:0", "--database", &nobody()]);
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("without authentication"), "{}", ended.err);
}

#[test]
fn a_server_that_is_to_ask_for_tokens_does_not_start_without_a_file_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("pgwarden.toml");
    fs::write(&config, "[auth]\nmethods = [\"tokens\"]\n").unwrap();
    let ended = run(&["serve", "--config", config.to_str().unwrap(), "--database", &nobody()]);
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("no `tokens_file` is named"), "{}", ended.err);
}

#[test]
fn a_server_without_its_database_lists_its_tools_and_refuses_calls_with_the_reason() {
    let (_running, address) = Running::serve(&["--database", &nobody()]);
    let (status, tools) = call(&address, "", "tools/list", json!({}));
    assert!(status == 200 && tools.contains("\"search_objects\""), "{tools}");
    let query = json!({"name": "query", "arguments": {"sql": "SELECT 1"}});
    let (_, refusal) = call(&address, "", "tools/call", query);
    assert!(refusal.contains("\"isError\":true") && refusal.contains("08"), "{refusal}");
    assert!(!refusal.contains("hunter2"));
    let url = format!("http://{address}");
    let unready = run(&["health", "--url", &url]);
    assert_eq!(unready.status, 1, "{}", unready.out);
    assert!(unready.out.starts_with("503 "), "{}", unready.out);
    assert_eq!(run(&["health", "--url", &format!("{url}/healthz")]).status, 0);
}

#[test]
fn a_server_on_stdio_answers_before_its_database_and_ends_with_its_input() {
    let mut command = program(&["serve", "--stdio", "--database", &nobody()]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running(child);
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"},
    }});
    writeln!(input, "{initialize}").unwrap();
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["result"]["protocolVersion"], "2025-11-25");
    drop(input);
    assert!(running.0.wait().unwrap().success());
}

#[test]
fn a_token_is_shown_once_kept_as_a_hash_opens_the_door_and_can_be_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.toml");
    let path = file.to_str().unwrap();
    let made = run(&["token", "create", "--tokens-file", path, "--name", "laptop", "--expires", "1d"]);
    assert_eq!(made.status, 0, "{}", made.err);
    let token = made.out.trim_end();
    assert!(token.starts_with("pgw_") && !made.err.contains(token));
    assert!(!fs::read_to_string(&file).unwrap().contains(token));
    let listed = run(&["token", "list", "--tokens-file", path]);
    assert!(listed.out.contains("laptop") && !listed.out.contains(token), "{}", listed.out);
    let again = run(&["token", "create", "--tokens-file", path, "--name", "laptop"]);
    assert!(again.status == 1 && again.err.contains("`laptop`"), "{}", again.err);

    let (_running, address) = Running::serve(&["--tokens-file", path, "--database", &nobody()]);
    let tools = |headers: &str| call(&address, headers, "tools/list", json!({})).0;
    assert_eq!(tools(""), 401);
    assert_eq!(tools("Authorization: Bearer pgw_wrong\r\n"), 401);
    assert_eq!(tools(&format!("Authorization: Bearer {token}\r\n")), 200);

    let revoked = run(&["token", "revoke", "--tokens-file", path, "laptop"]);
    assert_eq!(revoked.status, 0, "{}", revoked.err);
    assert_eq!(run(&["token", "list", "--tokens-file", path]).out, "");
    assert_eq!(run(&["token", "revoke", "--tokens-file", path, "laptop"]).status, 1);
}

#[test]
fn a_database_that_does_not_answer_fails_check_and_doctor_without_the_password() {
    let url = nobody();
    for words in
        [&["check", "--database", url.as_str(), "SELECT 1"][..], &["doctor", "--database", url.as_str()]]
    {
        let ended = run(words);
        assert_eq!(ended.status, 1, "{words:?}");
        let said = format!("{}{}", ended.out, ended.err);
        assert!(said.contains("127.0.0.1") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn health_asks_only_this_machine() {
    let ended = run(&["health", "--url", "http://192.0.2.1:80/"]);
    assert_eq!(ended.status, 1);
    assert!(ended.err.contains("`192.0.2.1:80` is not this machine"), "{}", ended.err);
}

#[test]
fn the_notify_script_is_printed_without_a_database_and_so_is_what_undoes_it() {
    let (script, reverse) = (run(&["notify", "script"]), run(&["notify", "script", "--reverse"]));
    assert_eq!((script.status, reverse.status), (0, 0), "{}{}", script.err, reverse.err);
    assert!(script.out.contains("CREATE EVENT TRIGGER pgwarden_ddl ON ddl_command_end"), "{}", script.out);
    assert!(reverse.out.contains("DROP EVENT TRIGGER IF EXISTS pgwarden_ddl;"), "{}", reverse.out);
    assert_eq!((script.err.as_str(), reverse.err.as_str()), ("", ""));
}
