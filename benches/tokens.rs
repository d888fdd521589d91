//! What a model pays to understand a database of 300 tables: tokens of the tools, of the overview, of finding and describing
//! the tables of twenty questions, and of 100 rows.
//! `cargo bench --bench tokens`.
//!
//! Starts a throwaway PostgreSQL and speaks MCP with the server in this process. Tokens are those of o200k_base, counted by
//! the npm package gpt-tokenizer, which is installed into target/tokens: needs node and npm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

#[path = "../tests/support/enterprise.rs"]
#[allow(dead_code, reason = "it is the tests'")]
mod enterprise;
#[path = "../tests/pure/mcp_wire.rs"]
#[allow(dead_code, reason = "it is the tests'")]
mod mcp_wire;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use mcp_wire::{StdioPeer, initialize, request};
use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings};
use pgwarden::embedded::{Server, Settings as ServerSettings};
use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::mcp::Settings;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use serde_json::{Value, json};
use tokio_postgres::NoTls;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOKENIZER: &str = "gpt-tokenizer@4.0.0";
const COUNT: &str = "
    import { readFileSync } from 'node:fs';
    import { encode } from 'gpt-tokenizer/encoding/o200k_base';
    const texts = JSON.parse(readFileSync(0, 'utf8'));
    console.log(JSON.stringify(texts.map((text) => encode(text, { disallowedSpecial: new Set() }).length)));";
/// Seven columns of the usual types, as the peers were measured with.
const ROWS: &str = "SELECT n AS id, md5(n::text)::uuid AS uid,
        rpad('row ' || n || ' ' || md5((n * 7)::text), 60, 'lorem ipsum dolor ') AS body,
        (n * 1.2345)::numeric(12, 4) AS price,
        timestamptz '2024-01-01 00:00:00+00' + n * interval '17 seconds' AS created_at,
        jsonb_build_object('k', n % 100, 'ok', n % 2 = 0, 'tag', 't' || (n % 1000)) AS attrs,
        CASE WHEN n % 3 = 0 THEN NULL ELSE 'note ' || (n % 50) END AS note
    FROM generate_series(1, 100) AS n";

#[tokio::main]
async fn main() {
    let server = Server::start(ServerSettings::default()).unwrap();
    let url = server.url("postgres", server.superuser());
    let (admin, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    admin.batch_execute(&enterprise::sql()).await.unwrap();
    let grants = "CREATE ROLE reader LOGIN;
        DO $$ DECLARE found regnamespace; BEGIN
            FOR found IN SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' LOOP
                EXECUTE format('GRANT USAGE ON SCHEMA %s TO reader', found);
                EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %s TO reader', found);
            END LOOP;
        END $$";
    admin.batch_execute(grants).await.unwrap();
    let mut peer = StdioPeer::with(gateway(&server.url("postgres", "reader")), Settings::default());
    peer.ask(&initialize("2025-11-25")).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));

    let tools = peer.ask(&request(1, "tools/list", json!({}))).await["result"]["tools"].clone();
    let facing = |tool: &Value| json!({"name": tool["name"], "description": tool["description"], "inputSchema": tool["inputSchema"]});
    let faced: Vec<Value> = tools.as_array().unwrap().iter().map(facing).collect();
    let mut texts =
        vec![("tools/list (name, description, inputSchema)".to_owned(), json!(faced).to_string())];
    texts.push(("overview of 300 tables".to_owned(), call(&mut peer, "search_objects", json!({})).await));
    for tokens in [6_000, 3_000, 1_000] {
        let overview = call(&mut peer, "search_objects", json!({"tokens": tokens})).await;
        texts.push((format!("overview, `tokens` {tokens}"), overview));
    }
    let mut found = String::new();
    let mut described = String::new();
    for (question, tables) in enterprise::questions() {
        found += &call(&mut peer, "search_objects", json!({"query": question, "limit": 5})).await;
        described += &call(&mut peer, "describe", json!({"relations": tables})).await;
    }
    texts.push(("20 questions: search, 5 hits each".to_owned(), found));
    texts.push(("20 questions: describe, 3 tables each".to_owned(), described));
    for format in ["json", "csv", "markdown"] {
        let rows = call(&mut peer, "query", json!({"sql": ROWS, "format": format})).await;
        texts.push((format!("100 rows x 7, {format}"), rows));
    }

    let counts = count(&texts.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>());
    println!("| what | tokens | characters | characters a token |\n|---|---|---|---|");
    for ((what, text), tokens) in texts.iter().zip(counts) {
        let characters = text.chars().count();
        println!("| {what} | {tokens} | {characters} | {:.2} |", characters as f64 / tokens as f64);
    }
}

fn gateway(url: &str) -> Gateway {
    let connection = ConnectionSettings::parse(url, &|_| None).unwrap();
    let settings = DatabaseSettings::new("enterprise", connection);
    let limits = CallLimits {
        rows: 10_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(60),
    };
    let policy = Policy::parse("version = 1\ninclude = []\n[[allow]]\nselect = [\"*.*\"]\n", "p").unwrap();
    Gateway::new(vec![Served::new(Database::new(settings), policy)], limits, Telemetry::default())
}

async fn call(peer: &mut StdioPeer, tool: &str, arguments: Value) -> String {
    let answer = peer.ask(&request(2, "tools/call", json!({"name": tool, "arguments": arguments}))).await;
    let result = &answer["result"];
    assert!(result["isError"] != json!(true) && result["content"].is_array(), "{answer}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

fn count(texts: &[&str]) -> Vec<u32> {
    let folder = installed();
    let mut node = Command::new("node")
        .args(["--input-type=module", "-e", COUNT])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node counts the tokens: install Node.js 20 or newer");
    node.stdin.take().unwrap().write_all(json!(texts).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn installed() -> PathBuf {
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let folder = Path::new(&target).join("tokens");
    if !folder.join("node_modules/gpt-tokenizer").exists() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("package.json"), "{\"private\": true}").unwrap();
        let npm = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--silent", TOKENIZER])
            .current_dir(&folder)
            .status()
            .expect("npm installs the tokenizer: install Node.js 20 or newer with npm");
        assert!(npm.success(), "npm could not install {TOKENIZER}");
    }
    folder
}
