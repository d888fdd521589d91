//! What the buttons do: in PostgreSQL, to callers, and in the audit log.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{LONG, Process, Serving, cancels, token_of};
use crate::support::until;

/// Statements of ours that PostgreSQL runs.
async fn running(serving: &Serving) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' \
                 AND query LIKE '%pairs%' AND pid <> pg_backend_pid()";
    serving.admin.query_one(count, &[]).await.unwrap().get(0)
}

fn text(answer: &Value) -> String {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn cancel_ends_it_in_postgresql_and_its_caller_hears_by_whom() {
    let more = "[tasks]\ntask_after_ms = 50000\n[metrics]\nlisten = \"127.0.0.1:0\"\n[audit]\nfile = \"audit.jsonl\"";
    let serving = Serving::start(more).await;
    let (caller, mut operator) = (serving.token("anna", "read").await, serving.operator("dora").await);
    let asking = serving.query(&caller, LONG);
    let cancelling = async {
        until("it runs in PostgreSQL", async || (running(&serving).await == 1).then_some(())).await;
        let what = until("the page shows it", async || {
            cancels(&operator.clone().text("/live").await, "<strong>anna</strong>")
        })
        .await;
        let token = token_of(&operator.text("/").await, "/cancel");
        let answer = operator.post("/cancel", &[("token", &token), ("what", &what)]).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        until("it has ended in PostgreSQL", async || (running(&serving).await == 0).then_some(())).await;
        let page = operator.text("/").await;
        assert!(page.contains("It is cancelled."), "{page}");
        // Once more: it is too late.
        operator.post("/cancel", &[("token", &token), ("what", &what)]).await;
        assert!(operator.text("/").await.contains("Nothing to do: it is no longer running."));
        assert_eq!(
            operator.post("/cancel", &[("token", &token), ("what", "run:x")]).await.status(),
            StatusCode::BAD_REQUEST
        );
    };
    let (answer, ()) = tokio::join!(asking, cancelling);
    let said = text(&answer);
    assert!(said.contains("those who operate the server have cancelled this statement"), "{said}");
    assert!(answer.to_string().contains("operations.cancelled"), "{answer}");
    // Whoever is suspended while a statement of theirs runs did not cancel it either.
    let asking = serving.query(&caller, LONG);
    let suspending = async {
        until("it runs in PostgreSQL", async || (running(&serving).await == 1).then_some(())).await;
        let what = [("what", "caller"), ("subject", "anna"), ("time", "15m"), ("reason", "a drill")];
        operator.act("/suspend", &what).await;
    };
    assert!(tokio::join!(asking, suspending).0.to_string().contains("operations.suspended"));
    let log = serving.said();
    let metrics = log.split_once("metrics on ").unwrap().1.split_whitespace().next().unwrap();
    let scrape = serving.client.get(metrics).send().await.unwrap().text().await.unwrap();
    let counted: Vec<&str> = scrape.lines().filter(|line| line.starts_with("pgwarden_cancell")).collect();
    assert_eq!(counted, ["pgwarden_cancellations_total{database=\"shop\",by=\"operator\"} 2"]);
    let log = std::fs::read_to_string(serving.folder.path().join("audit.jsonl")).unwrap();
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = records.into_iter().find(|record| record["action"] == "cancel").unwrap();
    assert_eq!((&record["event"], &record["subject"]), (&json!("operator"), &json!("dora")), "{record}");
    assert!(record["of"].as_str().unwrap().ends_with("of anna"), "{record}");
}

#[tokio::test]
async fn a_task_is_cancelled_where_it_runs_and_where_it_waits() {
    let more = "[tasks]\nhandle_after_ms = 1\nrunning = 1\nrunning_per_caller = 1";
    let serving = Serving::start(more).await;
    let (caller, mut operator) = (serving.token("anna", "read").await, serving.operator("dora").await);
    let waiting = LONG.replace("AS pairs", "AS pairs, 1 AS other");
    let mut tasks = Vec::new();
    for sql in [LONG, &waiting] {
        let answer = serving.query(&caller, sql).await;
        let id =
            answer["result"]["structuredContent"]["task_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
        tasks.push(id.to_owned());
    }
    let page = until("one runs and one waits", async || {
        let page = operator.clone().text("/live").await;
        (page.contains("query, task") && page.contains("value=\"task:")).then_some(page)
    })
    .await;
    let token = token_of(&operator.text("/").await, "/cancel");
    let queued = page.split_once("value=\"task:").unwrap().1.split_once('"').unwrap().0;
    for what in [format!("task:{queued}"), cancels(&page, "query, task").unwrap()] {
        operator.post("/cancel", &[("token", &token), ("what", &what)]).await;
        assert!(operator.text("/").await.contains("It is cancelled."), "{what}");
    }
    for (id, says) in tasks.iter().zip(["have cancelled this statement", "by those who operate the server"]) {
        let said = until("its owner hears of it", async || {
            let answer = serving.call(&caller, "task_result", json!({"task_id": id})).await;
            let said = text(&answer);
            said.contains(says).then_some(said)
        })
        .await;
        assert!(said.contains("57014"), "{said}");
    }
    until("nothing runs", async || (running(&serving).await == 0).then_some(())).await;
}

#[tokio::test]
async fn who_is_suspended_is_refused_from_the_next_call_on_until_they_are_resumed() {
    let serving = Serving::start("[audit]\nfile = \"audit.jsonl\"").await;
    let (anna, bob) = (serving.token("anna", "write").await, serving.token("bob", "write").await);
    let mut operator = serving.operator("dora").await;
    let reads = async |token: &str| text(&serving.query(token, "SELECT 1").await);
    let suspend = async |operator: &mut super::Browser, fields: &[(&str, &str)]| {
        let token = token_of(&operator.text("/").await, "/suspend");
        let all = [&[("token", token.as_str()), ("reason", "a leak"), ("time", "1h")], fields].concat();
        operator.post("/suspend", &all).await.status()
    };
    assert_eq!(
        suspend(&mut operator, &[("what", "caller"), ("subject", "anna")]).await,
        StatusCode::SEE_OTHER
    );
    assert!(reads(&anna).await.contains("suspended by those who operate the server: a leak"));
    assert!(!reads(&bob).await.contains("suspended"));
    let resume = async |operator: &mut super::Browser, what: &str| {
        let token = token_of(&operator.text("/").await, "/resume");
        operator.post("/resume", &[("token", &token), ("what", what)]).await;
        operator.text("/").await
    };
    let page = resume(&mut operator, r#"{"caller":{"subject":"anna","issuer":null}}"#).await;
    assert!(page.contains("Resumed: caller anna."), "{page}");
    assert!(!reads(&anna).await.contains("suspended"));

    let page = resume(&mut operator, r#"{"caller":{"subject":"anna","issuer":null}}"#).await;
    assert!(page.contains("Nothing to do: caller anna is not suspended."), "{page}");

    // Whoever is suspended does not let themselves in again.
    assert_eq!(
        suspend(&mut operator, &[("what", "caller"), ("subject", "dora")]).await,
        StatusCode::SEE_OTHER
    );
    let own = r#"{"caller":{"subject":"dora","issuer":null}}"#;
    assert!(!resume(&mut operator, own).await.contains("Resumed: caller dora"));
    let mut other = serving.operator("eva").await;
    assert!(resume(&mut other, own).await.contains("Resumed: caller dora."));

    let writes = r#"{"writes":{"database":"shop"}}"#;
    assert_eq!(suspend(&mut operator, &[("what", writes)]).await, StatusCode::SEE_OTHER);
    let update = json!({"sql": "UPDATE s.customers SET name = 'x' WHERE id = 1"});
    assert!(
        serving.call(&anna, "execute", update.clone()).await.to_string().contains("operations.suspended")
    );
    assert!(!reads(&anna).await.contains("suspended"));
    resume(&mut operator, writes).await;
    assert!(!serving.call(&anna, "execute", update).await.to_string().contains("operations.suspended"));

    // A name that is misspelt would stop nobody; neither would nobody's name.
    for (what, subject) in [
        (r#"{"writes":{"database":"shp"}}"#, ""),
        (r#"{"policy":{"database":"shop","file":"other.toml"}}"#, ""),
        ("caller", " "),
        ("everything", ""),
    ] {
        let status = suspend(&mut operator, &[("what", what), ("subject", subject)]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{what}");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let log = std::fs::read_to_string(serving.folder.path().join("audit.jsonl")).unwrap();
    let actions: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["event"] == "operator")
        .map(|record| {
            let word = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", word("action"), word("of"), word("outcome"))
        })
        .collect();
    let expected = [
        "login - done",
        "suspend caller anna done",
        "resume caller anna announced",
        "resume caller anna done",
        "suspend caller dora done",
        "resume caller dora refused",
        "login - done",
        "resume caller dora announced",
        "resume caller dora done",
        "suspend writes in shop done",
        "resume writes in shop announced",
        "resume writes in shop done",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn a_task_that_another_replica_runs_is_cancelled_from_here() {
    let more =
        "[store]\nurl = \"STORE\"\nkey_file = \"key\"\n[tasks]\nhandle_after_ms = 1\nheartbeat_ms = 300";
    let serving = Serving::start(more).await;
    let other = Process::launch(serving.folder.path()).await;
    let caller = serving.token("anna", "read").await;
    let answer = serving.query(&caller, LONG).await;
    let id = answer["result"]["structuredContent"]["task_id"].as_str().unwrap_or_else(|| panic!("{answer}"));
    until("it runs in PostgreSQL", async || (running(&serving).await == 1).then_some(())).await;
    let admin = serving.token("dora", "admin").await;
    let mut operator = until("the other one has the token", async || {
        let mut browser = other.browser();
        (browser.log_in(&admin).await == StatusCode::SEE_OTHER).then_some(browser)
    })
    .await;
    let what = format!("task:{id}");
    until("it is shown there", async || {
        let page = operator.clone().text("/live").await;
        (page.contains("runs elsewhere") && cancels(&page, "runs elsewhere")? == what).then_some(())
    })
    .await;
    let (_, page) = operator.act("/cancel", &[("what", &what)]).await;
    assert!(page.contains("It is cancelled."), "{page}");
    until("it has ended in PostgreSQL", async || (running(&serving).await == 0).then_some(())).await;
    let said = text(&serving.call(&caller, "task_result", json!({"task_id": id})).await);
    assert!(said.contains("57014") && said.contains("by those who operate the server"), "{said}");
    let (_, page) = operator.act("/cancel", &[("what", &what)]).await;
    assert!(page.contains("Nothing to do: it is no longer running."), "{page}");
}
