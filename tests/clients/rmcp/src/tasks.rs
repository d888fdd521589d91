//! The checks of node/tasks.mjs: in the form of 2026-07-28, and with two tools in a revision whose tasks this client does not have.

use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, GetTaskParams, TaskPayload,
    TaskStatus,
};
use serde_json::{Value, json};

use crate::reads::rows;
use crate::watch::{self, Watch};
use crate::{Checked, Client, call, expect, legacy, shown, words};

const SERIES: &str = "generate_series(1, 400) a, generate_series(1, 100000) b";

pub(crate) async fn check(client: &Client) -> bool {
    let mark = watch::mark();
    println!("ok form {}", if legacy() { "handle" } else { "SEP-2663" });
    let sql = format!("SELECT {mark} AS mark, count(*) AS n FROM {SERIES}");
    let task = match create(client, &sql).await {
        Ok(task) => task,
        Err(error) => return shown("create", Err(error)),
    };
    println!("ok create");
    let polled = shown("poll", poll(client, &task).await);
    let ended = shown("result", result(client, &task, mark).await);
    shown("cancel-task", cancel(client).await) && polled && ended
}

async fn create(client: &Client, sql: &str) -> Checked<String> {
    if legacy() {
        let answer = call(client, "query", json!({"sql": sql})).await.map_err(words)?;
        let content = answer.structured_content.clone().unwrap_or_default();
        expect(content["status"] == "working" && content["next"].is_string(), &answer)?;
        return Ok(content["task_id"].as_str().unwrap_or_default().to_owned());
    }
    let arguments = json!({"sql": sql}).as_object().cloned().unwrap_or_default();
    match client.call_tool_once(CallToolRequestParams::new("query").with_arguments(arguments)).await {
        Ok(CallToolResponse::Task(created)) => Ok(created.task.task_id),
        other => Err(format!("no task: {other:?}")),
    }
}

async fn state(client: &Client, task: &str) -> Checked<TaskPayload> {
    Ok(client.get_task(GetTaskParams::new(task)).await.map_err(words)?.task.payload)
}

async fn handled(client: &Client, task: &str, wait: u32) -> Checked<CallToolResult> {
    call(client, "task_result", json!({"task_id": task, "wait_seconds": wait})).await.map_err(words)
}

fn works(answer: &CallToolResult) -> bool {
    answer.structured_content.as_ref().is_some_and(|content| content["status"] == "working")
}

async fn poll(client: &Client, task: &str) -> Checked<String> {
    if legacy() {
        let answer = handled(client, task, 0).await?;
        expect(works(&answer), answer)?;
    } else {
        let state = state(client, task).await?;
        expect(state.status() == TaskStatus::Working, state)?;
    }
    Ok(String::new())
}

async fn result(client: &Client, task: &str, mark: u32) -> Checked<String> {
    let result = loop {
        if legacy() {
            let answer = handled(client, task, 40).await?;
            if !works(&answer) {
                break answer;
            }
            continue;
        }
        match state(client, task).await? {
            TaskPayload::Working => tokio::time::sleep(Duration::from_millis(200)).await,
            TaskPayload::Completed { result } => {
                break serde_json::from_value(Value::Object(result)).map_err(words)?;
            }
            other => return Err(format!("{other:?}")),
        }
    };
    expect(rows(&result) == json!([[mark, 40_000_000]]), &result)?;
    Ok(String::new())
}

async fn cancel(client: &Client) -> Checked<String> {
    let watch = Watch::new().await?;
    let task = create(client, &watch.endless()).await?;
    watch.until(true, "the query never ran").await?;
    let cancelling = async {
        if legacy() {
            let answer = call(client, "task_cancel", json!({"task_id": task})).await.map_err(words)?;
            let content = answer.structured_content.clone().unwrap_or_default();
            return expect(content["status"] == "cancelled", answer);
        }
        client.cancel_task(CancelTaskParams::new(task.clone())).await.map_err(words)
    };
    let (cancelled, took) = tokio::join!(cancelling, watch.gone());
    cancelled?;
    if !legacy() {
        let state = state(client, &task).await?;
        expect(state.status() == TaskStatus::Cancelled, state)?;
    }
    took
}
