//! A write that a person approves on the host: the check of write.mjs, for a client that cannot ask them.

use std::env::var;

use rmcp::model::{CallToolRequestParams, CallToolResponse};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio_postgres::NoTls;

use crate::{Checked, Client, expect, named, watch, words};

const SQL: &str = "UPDATE shop.reviews SET title = $1 WHERE id = 90002";

pub(crate) async fn write(client: &Client) -> Checked<String> {
    let (admin, connection) =
        tokio_postgres::connect(&named("ADMIN_DATABASE_URL")?, NoTls).await.map_err(words)?;
    tokio::spawn(connection);
    let url = var("DATABASE_URL").map_err(words)?;
    let login = url.parse::<tokio_postgres::Config>().map_err(words)?;
    let login = login.get_user().unwrap_or("postgres");
    let grant = format!("GRANT UPDATE (title) ON shop.reviews TO \"{login}\"");
    admin.batch_execute(&grant).await.map_err(words)?;

    let wanted = format!("written {}", watch::mark());
    let waiting = execute(client, json!({"sql": SQL, "params": [&wanted]})).await?;
    expect(waiting["status"] == "approval_required", &waiting)?;
    expect(title(&admin).await? != wanted, "written before anybody approved")?;
    let id = waiting["approval_id"].as_str().unwrap_or_default();
    let mut approve = Command::new(named("PROGRAM")?);
    approve.args(["approve", id, "--yes", "--config", &named("CONFIG")?]);
    let approved = approve.output().await.map_err(words)?;
    expect(approved.status.success(), approved)?;
    let done = execute(client, json!({"approval_id": id})).await?;
    expect(done["status"] == "done", &done)?;
    expect(title(&admin).await? == wanted, "not written")?;
    Ok("by CLI".to_owned())
}

async fn execute(client: &Client, arguments: Value) -> Checked<Value> {
    let Value::Object(arguments) = arguments else { unreachable!() };
    let params = CallToolRequestParams::new("execute").with_arguments(arguments);
    match client.call_tool_once(params).await.map_err(words)? {
        CallToolResponse::Complete(answer) => {
            answer.structured_content.clone().ok_or_else(|| format!("{answer:?}"))
        }
        other => Err(format!("{other:?}")),
    }
}

async fn title(admin: &tokio_postgres::Client) -> Checked<String> {
    let found = admin.query_one("SELECT title FROM shop.reviews WHERE id = 90002", &[]).await;
    Ok(found.map_err(words)?.get(0))
}
