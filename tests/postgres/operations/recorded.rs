//! What is recorded is what has happened: also while the audit log cannot be written, and of those who do not come in.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Serving, token_of};
use crate::support::until;

const ANNA: &str = r#"{"caller":{"subject":"anna","issuer":null}}"#;

fn acts(records: &[Value], action: &str) -> Vec<Value> {
    let of = |record: &&Value| record["event"] == "operator" && record["action"] == action;
    records.iter().filter(of).map(|record| record["outcome"].clone()).collect()
}

fn resumed(records: &[Value]) -> bool {
    records.iter().any(|record| record["event"] == "suspension" && record["outcome"] == "resumed")
}

#[tokio::test]
async fn while_the_log_cannot_be_written_stopping_is_done_and_says_so_and_resuming_is_not() {
    let serving = Serving::start("[audit]\nfile = \"audit.jsonl\"").await;
    let anna = serving.token("anna", "read").await;
    let mut operator = serving.operator("dora").await;
    assert!(!operator.text("/").await.contains("audit log cannot be written"));
    let mode = |mode| set_permissions(serving.file("audit.jsonl"), Permissions::from_mode(mode)).unwrap();
    // The log refuses a file that others may write to.
    mode(0o666);
    let fields = [("what", "caller"), ("subject", "anna"), ("time", "1h"), ("reason", "a leak")];
    let (status, page) = operator.act("/suspend", &fields).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(page.contains("Suspended: caller anna. It is done, but not recorded"), "{page}");
    assert!(page.contains("id=\"unrecorded\" role=\"alert\""), "{page}");
    assert!(operator.text("/live").await.contains("The audit log cannot be written."));
    assert!(serving.query(&anna, "SELECT 1").await.to_string().contains("operations.suspended"));
    let (status, page) = operator.act("/resume", &[("what", ANNA)]).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(page.contains("Resume caller anna"), "{page}");
    assert!(page.contains("resume caller anna: refused"), "{page}");

    mode(0o600);
    until("the log is written again", async || {
        (!operator.clone().text("/live").await.contains("audit log cannot be written")).then_some(())
    })
    .await;
    let records = serving.records();
    assert_eq!(acts(&records, "suspend"), [json!("done")]);
    assert_eq!(acts(&records, "resume"), [json!("announced"), json!("refused")]);
    assert!(!resumed(&records), "{records:?}");
    assert!(serving.query(&anna, "SELECT 1").await.to_string().contains("operations.suspended"));

    let (_, page) = operator.act("/resume", &[("what", ANNA)]).await;
    assert!(page.contains("Resumed: caller anna.") && !page.contains("not recorded"), "{page}");
    let expected = ["announced", "refused", "announced", "done"].map(Value::from);
    until("it is recorded", async || resumed(&serving.records()).then_some(())).await;
    assert_eq!(acts(&serving.records(), "resume"), expected);
}

#[tokio::test]
async fn a_login_that_fails_is_told_of_without_its_token_and_many_fill_no_log() {
    let more = "[metrics]\nlisten = \"127.0.0.1:0\"\n[audit]\nfile = \"audit.jsonl\"";
    let serving = Serving::start(more).await;
    let reader = serving.token("anna", "read").await;
    let mut browser = serving.browser();
    assert_eq!(browser.log_in(&reader).await, StatusCode::FORBIDDEN);
    let form = token_of(&browser.text("/login").await, "/login");
    for guess in 0..40 {
        browser.post("/login", &[("token", &form), ("access_token", &format!("pgw_guess{guess}"))]).await;
    }
    let records = until("they are recorded", async || {
        let mut records = serving.records();
        records.retain(|record| record["event"] == "authorization");
        (records.len() == 20).then_some(records)
    })
    .await;
    let of = |cause: &str| records.iter().filter(|record| record["cause"] == cause).count();
    assert_eq!((of("no_scope"), of("invalid_token"), of("throttled")), (1, 9, 10), "{records:?}");
    for record in &records {
        let says = [&record["step"], &record["outcome"], &record["address"]];
        assert_eq!(says, ["operations_login", "refused", "127.0.0.1"]);
    }
    let log = serving.said();
    assert_eq!(log.matches("operations_login refused").count(), 20, "{log}");
    let metrics = log.split_once("metrics on ").unwrap().1.split_whitespace().next().unwrap();
    let scrape = serving.client.get(metrics).send().await.unwrap().text().await.unwrap();
    let sample = "pgwarden_authorization_steps_total{step=\"operations_login\",result=\"refused\",cause=\"throttled\"} 10";
    assert!(scrape.contains(sample), "{scrape}");
    for text in [log, format!("{records:?}"), scrape] {
        assert!(!text.contains("pgw_guess") && !text.contains(&reader), "{text}");
    }
}
