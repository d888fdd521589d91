//! docs/QUICK-START.md: every file that it shows is read by whom it is for, and every program in it starts. Its commands run
//! in `tests/postgres/doc_commands.rs` (pgwarden's own) and in `tests/docs/run` (the clients').

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Where the page has pgwarden listen, on this machine and on the net.
const HERE: &str = "http://127.0.0.1:8432/mcp";
const ON_THE_NET: &str = "https://db.example/mcp";

/// Fenced blocks of the page: the section's heading, the language, the text.
fn blocks() -> Vec<(String, String, String)> {
    let page = fs::read_to_string("docs/QUICK-START.md").unwrap();
    let mut found = Vec::new();
    for section in page.split("\n## ").skip(1) {
        let (heading, text) = section.split_once('\n').unwrap();
        for block in text.split("\n```").skip(1).step_by(2) {
            let (language, code) = block.split_once('\n').unwrap();
            found.push((heading.to_owned(), language.to_owned(), code.to_owned()));
        }
    }
    found
}

fn of_language(wanted: &str) -> Vec<(String, String)> {
    let found: Vec<_> = blocks()
        .into_iter()
        .filter(|(_, language, _)| language == wanted)
        .map(|(heading, _, code)| (heading, code))
        .collect();
    assert!(!found.is_empty(), "{wanted}");
    found
}

/// What pgwarden says to a client that starts it so: the server's name.
fn started(entry: &Value) -> String {
    assert_eq!(entry["command"], "pgwarden");
    let words = entry["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let variables: Vec<&String> = entry["env"].as_object().unwrap().keys().collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(words).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    for variable in variables {
        command.env(variable, "postgres://reader@127.0.0.1:1/shop?connect_timeout=1");
    }
    let mut child = command.spawn().unwrap();
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"},
    }});
    writeln!(child.stdin.take().unwrap(), "{initialize}").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.wait().unwrap();
    let answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{entry}: {line}"));
    answer["result"]["serverInfo"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn every_client_has_a_section_with_something_to_paste_or_an_address() {
    let page = fs::read_to_string("docs/QUICK-START.md").unwrap();
    for client in [
        "Claude Code",
        "Claude Desktop",
        "claude.ai",
        "ChatGPT",
        "OpenAI Responses API",
        "Gemini CLI",
        "Gemini API and ADK",
        "VS Code",
        "Cursor",
        "Codex",
    ] {
        let section = page.split("\n## ").find(|section| section.starts_with(&format!("{client}\n")));
        let section = section.unwrap_or_else(|| panic!("{client}"));
        assert!(section.contains("```") || section.contains(ON_THE_NET), "{client}");
    }
}

#[test]
fn every_file_for_a_client_starts_pgwarden_or_names_an_address_of_the_page() {
    for (heading, code) in of_language("json") {
        let file: Value =
            serde_json::from_str(&code).unwrap_or_else(|error| panic!("{heading}: {error}\n{code}"));
        let servers = if heading == "VS Code" { "servers" } else { "mcpServers" };
        let entry = &file[servers]["pgwarden"];
        let address = entry.get("url").or_else(|| entry.get("httpUrl"));
        match address {
            Some(address) => {
                assert!([HERE, ON_THE_NET].contains(&address.as_str().unwrap()), "{heading}: {address}")
            }
            None => assert_eq!(started(entry), "pgwarden", "{heading}"),
        }
    }
}

#[test]
fn what_vs_code_asks_for_is_what_it_puts_in() {
    let files = of_language("json");
    let (_, code) = files.iter().find(|(heading, _)| heading == "VS Code").unwrap();
    let file: Value = serde_json::from_str(code).unwrap();
    let asked = &file["inputs"][0];
    assert_eq!(asked["password"], true);
    let put_in = format!("${{input:{}}}", asked["id"].as_str().unwrap());
    assert_eq!(file["servers"]["pgwarden"]["env"]["PGWARDEN_DATABASE"], put_in);
    let (_, added) = of_language("console").into_iter().find(|(_, code)| code.starts_with("code ")).unwrap();
    let added = added.trim().strip_prefix("code --add-mcp '").unwrap().strip_suffix('\'').unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(added).unwrap(),
        json!({"name": "pgwarden", "type": "http", "url": HERE})
    );
}

#[test]
fn every_toml_is_a_configuration_of_pgwarden_or_of_codex() {
    let mut ours = 0;
    for (heading, code) in of_language("toml") {
        if heading == "Codex" {
            let file: toml::Table = toml::from_str(&code).unwrap();
            assert_eq!(file["mcp_servers"]["pgwarden"]["url"].as_str(), Some(ON_THE_NET));
            continue;
        }
        let config = pgwarden::config::read(&code, Path::new("pgwarden.toml"), &|_| None);
        config.unwrap_or_else(|error| panic!("{heading}: {error}"));
        ours += 1;
    }
    assert_eq!(ours, 2);
}

#[test]
fn serve_listens_where_the_page_says() {
    let output = Command::new(env!("CARGO_BIN_EXE_pgwarden")).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let address = HERE.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
    assert!(help.contains(&format!("[default: {address}]")), "{help}");
}
