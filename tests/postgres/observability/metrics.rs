//! `/metrics`: exact counts, a bound on what callers can make of them, and nobody's secrets.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{CANARY, Scrape, Serving, program};
use crate::support::until;

#[tokio::test]
async fn a_session_of_reads_refusals_a_cancel_and_a_write_is_counted_exactly() {
    let serving = Serving::start("").await;
    for _ in 0..3 {
        assert_eq!(serving.query("SELECT id FROM s.customers").await["isError"], false);
    }
    let cut =
        serving.tool("query", json!({"sql": "SELECT id FROM s.customers", "limit": 7}), json!({})).await;
    assert_eq!(cut["structuredContent"]["truncated"], true, "{cut}");
    let two = ["SELECT id FROM s.canary8461", "SELECT 'canary8461' FROM s.canary8461"];
    for refused in two {
        assert_eq!(serving.query(refused).await["isError"], true);
    }
    assert_eq!(serving.query("SELECT 1 / (id - 1) FROM s.customers").await["isError"], true);
    // Previewed, and then run.
    let update = "UPDATE s.customers SET name = 'canary8461' WHERE id = 1";
    let written = serving.tool("execute", json!({"sql": update}), json!({})).await;
    assert_eq!(written["isError"], false, "{written}");
    let listed = serving.request("tools/list", json!({}), json!({})).send().await.unwrap();
    assert!(listed.status().is_success());
    cancelled(&serving).await;

    let scrape = serving.scrape().await;
    let counts = [
        (
            "pgwarden_policy_decisions_total{database=\"shop\",kind=\"query\",decision=\"allow\",rule=\"\"}",
            6.0,
        ),
        (
            "pgwarden_policy_decisions_total{database=\"shop\",kind=\"query\",decision=\"deny\",rule=\"sql.relations\"}",
            2.0,
        ),
        (
            "pgwarden_policy_decisions_total{database=\"shop\",kind=\"UPDATE\",decision=\"allow\",rule=\"\"}",
            2.0,
        ),
        (
            "pgwarden_operation_duration_seconds_count{method=\"tools/call\",tool=\"query\",outcome=\"result\"}",
            4.0,
        ),
        (
            "pgwarden_operation_duration_seconds_count{method=\"tools/call\",tool=\"query\",outcome=\"tool_error\"}",
            4.0,
        ),
        (
            "pgwarden_operation_duration_seconds_count{method=\"tools/call\",tool=\"execute\",outcome=\"result\"}",
            1.0,
        ),
        (
            "pgwarden_operation_duration_seconds_count{method=\"tools/list\",tool=\"\",outcome=\"result\"}",
            1.0,
        ),
        ("pgwarden_tool_errors_total{tool=\"query\",class=\"42\"}", 2.0),
        ("pgwarden_tool_errors_total{tool=\"query\",class=\"22\"}", 1.0),
        ("pgwarden_tool_errors_total{tool=\"query\",class=\"57\"}", 1.0),
        (
            "pgwarden_statement_duration_seconds_count{database=\"shop\",kind=\"query\",outcome=\"completed\"}",
            4.0,
        ),
        (
            "pgwarden_statement_duration_seconds_count{database=\"shop\",kind=\"query\",outcome=\"failed\"}",
            1.0,
        ),
        (
            "pgwarden_statement_duration_seconds_count{database=\"shop\",kind=\"query\",outcome=\"canceled\"}",
            1.0,
        ),
        (
            "pgwarden_statement_duration_seconds_count{database=\"shop\",kind=\"UPDATE\",outcome=\"completed\"}",
            2.0,
        ),
        ("pgwarden_statement_rows_sum{database=\"shop\",kind=\"query\"}", 157.0),
        ("pgwarden_statement_errors_total{database=\"shop\",class=\"22\"}", 1.0),
        ("pgwarden_cancellations_total{database=\"shop\",by=\"caller\"}", 1.0),
        ("pgwarden_timeouts_total{database=\"shop\"}", 0.0),
        ("pgwarden_truncations_total{limit=\"rows\"}", 1.0),
        ("pgwarden_sessions_open", 0.0),
        ("pgwarden_pool_waiting{database=\"shop\",pool=\"statements\"}", 0.0),
        ("pgwarden_tasks{state=\"running\"}", 0.0),
        ("pgwarden_metrics_lost_total", 0.0),
    ];
    for (sample, expected) in counts {
        assert_eq!(scrape.of(sample), expected, "{sample}\n{}", scrape.0);
    }
    // Nine calls and a list; the connection of the cancelled one ended before its answer.
    assert_eq!(scrape.of("pgwarden_http_requests_total{route=\"mcp\",status=\"200\"}"), 9.0, "{}", scrape.0);
    assert!(scrape.of("pgwarden_pool_connections{database=\"shop\",pool=\"statements\"}") >= 1.0);
    assert!(scrape.of("process_resident_memory_bytes") > 1e6 && scrape.of("process_open_fds") > 3.0);
    let started = scrape.of("process_start_time_seconds");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - started).abs() < 300.0, "{started} {now}");
    assert_eq!(scrape.named("pgwarden_policy_info").len(), 1);
    assert_eq!(scrape.of(&format!("pgwarden_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), 1.0);
    assert!(!scrape.0.contains(CANARY), "{}", scrape.0);
}

/// A call that waits for a lock, and whose client goes away.
async fn cancelled(serving: &Serving) {
    serving.admin.batch_execute("BEGIN; LOCK TABLE s.customers IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let arguments = json!({"name": "query", "arguments": {"sql": "SELECT id FROM s.customers"}});
    let call = serving.request("tools/call", arguments, json!({})).send();
    assert!(tokio::time::timeout(Duration::from_millis(700), call).await.is_err(), "it waits");
    until("the statement was cancelled", async || {
        let sample = "pgwarden_cancellations_total{database=\"shop\",by=\"caller\"}";
        (serving.scrape().await.of(sample) > 0.0).then_some(())
    })
    .await;
    serving.admin.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_timeout_and_no_cancellation() {
    let serving = Serving::start("[limits]\nseconds = 1").await;
    let slow = "SELECT count(*) FROM generate_series(1, 400000000) AS n";
    let answer = serving.query(slow).await;
    assert_eq!(answer["_meta"]["pgwarden/error"]["sqlstate"], "57014", "{answer}");
    let scrape = serving.scrape().await;
    assert_eq!(scrape.of("pgwarden_timeouts_total{database=\"shop\"}"), 1.0, "{}", scrape.0);
    assert!(scrape.named("pgwarden_cancellations_total").is_empty());
}

#[tokio::test]
async fn a_flood_of_unknown_words_makes_no_series() {
    let serving = Serving::start("").await;
    serving.query("SELECT id FROM s.customers").await;
    let count = |scrape: &Scrape| scrape.0.lines().filter(|line| !line.starts_with('#')).count();
    let flood = async |at: u32| {
        let word = format!("{CANARY}{at}");
        let (method, tool) = (word.as_str(), json!({"name": word, "arguments": {}}));
        for (method, params) in [(method, json!({})), ("tools/call", tool)] {
            serving.request(method, params, json!({"traceparent": word})).send().await.unwrap();
        }
        serving.query(&format!("SELECT {word} FROM {word}")).await;
        let path = format!("http://{}/{word}", serving.address);
        serving.client.get(path).header("x-request-id", &word).send().await.unwrap();
    };
    flood(0).await;
    let before = serving.scrape().await;
    for at in 1..100 {
        flood(at).await;
    }
    let after = serving.scrape().await;
    assert_eq!(count(&after), count(&before), "{}", after.0);
    assert!(!after.0.contains(CANARY));
    let other =
        "pgwarden_operation_duration_seconds_count{method=\"tools/call\",tool=\"other\",outcome=\"error\"}";
    assert_eq!(after.of(other), 100.0, "{}", after.0);
}

#[tokio::test]
async fn it_is_read_under_load_and_both_formats_are_whole() {
    let serving = Serving::start("").await;
    let load = async {
        for _ in 0..60 {
            assert_eq!(serving.query("SELECT id FROM s.customers").await["isError"], false);
        }
    };
    let mut slowest = Duration::ZERO;
    let reading = async {
        for _ in 0..30 {
            let began = Instant::now();
            assert!(serving.scrape().await.0.ends_with('\n'));
            slowest = slowest.max(began.elapsed());
        }
    };
    tokio::join!(load, reading);
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let asked =
        serving.client.get(&serving.metrics).header("accept", "application/openmetrics-text; version=1.0.0");
    let answer = asked.send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE pgwarden_http_requests counter\n"), "{text}");
}

#[tokio::test]
async fn only_its_own_address_has_it_and_no_page_in_a_browser_reads_it() {
    let serving = Serving::start("").await;
    let of_server = format!("http://{}/metrics", serving.address);
    assert_eq!(serving.client.get(of_server).send().await.unwrap().status(), 404);
    let elsewhere = serving.metrics.replace("/metrics", "/mcp");
    assert_eq!(serving.client.post(elsewhere).send().await.unwrap().status(), 404);
    let pod = ("host", "10.1.2.3:9464");
    for (headers, status) in [
        (&[("host", "evil.example")][..], 403),
        (&[("host", "10.1.2.3.evil.example")], 403),
        (&[("host", "evil@10.1.2.3")], 403),
        (&[("origin", "http://localhost")], 403),
        (&[pod, ("origin", "http://10.1.2.3:9464")], 403),
        // As Prometheus calls a pod.
        (&[pod], 200),
        (&[("host", "[fd00::1]:9464")], 200),
    ] {
        let asked = serving.client.get(&serving.metrics);
        let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
        assert_eq!(asked.send().await.unwrap().status(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn an_address_that_others_reach_has_to_say_who_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pgwarden.toml");
    let config =
        "[metrics]\nlisten = \"0.0.0.0:0\"\n[databases.shop]\nurl = \"postgres://a@127.0.0.1:9/b\"\n";
    std::fs::write(&path, config).unwrap();
    let (mut child, log) = program(&path);
    let until_then = Instant::now() + Duration::from_secs(20);
    let status = loop {
        let status = child.try_wait().unwrap();
        if status.is_some() || Instant::now() > until_then {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let _ = child.kill();
    assert!(status.is_some_and(|status| !status.success()), "it serves");
    until("it says why", async || {
        let log = log.lock().unwrap();
        (log.contains("refusing to show metrics on 0.0.0.0:") && log.contains("plain_http_from"))
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn reloads_are_counted_with_the_time_of_the_last_good_one() {
    let serving = Serving::start("").await;
    let policy = serving.folder.path().join("policy.toml");
    let counted = async |result: &str, count: f64| {
        let sample =
            format!("pgwarden_reloads_total{{database=\"shop\",kind=\"policy\",result=\"{result}\"}}");
        until(result, async || (serving.scrape().await.of(&sample) >= count).then_some(())).await;
    };
    let version = |scrape: &Scrape| scrape.named("pgwarden_policy_info")[0].to_owned();
    let before = version(&serving.scrape().await);
    std::fs::write(&policy, super::POLICY.replace("rows = 10", "rows = 11")).unwrap();
    counted("taken", 1.0).await;
    let scrape = serving.scrape().await;
    let at = scrape.of("pgwarden_reload_last_success_timestamp_seconds{database=\"shop\",kind=\"policy\"}");
    assert!(at > 1.7e9 && version(&scrape) != before, "{at}");
    std::fs::write(&policy, "version = ").unwrap();
    counted("refused", 1.0).await;
    let scrape = serving.scrape().await;
    let again =
        scrape.of("pgwarden_reload_last_success_timestamp_seconds{database=\"shop\",kind=\"policy\"}");
    assert_eq!(at.to_bits(), again.to_bits());
}
