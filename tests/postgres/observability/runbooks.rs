//! What docs/OPERATIONS.md's runbooks answer is brought about, seen in the series of its alert, and mended by their steps.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::{POLICY, Serving};
use crate::postgres::cli::run;
use crate::support::until;

/// What `pgwarden health` prints of a server, and its status.
fn health(serving: &Serving) -> (i32, String) {
    let asked = run(&["health", "--listen", &serving.address]);
    (asked.status, asked.out + &asked.err)
}

#[test]
fn every_alert_has_a_runbook() {
    let alerts = fs::read_to_string("packages/observability/alerts.yml").unwrap();
    let page = fs::read_to_string("docs/OPERATIONS.md").unwrap();
    let headings: String = page.lines().filter(|line| line.starts_with("### ")).collect();
    let missing: Vec<&str> = alerts
        .split("- alert: ")
        .skip(1)
        .filter_map(|rule| rule.lines().next())
        .filter(|name| !headings.contains(name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[tokio::test]
async fn down_is_seen_by_health_and_over_when_it_is_started() {
    let mut serving = Serving::start("").await;
    assert_eq!(health(&serving).0, 0);
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    assert!(serving.client.get(&serving.metrics).send().await.is_err(), "no scrape");
    let (status, told) = health(&serving);
    assert_ne!(status, 0, "{told}");
    let config = serving.folder.path().join("pgwarden.toml");
    // The files are whole: it would start.
    let doctor = run(&["doctor", "--config", config.to_str().unwrap()]);
    assert_eq!(doctor.status, 0, "{}{}", doctor.out, doctor.err);
}

#[tokio::test]
async fn a_file_that_is_not_taken_is_named_and_over_when_it_is_mended() {
    let serving = Serving::start("").await;
    let refused = "pgwarden_reloads_total{database=\"shop\",kind=\"policy\",result=\"refused\"}";
    assert!(serving.scrape().await.named("pgwarden_reloads_total").is_empty());
    let policy = serving.folder.path().join("policy.toml");
    fs::write(&policy, format!("{POLICY}\n[[deny]]\nselct = [\"s.customers\"]\n")).unwrap();
    until("it is refused", async || (serving.scrape().await.of(refused) >= 1.0).then_some(())).await;
    let (_, told) = health(&serving);
    assert!(told.contains("policy.toml:"), "{told}");
    let config = serving.folder.path().join("pgwarden.toml");
    let check = run(&["check", "--config", config.to_str().unwrap(), "SELECT 1"]);
    assert_ne!(check.status, 0);
    assert!((check.out + &check.err).contains("selct"));
    assert_eq!(serving.query("SELECT id FROM s.customers").await["isError"], false, "what was before holds");

    fs::write(&policy, format!("{POLICY}\n[[deny]]\nselect = [\"s.customers\"]\n")).unwrap();
    let taken = "pgwarden_reloads_total{database=\"shop\",kind=\"policy\",result=\"taken\"}";
    until("it is taken", async || (serving.scrape().await.of(taken) >= 1.0).then_some(())).await;
    assert_eq!(serving.query("SELECT id FROM s.customers").await["isError"], true);
    until("it is ready", async || (health(&serving).0 == 0).then_some(())).await;
}

#[tokio::test]
async fn an_exhausted_pool_is_seen_with_who_holds_it_and_over_when_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.toml");
    let words = ["token", "create", "--tokens-file", file.to_str().unwrap(), "--name"];
    // One caller never holds all of it.
    let tokens =
        ["anna", "ben", "zoe"].map(|name| run(&[&words[..], &[name]].concat()).out.trim().to_owned());
    let auth = format!("[auth]\nmethods = [\"tokens\"]\ntokens_file = \"{}\"\n", file.display());
    let serving = Serving::with_database(&auth, "pool_size = 2\n").await;
    let waiting = "pgwarden_pool_waiting{database=\"shop\",pool=\"statements\"}";
    let call = |token: &String, sql: &str| {
        let arguments = json!({"name": "query", "arguments": {"sql": sql}});
        tokio::spawn(serving.request("tools/call", arguments, json!({})).bearer_auth(token).send())
    };
    let slow = "SELECT count(*) FROM generate_series(1, 4000000000) AS n";
    let calls = tokens.each_ref().map(|token| call(token, slow));
    until("somebody waits", async || (serving.scrape().await.of(waiting) >= 1.0).then_some(())).await;
    let holders = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgwarden%' \
                   AND datname = current_database() AND state = 'active' AND query LIKE '%generate_series%' \
                   AND pid <> pg_backend_pid()";
    until("two are seen in PostgreSQL", async || {
        let held: i64 = serving.admin.query_one(holders, &[]).await.unwrap().get(0);
        (held == 2).then_some(())
    })
    .await;
    for call in calls {
        call.abort();
    }
    until("nobody waits", async || {
        let scrape = serving.scrape().await;
        let in_use = "pgwarden_pool_in_use{database=\"shop\",pool=\"statements\"}";
        (scrape.of(waiting) == 0.0 && scrape.of(in_use) == 0.0).then_some(())
    })
    .await;
    let answer = call(&tokens[2], "SELECT id FROM s.customers").await.unwrap().unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["result"]["isError"], false, "{answer}");
}

#[tokio::test]
async fn refusals_are_in_the_log_with_who_and_by_which_rule() {
    let serving = Serving::start("[audit]\nfile = \"audit.jsonl\"\n").await;
    for _ in 0..5 {
        assert_eq!(serving.query("SELECT id FROM s.missing").await["isError"], true);
    }
    assert_eq!(serving.query("SELECT id FROM s.customers").await["isError"], false);
    let denied = "pgwarden_policy_decisions_total{database=\"shop\",kind=\"query\",decision=\"deny\",rule=\"sql.relations\"}";
    assert_eq!(serving.scrape().await.of(denied), 5.0);
    let config = serving.folder.path().join("pgwarden.toml");
    let shown = until("they are recorded", async || {
        let words = ["audit", "show", "--since", "1h", "--refused", "--config", config.to_str().unwrap()];
        let shown = run(&words).out;
        (shown.matches("sql.relations").count() == 5).then_some(shown)
    })
    .await;
    assert!(shown.contains("local"), "who: {shown}");
}

#[tokio::test]
async fn a_collector_that_is_away_loses_spans_and_nobody_waits_for_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let serving = Serving::start(&format!("[tracing]\notlp = \"http://{address}\"\nsample = 1.0\n")).await;
    let answered = tokio::time::timeout(Duration::from_secs(20), serving.query("SELECT id FROM s.customers"));
    assert_eq!(answered.await.unwrap()["isError"], false);
    let failed = "pgwarden_spans_total{result=\"failed\"}";
    until("spans are lost", async || (serving.scrape().await.of(failed) >= 1.0).then_some(())).await;
    assert!(serving.log().contains("the collector of spans does not take them"));
}
