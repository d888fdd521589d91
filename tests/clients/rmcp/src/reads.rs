//! The tools' list, rows, refusals and wrong arguments.

use std::time::Duration;

use rmcp::ServiceError;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult};
use serde_json::{Value, json};

use crate::{Checked, Client, call, expect, named, words};

pub(crate) async fn list(client: &Client) -> Checked<String> {
    let tools = client.list_all_tools().await.map_err(words)?;
    let names = tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>().join(" ");
    expect(names == named("TOOLS")?, &names)?;
    Ok(names)
}

pub(crate) fn rows(answer: &CallToolResult) -> Value {
    answer.structured_content.as_ref().map(|content| content["rows"].clone()).unwrap_or_default()
}

fn text(answer: &CallToolResult) -> &str {
    answer.content.first().and_then(|block| block.as_text()).map_or("", |text| &text.text)
}

pub(crate) async fn query(client: &Client) -> Checked<String> {
    // The first question may find no connection yet, and become a task.
    for _ in 0..10 {
        let arguments = json!({"sql": "SELECT 1 AS awake"}).as_object().cloned().unwrap_or_default();
        let params = CallToolRequestParams::new("query").with_arguments(arguments);
        if let CallToolResponse::Complete(_) = client.call_tool_once(params).await.map_err(words)? {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let sql = "SELECT 1 + 1 AS two, 12345678901234567890.12 AS exact, $1::text AS given, NULL AS nothing";
    let answer = call(client, "query", json!({"sql": sql, "params": ["é\"\\"]})).await.map_err(words)?;
    expect(rows(&answer) == json!([[2, "12345678901234567890.12", "é\"\\", null]]), &answer)?;
    Ok(String::new())
}

pub(crate) async fn refusal(client: &Client) -> Checked<String> {
    let sql = "SELECT 1,\n  pg_read_file('/etc/passwd')";
    let answer = call(client, "query", json!({"sql": sql})).await.map_err(words)?;
    expect(answer.is_error == Some(true), &answer)?;
    let told = text(&answer);
    let all = ["ERROR:  ", "\nRULE:  ", "\nHINT:  ", "\nLINE 2: "].iter().all(|word| told.contains(word));
    expect(all, told)?;
    let error = answer.meta.as_ref().and_then(|meta| meta.get("pgwarden/error")).cloned().unwrap_or_default();
    expect(error["position"]["line"] == 2 && error["rule"].is_string(), &error)?;
    Ok(error["sqlstate"].to_string())
}

pub(crate) async fn wrong_arguments(client: &Client) -> Checked<String> {
    let answer = call(client, "query", json!({"sql": "SELECT 1", "parms": []})).await.map_err(words)?;
    expect(text(&answer).contains("did you mean `params`?"), &answer)?;
    match call(client, "no_such_tool", json!({})).await {
        Err(ServiceError::McpError(error)) if error.code.0 == -32602 => Ok(String::new()),
        other => Err(format!("an unknown tool: {other:?}")),
    }
}
