//! What the client of rmcp must be able to do with pgwarden: the checks of node/checks.mjs, in both of its lifecycles (MODE:
//! legacy or auto). Environment and output as there.

mod person;
mod reads;
mod schema;
mod tasks;
mod watch;
mod write;

use std::env::var;
use std::fmt::{Debug, Display};
use std::process::{ExitCode, Stdio};

use rmcp::model::{CallToolRequestParams, CallToolResult, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use rmcp::{RoleClient, ServiceError};
use serde_json::Value;
use tokio::process::Command;

use person::Person;

type Client = RunningService<RoleClient, Person>;
/// The words of what is wrong.
type Checked<T> = Result<T, String>;

#[tokio::main]
async fn main() -> ExitCode {
    let (person, heard) = Person::new(!legacy());
    let client = match connect(person, "MCP_URL", None).await {
        Ok(client) => client,
        Err(error) => {
            println!("FAILED connect {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = !shown("connect", revision(&client));
    failed |= !shown("list", reads::list(&client).await);
    failed |= !shown("query", reads::query(&client).await);
    failed |= !shown("refusal", reads::refusal(&client).await);
    failed |= !shown("arguments", reads::wrong_arguments(&client).await);
    failed |= !shown("cancel", watch::cancel(&client).await);
    failed |= !shown("resource", schema::resource(&client).await);
    failed |= !shown("prompts", schema::prompts(&client).await);
    failed |= !shown("completion", schema::completion(&client).await);
    failed |= !shown("change", schema::change(&client, heard).await);
    failed |= !shown("write", write::write(&client).await);
    failed |= !tasks::check(&client).await;
    failed |= !shown("close", client.cancel().await.map(|_| String::new()).map_err(words));
    if !over_stdio() {
        failed |= !shown("login", login().await);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn shown(name: &str, checked: Checked<String>) -> bool {
    match &checked {
        Ok(detail) => println!("{}", format!("ok {name} {detail}").trim_end()),
        Err(error) => println!("FAILED {name} {}", error.replace('\n', " | ")),
    }
    checked.is_ok()
}

fn words(error: impl Display) -> String {
    error.to_string()
}

fn expect(condition: bool, seen: impl Debug) -> Checked<()> {
    if condition { Ok(()) } else { Err(format!("{seen:?}")) }
}

fn named(name: &str) -> Checked<String> {
    var(name).map_err(|error| format!("{name}: {error}"))
}

fn legacy() -> bool {
    var("MODE").is_ok_and(|mode| mode == "legacy")
}

fn over_stdio() -> bool {
    var("TRANSPORT").is_ok_and(|transport| transport == "stdio")
}

/// Over HTTP, to the address that the environment's `url` names.
async fn connect(person: Person, url: &str, token: Option<String>) -> Checked<Client> {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = if legacy() {
        ClientLifecycleMode::Initialize
    } else {
        ClientLifecycleMode::Auto { preferred_versions, legacy_version: None }
    };
    if over_stdio() {
        let mut server = Command::new(named("PROGRAM")?);
        server.args(["serve", "--stdio", "--config", &named("CONFIG")?]);
        let (transport, _) =
            TokioChildProcess::builder(server).stderr(Stdio::null()).spawn().map_err(words)?;
        person.serve_with_lifecycle(transport, lifecycle).await.map_err(words)
    } else {
        let mut config = StreamableHttpClientTransportConfig::with_uri(named(url)?);
        config.auth_header = token;
        let transport = StreamableHttpClientTransport::from_config(config);
        person.serve_with_lifecycle(transport, lifecycle).await.map_err(words)
    }
}

fn revision(client: &Client) -> Checked<String> {
    let wanted = if legacy() { "2025-11-25" } else { "2026-07-28" };
    let info = client.peer_info().ok_or("it knows nothing of the server")?;
    let revision = info.protocol_version.to_string();
    expect(revision == wanted, &revision)?;
    Ok(revision)
}

/// With the token that the application holds, and not without.
async fn login() -> Checked<String> {
    let (nobody, _) = Person::new(false);
    expect(connect(nobody, "LOGIN_URL", None).await.is_err(), "let in without a token")?;
    let (person, _) = Person::new(false);
    let client = connect(person, "LOGIN_URL", Some(named("TOKEN")?)).await?;
    let answer = call(&client, "query", serde_json::json!({"sql": "SELECT 7 AS n"})).await.map_err(words)?;
    expect(reads::rows(&answer) == serde_json::json!([[7]]), &answer)?;
    client.cancel().await.map_err(words)?;
    Ok("token".to_owned())
}

/// A tool's result; what a person is asked for on the way, `Person` answers.
async fn call(client: &Client, name: &str, arguments: Value) -> Result<CallToolResult, ServiceError> {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    client.call_tool(CallToolRequestParams::new(name.to_owned()).with_arguments(arguments)).await
}
