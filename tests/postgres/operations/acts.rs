//! What the buttons do: in PostgreSQL, to callers, and in the audit log.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{LONG, Serving, cancels, token_of};
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
    let serving = Serving::start("[tasks]\ntask_after_ms = 50000\n[audit]\nfile = \"audit.jsonl\"").await;
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
        assert!(operator.text("/").await.contains("It had ended already."));
        assert_eq!(
            operator.post("/cancel", &[("token", &token), ("what", "run:x")]).await.status(),
            StatusCode::BAD_REQUEST
        );
    };
    let (answer, ()) = tokio::join!(asking, cancelling);
    let said = text(&answer);
    assert!(said.contains("those who operate the server have cancelled this statement"), "{said}");
    assert!(answer.to_string().contains("operations.cancelled"), "{answer}");
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
    let suspend = async |operator: &mut super::Browser<'_>, fields: &[(&str, &str)]| {
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
    let resume = async |operator: &mut super::Browser<'_>, what: &str| {
        let token = token_of(&operator.text("/").await, "/resume");
        operator.post("/resume", &[("token", &token), ("what", what)]).await;
        operator.text("/").await
    };
    let page = resume(&mut operator, r#"{"caller":{"subject":"anna","issuer":null}}"#).await;
    assert!(page.contains("Resumed: caller anna."), "{page}");
    assert!(!reads(&anna).await.contains("suspended"));

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
            format!("{} {}", record["action"].as_str().unwrap(), record["of"].as_str().unwrap_or("-"))
        })
        .collect();
    let expected = [
        "login -",
        "suspend caller anna",
        "resume caller anna",
        "suspend caller dora",
        "login -",
        "resume caller dora",
        "suspend writes in shop",
        "resume writes in shop",
    ];
    assert_eq!(actions, expected);
}
