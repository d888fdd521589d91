//! Raw JSON-RPC peers for both transports, in this process: what they send is what the test wrote.

use std::io::{BufRead as _, BufReader, Write as _, pipe};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::{ConnectionSettings, Database, DatabaseSettings};
use pgwarden::gateway::{CallLimits, Gateway, Served};
use pgwarden::mcp::{Authentication, ServeError, Settings, serve_http, serve_pipes};
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use pgwarden::web::Pages;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
pub const STATELESS: &str = "2026-07-28";

const DEADLINE: Duration = Duration::from_secs(10);

/// Knows its databases by name; a call waits for them until it is cancelled.
pub fn gateway() -> Gateway {
    gateway_of(&["demo"])
}

/// A policy under which every group of tools is listed.
const EVERYTHING: &str = "
version = 1
include = []
[[allow]]
select = [\"*.*\"]
[[allow]]
update = [\"*.*\"]
";

pub fn gateway_of(databases: &[&str]) -> Gateway {
    let policy = || Policy::parse(EVERYTHING, "policy.toml").unwrap();
    let policies: Vec<_> = databases.iter().map(|name| (*name, policy())).collect();
    gateway_under(policies)
}

/// Databases, each under a policy of its own.
pub fn gateway_under(databases: Vec<(&str, Policy)>) -> Gateway {
    // Takes connections and never says a word. Kept until the process ends.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://reader@{}/demo?sslmode=disable", silent.local_addr().unwrap());
    std::mem::forget(silent);
    let served = |(name, policy): (&str, Policy)| {
        let connection = ConnectionSettings::parse(&url, &|_| None).unwrap();
        Served::new(Database::new(DatabaseSettings::new(name, connection)), policy)
    };
    let limits = CallLimits {
        rows: 1000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(60),
    };
    Gateway::new(databases.into_iter().map(served).collect(), limits, Telemetry::default())
}

pub fn caller() -> Caller {
    Caller::local("tester")
}

pub fn initialize(revision: &str) -> Value {
    json!({
        "jsonrpc": "2.0", "id": "init", "method": "initialize",
        "params": {
            "protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"},
        },
    })
}

pub fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

/// With what 2026-07-28 wants in every request.
pub fn stateless(id: impl Into<Value>, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    request(id, method, params)
}

pub fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("not an error: {answer}"))
}

/// What `tools/list` has.
pub fn tools() -> Vec<&'static str> {
    include_str!("../fixtures/tools.txt").lines().collect()
}

