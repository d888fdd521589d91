//! The operations page over HTTP: who comes in, what is shown and what is not, and what its buttons do.

mod acts;
mod door;
mod recorded;
mod shown;

use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::cli::{program, run};
use crate::support::{Database, Template, until};

/// In literals, passwords and rows; no page may have it.
const CANARY: &str = "canary7316";

const GROUND: &str = "
    CREATE SCHEMA s;
    CREATE TABLE s.customers (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE s.vault (id integer);
    INSERT INTO s.customers SELECT n, 'canary7316 ' || n FROM generate_series(1, 50) AS n;
";

const POLICY: &str = "
version = 1
include = []
[[allow]]
select = [\"s.customers\"]
[[allow]]
update = [\"s.customers\"]
[writes]
approval = \"none\"
rows = 10
";

/// It would take an hour.
const LONG: &str = "SELECT 'canary7316' AS mark, count(*) AS pairs FROM generate_series(1, (SELECT 2000000)) AS a, \
                    generate_series(1, (SELECT 2000000)) AS b";

/// The program over HTTP.
struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    mcp: String,
    /// Where the page is.
    origin: String,
    client: Client,
}

/// One before a database with [`GROUND`].
struct Serving {
    process: Process,
    admin: tokio_postgres::Client,
    tokens: String,
    _database: Database<'static>,
    folder: tempfile::TempDir,
}

impl Serving {
    /// `more` is put into its configuration, before the database; `STORE` in it is the URL of a store.
    async fn start(more: &str) -> Self {
        let database = Database::create(Template::Empty).await;
        let login = database.create_role("watched", "LOGIN").await;
        let admin = database.admin().await;
        let grants = format!(
            "GRANT USAGE ON SCHEMA s TO {login}; GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA s TO {login}"
        );
        admin.batch_execute(&format!("{GROUND} {grants}")).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), POLICY).unwrap();
        let tokens = folder.path().join("tokens.toml").to_str().unwrap().to_owned();
        created(&tokens, "nobody", "read");
        std::fs::write(folder.path().join("key"), "5e".repeat(32)).unwrap();
        if more.contains("STORE") {
            assert_eq!(run(&["migrate", "--store", &database.admin_url()]).status, 0);
        }
        let more = more.replace("STORE", &database.admin_url());
        let config = format!(
            "[auth]\ntokens_file = \"tokens.toml\"\n[operations]\nlisten = \"127.0.0.1:0\"\n{more}\n\
             [databases.shop]\nurl = \"{}\"\npolicy = \"policy.toml\"\n",
            database.url(&login)
        );
        std::fs::write(folder.path().join("pgwarden.toml"), config).unwrap();
        let process = Process::launch(folder.path()).await;
        Self { process, admin, tokens, _database: database, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the audit log has in its file.
    fn records(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.file("audit.jsonl")).unwrap();
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A token in clear; the server has taken it when this returns.
    async fn token(&self, subject: &str, scope: &str) -> String {
        let token = created(&self.tokens, subject, scope);
        until("the token is taken", async || {
            let answer = self.client.post(&self.mcp).bearer_auth(&token).send().await.unwrap();
            (answer.status() != StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
        token
    }

    /// One in which the bearer of a new admin's token is.
    async fn operator(&self, subject: &str) -> Browser {
        let token = self.token(subject, "admin").await;
        let mut browser = self.browser();
        assert_eq!(browser.log_in(&token).await, StatusCode::SEE_OTHER);
        browser
    }
}

impl Deref for Serving {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Process {
    /// By the configuration in `folder`.
    async fn launch(folder: &Path) -> Self {
        let path = folder.join("pgwarden.toml");
        let mut command = program(&["serve", "--listen", "127.0.0.1:0", "--config", path.to_str().unwrap()]);
        let mut child = command.env("NO_COLOR", "1").stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&format!("{line}\n")));
        });
        // Up to the next blank.
        let found = |before: &'static str| {
            let log = Arc::clone(&log);
            async move {
                until(before, async || {
                    let log = log.lock().unwrap();
                    assert!(!log.contains("pgwarden: "), "it does not start: {log}");
                    let (url, _) = log.split_once(before)?.1.split_once(char::is_whitespace)?;
                    Some(url.trim_end_matches('/').to_owned())
                })
                .await
            }
        };
        let (origin, mcp) = (found("operations page on ").await, found("listening on ").await);
        let client = Client::builder().redirect(Policy::none()).danger_accept_invalid_certs(true);
        found("database `shop` is ready").await;
        Self { child, log, mcp, origin, client: client.build().unwrap() }
    }

    async fn call(&self, token: &str, name: &str, arguments: Value) -> Value {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": name, "arguments": arguments, "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "<script>alert(1)</script>", "version": "\u{202e}1"},
                "io.modelcontextprotocol/clientCapabilities": {},
            }},
        });
        let post = self.client.post(&self.mcp).bearer_auth(token);
        let post = post.header("accept", "application/json, text/event-stream");
        let post = post.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/call");
        let text = post.header("mcp-name", name).json(&message).send().await.unwrap().text().await.unwrap();
        let event = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
        serde_json::from_str(event.unwrap_or(&text)).unwrap_or_else(|_| panic!("{text}"))
    }

    async fn query(&self, token: &str, sql: &str) -> Value {
        self.call(token, "query", json!({"sql": sql})).await
    }

    /// Somebody's browser, in which nobody is logged in.
    fn browser(&self) -> Browser {
        Browser { origin: self.origin.clone(), client: self.client.clone(), cookies: Vec::new() }
    }

    fn said(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As a browser sends requests, as far as the page looks at them.
#[derive(Clone)]
struct Browser {
    origin: String,
    client: Client,
    cookies: Vec<(String, String)>,
}

impl Browser {
    async fn get(&mut self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.origin));
        let answer = request.header(COOKIE, self.cookie()).send().await.unwrap();
        self.keep(&answer);
        answer
    }

    async fn text(&mut self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// A form, as the page itself would send it.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let origin = self.origin.clone();
        self.post_from(&origin, path, fields).await
    }

    async fn post_from(&mut self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.client.post(format!("{}{path}", self.origin));
        let request = request.header(COOKIE, self.cookie()).header("origin", origin);
        let answer = request.form(fields).send().await.unwrap();
        self.keep(&answer);
        answer
    }

    /// Sends the form of the first page that goes to `path`, and gives the page behind it.
    async fn act(&mut self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let token = token_of(&self.text("/").await, path);
        let answer = self.post(path, &[&[("token", token.as_str())], fields].concat()).await;
        (answer.status(), self.text("/").await)
    }

    async fn log_in(&mut self, token: &str) -> StatusCode {
        let page = self.text("/login").await;
        let form = token_of(&page, "/login");
        self.post("/login", &[("token", &form), ("access_token", token)]).await.status()
    }

    fn cookie(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep(&mut self, answer: &Response) {
        for set in answer.headers().get_all(SET_COOKIE) {
            let (name, rest) = set.to_str().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            let value = rest.split(';').next().unwrap();
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

/// The form token of the form that goes to `action`.
fn token_of(page: &str, action: &str) -> String {
    let form =
        page.split_once(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("{action}: {page}")).1;
    let value = form.split_once("name=\"token\" value=\"").unwrap().1;
    value.split_once('"').unwrap().0.to_owned()
}

/// What a button that cancels names, in the row that has `text`.
fn cancels(page: &str, text: &str) -> Option<String> {
    let row = page.split("<tr>").find(|row| row.contains(text) && row.contains("form=\"cancel\""))?;
    let value = row.split_once("name=\"what\" value=\"")?.1;
    Some(value.split_once('"')?.0.to_owned())
}

fn leads_to(answer: &Response) -> &str {
    answer.headers().get(LOCATION).map_or("", |place| place.to_str().unwrap())
}

fn created(file: &str, subject: &str, scope: &str) -> String {
    let words = ["token", "create", "--tokens-file", file, "--name", subject, "--scope", scope];
    let ended = run(&words);
    assert_eq!(ended.status, 0, "{}", ended.err);
    ended
        .out
        .split_whitespace()
        .find(|word| word.starts_with("pgw"))
        .unwrap_or_else(|| panic!("{}", ended.out))
        .to_owned()
}
