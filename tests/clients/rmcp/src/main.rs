//! What the client of rmcp must be able to do with pgwarden: the first checks of checks.mjs, its write, and those of tasks.mjs
//! in the form of 2026-07-28. Environment and output as there.

mod watch;
mod write;

use std::env::var;
use std::fmt::{Debug, Display};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ClientCapabilities,
    ClientConfig, GetTaskParams, Implementation, JsonObject, ProtocolVersion, TaskPayload, TaskStatus,
};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RunningService};
use rmcp::transport::{StreamableHttpClientTransport, TokioChildProcess};
use serde_json::{Value, json};
use tokio::process::Command;

use watch::Watch;

type Client = RunningService<RoleClient, ClientConfig>;
/// The words of what is wrong.
type Checked<T> = Result<T, String>;

#[tokio::main]
async fn main() -> ExitCode {
    let client = match connect().await {
        Ok(client) => client,
        Err(error) => {
            println!("FAILED connect {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("ok connect 2026-07-28");
    let mut failed = !shown("list", list(&client).await) | !shown("query", query(&client).await);
    failed |= !shown("write", write::write(&client).await);
    println!("ok form SEP-2663");
    let mark = watch::mark();
    let series = "generate_series(1, 800) a, generate_series(1, 100000) b";
    match create(&client, &format!("SELECT {mark} AS mark, count(*) AS n FROM {series}")).await {
        Ok(task) => {
            println!("ok create");
            failed |= !shown("poll", poll(&client, &task).await);
            failed |= !shown("result", result(&client, &task, mark).await);
            failed |= !shown("cancel-task", cancel(&client).await);
        }
        Err(error) => failed |= !shown("create", Err(error)),
    }
    failed |= !shown("close", client.cancel().await.map(|_| String::new()).map_err(words));
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

async fn connect() -> Checked<Client> {
    let mut capabilities = ClientCapabilities::default();
    let extension = ("io.modelcontextprotocol/tasks".to_owned(), JsonObject::new());
    capabilities.extensions = Some([extension].into());
    let client = ClientConfig::new(capabilities, Implementation::new("pgwarden-check-rmcp", "1.0.0"));
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    if named("TRANSPORT")? == "stdio" {
        let mut server = Command::new(named("PROGRAM")?);
        server.args(["serve", "--stdio", "--config", &named("CONFIG")?]);
        let (transport, _) =
            TokioChildProcess::builder(server).stderr(Stdio::null()).spawn().map_err(words)?;
        client.serve_with_lifecycle(transport, lifecycle).await.map_err(words)
    } else {
        let transport = StreamableHttpClientTransport::from_uri(named("MCP_URL")?);
        client.serve_with_lifecycle(transport, lifecycle).await.map_err(words)
    }
}

fn named(name: &str) -> Checked<String> {
    var(name).map_err(|error| format!("{name}: {error}"))
}

async fn list(client: &Client) -> Checked<String> {
    let tools = client.list_all_tools().await.map_err(words)?;
    let names = tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>().join(" ");
    expect(names == named("TOOLS")?, &names)?;
    Ok(names)
}

async fn call(client: &Client, sql: &str) -> Checked<CallToolResponse> {
    let Value::Object(arguments) = json!({"sql": sql}) else { unreachable!() };
    let params = CallToolRequestParams::new("query").with_arguments(arguments);
    client.call_tool_once(params).await.map_err(words)
}

async fn query(client: &Client) -> Checked<String> {
    // The first question may find no connection yet, and become a task.
    for _ in 0..10 {
        if let CallToolResponse::Complete(_) = call(client, "SELECT 1 AS awake").await? {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let answer =
        call(client, "SELECT 1 + 1 AS two, 12345678901234567890.12 AS exact, NULL AS nothing").await?;
    let CallToolResponse::Complete(answer) = answer else { return Err(format!("{answer:?}")) };
    let rows = answer.structured_content.as_ref().map(|content| content["rows"].clone());
    expect(rows == Some(json!([[2, "12345678901234567890.12", null]])), &answer)?;
    Ok(String::new())
}

async fn create(client: &Client, sql: &str) -> Checked<String> {
    match call(client, sql).await? {
        CallToolResponse::Task(created) => Ok(created.task.task_id),
        other => Err(format!("no task: {other:?}")),
    }
}

async fn state(client: &Client, task: &str) -> Checked<TaskPayload> {
    Ok(client.get_task(GetTaskParams::new(task)).await.map_err(words)?.task.payload)
}

async fn poll(client: &Client, task: &str) -> Checked<String> {
    let state = state(client, task).await?;
    expect(state.status() == TaskStatus::Working, state)?;
    Ok(String::new())
}

async fn result(client: &Client, task: &str, mark: u32) -> Checked<String> {
    loop {
        match state(client, task).await? {
            TaskPayload::Working => tokio::time::sleep(Duration::from_millis(200)).await,
            TaskPayload::Completed { result } => {
                let result: CallToolResult = serde_json::from_value(Value::Object(result)).map_err(words)?;
                let rows = result.structured_content.as_ref().map(|content| content["rows"].clone());
                expect(rows == Some(json!([[mark, 80_000_000]])), &result)?;
                return Ok(String::new());
            }
            other => return Err(format!("{other:?}")),
        }
    }
}

async fn cancel(client: &Client) -> Checked<String> {
    let watch = Watch::new().await?;
    let task = create(client, &watch.endless()).await?;
    watch.until(true, "the query never ran").await?;
    let cancelling = client.cancel_task(CancelTaskParams::new(task.clone()));
    let (cancelled, took) = tokio::join!(cancelling, watch.gone());
    cancelled.map_err(words)?;
    let state = state(client, &task).await?;
    expect(state.status() == TaskStatus::Cancelled, state)?;
    took
}