pub fn tool_names(answer: &Value) -> Vec<&str> {
    let tools = answer["result"]["tools"].as_array().unwrap_or_else(|| panic!("no tools: {answer}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

pub struct StdioPeer {
    /// To a thread: a full pipe must not hold up the server's side of this test.
    input: Option<std::sync::mpsc::Sender<Vec<u8>>>,
    lines: mpsc::UnboundedReceiver<String>,
    pub shutdown: CancellationToken,
    server: JoinHandle<Result<(), ServeError>>,
}

impl StdioPeer {
    pub fn start() -> Self {
        Self::with(gateway(), Settings::default())
    }

    pub fn with(gateway: Gateway, settings: Settings) -> Self {
        let (server_input, mut to_server) = pipe().unwrap();
        let (output, server_output) = pipe().unwrap();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let server = tokio::spawn(async move {
            serve_pipes(gateway, caller(), &settings, stop, (server_input, server_output)).await
        });
        let (input, written) = std::sync::mpsc::channel::<Vec<u8>>();
        std::thread::spawn(move || written.iter().try_for_each(|bytes| to_server.write_all(&bytes)));
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { input: Some(input), lines, shutdown, server }
    }

    /// Past `initialize`.
    pub async fn initialized(revision: &str) -> Self {
        let mut peer = Self::start();
        let answer = peer.ask(&initialize(revision)).await;
        assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        peer
    }

    pub fn say(&mut self, message: &Value) {
        self.write(format!("{message}\n"));
    }

    pub fn write(&mut self, text: impl AsRef<[u8]>) {
        self.input.as_ref().unwrap().send(text.as_ref().to_vec()).unwrap();
    }

    /// One line as it is.
    #[allow(dead_code, reason = "used by the other test binary")]
    pub async fn hear_text(&mut self) -> String {
        let line = tokio::time::timeout(DEADLINE, self.lines.recv()).await.expect("no answer in time");
        line.expect("the server closed its output")
    }

    /// The next line, if one comes in that time.
    #[allow(dead_code, reason = "used by the other test binary")]
    pub async fn hear_within(&mut self, time: Duration) -> Option<Value> {
        let line = tokio::time::timeout(time, self.lines.recv()).await.ok()??;
        Some(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON on stdout: {line}")))
    }

    pub async fn hear(&mut self) -> Value {
        let line = self.hear_text().await;
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON on stdout: {line}"))
    }

    pub async fn ask(&mut self, message: &Value) -> Value {
        self.say(message);
        self.hear().await
    }

    /// Everything that still comes once stdin has ended.
    pub async fn finish(mut self) -> Vec<Value> {
        drop(self.input.take());
        let ended = tokio::time::timeout(DEADLINE, self.server).await.expect("the server did not end");
        ended.unwrap().unwrap();
        let mut rest = Vec::new();
        while let Some(line) = self.lines.recv().await {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        rest
    }
}

pub struct HttpPeer {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    server: JoinHandle<Result<(), ServeError>>,
    client: reqwest::Client,
}

/// An HTTP answer with its body read.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The JSON body, or the last message of the event stream.
    pub fn json(&self) -> Value {
        let events = self.text.lines().filter_map(|line| line.strip_prefix("data:"));
        let last = events.map(str::trim).rfind(|event| !event.is_empty());
        let text = last.unwrap_or(&self.text);
        serde_json::from_str(text).unwrap_or_else(|_| panic!("HTTP {}: {}", self.status, self.text))
    }

    pub fn session(&self) -> &str {
        self.headers["mcp-session-id"].to_str().unwrap()
    }

    pub fn code(&self) -> i64 {
        code(&self.json())
    }
}

impl HttpPeer {
    pub async fn start() -> Self {
        Self::with(gateway(), Authentication::Open(caller()), Settings::default()).await
    }

    pub async fn with(gateway: Gateway, authentication: Authentication, settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, gateway, authentication, Pages::default(), settings)
    }

    /// With pages that had to know where they are.
    pub fn on(
        listener: TcpListener,
        gateway: Gateway,
        authentication: Authentication,
        pages: Pages,
        settings: Settings,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let server = tokio::spawn(async move {
            serve_http(gateway, listener, authentication, pages, &settings, stop).await
        });
        Self { address, shutdown, server, client: reqwest::Client::new() }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// POST with the headers every client sends, and those given.
    pub async fn post(&self, headers: &[(&str, &str)], body: impl ToString) -> Answer {
        self.post_by(&self.client, headers, body).await
    }

    /// The same from another address of this machine.
    pub async fn post_from(&self, from: [u8; 4], headers: &[(&str, &str)], body: impl ToString) -> Answer {
        let client = reqwest::Client::builder().local_address(IpAddr::from(from)).build().unwrap();
        self.post_by(&client, headers, body).await
    }

    async fn post_by(
        &self,
        client: &reqwest::Client,
        headers: &[(&str, &str)],
        body: impl ToString,
    ) -> Answer {
        let mut request = client
            .post(self.url())
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request.body(body.to_string())).await
    }

    pub async fn method(&self, method: &str, headers: &[(&str, &str)]) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, self.url()).header("accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request).await
    }

    pub async fn path(&self, path: &str) -> Answer {
        Self::answer(self.client.get(format!("http://{}{path}", self.address))).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> Answer {
        let response =
            tokio::time::timeout(DEADLINE, request.send()).await.expect("no answer in time").unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// The id of a new session.
    pub async fn session(&self, revision: &str) -> String {
        let answer = self.post(&[], initialize(revision)).await;
        assert_eq!(answer.json()["result"]["protocolVersion"], revision);
        let session = answer.session().to_owned();
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(self.post(&[("mcp-session-id", &session)], note).await.status, 202);
        session
    }

    /// A request of 2026-07-28.
    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        let name = params["name"].as_str().or(params["uri"].as_str()).map(str::to_owned);
        let mut headers = vec![("mcp-protocol-version", STATELESS), ("mcp-method", method)];
        headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
        self.post(&headers, stateless(7, method, params)).await
    }

    /// Bytes as they are; what comes back until the server closes or `enough` of it is there.
    pub async fn raw(&self, bytes: &[u8], enough: impl Fn(&str) -> bool) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let read = async {
            let mut heard = String::new();
            let mut buffer = [0; 4096];
            while !enough(&heard) {
                match stream.read(&mut buffer).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => heard.push_str(&String::from_utf8_lossy(&buffer[..length])),
                }
            }
            heard
        };
        tokio::time::timeout(DEADLINE, read).await.expect("no answer in time")
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(DEADLINE, self.server).await.expect("the server did not end").unwrap().unwrap();
    }
}
