//! A write that a person approves: the check of node/write.mjs.

use std::env::var;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Checked, Client, call, expect, named, over_stdio, watch, words};

const SQL: &str = "UPDATE shop.reviews SET title = $1 WHERE id = 90002";

pub(crate) async fn write(client: &Client) -> Checked<String> {
    let admin = watch::admin().await?;
    let url = var("DATABASE_URL").map_err(words)?;
    let login = url.parse::<tokio_postgres::Config>().map_err(words)?;
    let login = login.get_user().unwrap_or("postgres");
    let grant = format!("GRANT UPDATE (title) ON shop.reviews TO \"{login}\"");
    admin.batch_execute(&grant).await.map_err(words)?;

    let wanted = format!("written {}", watch::mark());
    let before = client.service().opened();
    let mut done = execute(client, json!({"sql": SQL, "params": [&wanted]})).await?;
    let asked = client.service().opened() > before;
    if done["status"] == "approval_required" {
        expect(!asked, "the person was asked, and their word is not known")?;
        expect(title(&admin).await? != wanted, "written before anybody approved")?;
        let id = done["approval_id"].as_str().unwrap_or_default();
        let mut approve = Command::new(named("PROGRAM")?);
        approve.args(["approve", id, "--yes", "--config", &named("CONFIG")?]);
        let approved = approve.output().await.map_err(words)?;
        expect(approved.status.success(), approved)?;
        done = execute(client, json!({"approval_id": id})).await?;
    }
    expect(done["status"] == "done", &done)?;
    expect(title(&admin).await? == wanted, "not written")?;
    expect(asked == over_stdio(), format!("the client was asked: {asked}"))?;
    if asked {
        println!("ok elicitation by URL");
    }
    Ok(if asked { "by URL" } else { "by CLI" }.to_owned())
}

async fn execute(client: &Client, arguments: Value) -> Checked<Value> {
    let answer = call(client, "execute", arguments).await.map_err(words)?;
    answer.structured_content.clone().ok_or_else(|| format!("{answer:?}"))
}

async fn title(admin: &tokio_postgres::Client) -> Checked<String> {
    let found = admin.query_one("SELECT title FROM shop.reviews WHERE id = 90002", &[]).await;
    Ok(found.map_err(words)?.get(0))
}
