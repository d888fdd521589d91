//! What a collector gets: spans below their callers', without anything of rows and statements.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::collector::{Collector, Manner};
use super::{CANARY, Serving};
use crate::support::until;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn given(flags: &str) -> Value {
    json!({"traceparent": format!("00-{TRACE}-{PARENT}-{flags}"), "tracestate": "vendor=opaque"})
}

fn attribute<'s>(span: &'s Value, key: &str) -> &'s Value {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == key);
    found.map_or(&Value::Null, |found| found["value"].as_object().unwrap().values().next().unwrap())
}

fn named<'s>(spans: &'s [Value], name: &str) -> &'s Value {
    spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"))
}

fn tracing(collector: &Collector, more: &str) -> String {
    format!("[tracing]\notlp = \"{}\"\n{more}", collector.url)
}

#[tokio::test]
async fn a_call_is_below_its_caller_and_its_statement_below_the_call() {
    let collector = Collector::start(Manner::Takes).await;
    let serving = Serving::start(&tracing(&collector, "")).await;
    let sql = format!("SELECT name, '{CANARY}' FROM s.customers WHERE id = $1");
    let arguments = json!({"sql": sql, "params": ["3"]});
    let params = json!({"name": "query", "arguments": arguments});
    let header = "00-11111111111111111111111111111111-2222222222222222-01";
    let call = serving.request("tools/call", params, given("00")).header("traceparent", header);
    let answer: Value = call.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    let spans = collector.of_trace(TRACE, 2).await;
    let call = named(&spans, "tools/call query");
    assert_eq!((&call["parentSpanId"], &call["kind"]), (&json!(PARENT), &json!(2)));
    assert_eq!(call["traceState"], "vendor=opaque");
    let link = json!([{"traceId": "1".repeat(32), "spanId": "2".repeat(16)}]);
    assert_eq!(call["links"], link);
    for (key, value) in [
        ("mcp.method.name", "tools/call"),
        ("gen_ai.tool.name", "query"),
        ("mcp.protocol.version", "2026-07-28"),
        ("jsonrpc.request.id", "1"),
    ] {
        assert_eq!(attribute(call, key), value, "{key}");
    }
    assert_eq!((attribute(call, "error.type"), &call["status"]), (&Value::Null, &json!({})));
    let statement = named(&spans, "SELECT s.customers");
    assert_eq!((&statement["parentSpanId"], &statement["kind"]), (&call["spanId"], &json!(3)));
    for (key, value) in [
        ("db.system.name", "postgresql"),
        ("db.namespace", "shop"),
        ("db.operation.name", "SELECT"),
        ("db.query.summary", "SELECT s.customers"),
        ("db.response.returned_rows", "1"),
    ] {
        assert_eq!(attribute(statement, key), value, "{key}");
    }
    let nanos = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
    assert!(nanos(call, "startTimeUnixNano") <= nanos(statement, "startTimeUnixNano"));
    assert!(nanos(statement, "endTimeUnixNano") <= nanos(call, "endTimeUnixNano"));
    let update = format!("UPDATE s.customers SET name = '{CANARY}' WHERE id = 1");
    serving.tool("execute", json!({"sql": update}), given("01")).await;
    let spans = collector.of_trace(TRACE, 5).await;
    let call = named(&spans, "tools/call execute");
    for statement in ["EXPLAIN s.customers", "UPDATE s.customers"] {
        assert_eq!(named(&spans, statement)["parentSpanId"], call["spanId"], "{statement}");
    }
    let bodies = collector.bodies.lock().unwrap().join("\n");
    assert!(!bodies.contains(CANARY), "{bodies}");
    let line = |text: &str| serving.log().lines().find(|line| line.contains(text)).unwrap().to_owned();
    let decision: Value = serde_json::from_str(&line("pgwarden::decision")).unwrap();
    assert_eq!(decision["span"], json!({"trace_id": TRACE, "name": "call"}), "{decision}");
    assert!(!serving.log().contains(CANARY) || !serving.log().contains("SELECT"), "{}", serving.log());
}

#[tokio::test]
async fn what_fails_says_so_by_its_sqlstate_alone() {
    let collector = Collector::start(Manner::Takes).await;
    let serving = Serving::start(&tracing(&collector, "")).await;
    serving.tool("query", json!({"sql": "SELECT 7 / (id - 1) FROM s.customers"}), given("01")).await;
    let spans = collector.of_trace(TRACE, 2).await;
    let call = named(&spans, "tools/call query");
    assert_eq!((attribute(call, "error.type"), &call["status"]["code"]), (&json!("tool_error"), &json!(2)));
    let statement = named(&spans, "SELECT s.customers");
    assert_eq!(attribute(statement, "db.response.status_code"), "22012");
    assert_eq!(attribute(statement, "error.type"), "22012");
    serving.query(&format!("SELECT id FROM s.{CANARY}")).await;
    serving.tool(CANARY, json!({}), json!({"traceparent": format!("00-{TRACE}-{PARENT}-01-{CANARY}")})).await;
    until("the refusals come", async || (collector.spans().len() >= 4).then_some(())).await;
    let bodies = collector.bodies.lock().unwrap().join("\n");
    assert!(!bodies.contains(CANARY), "{bodies}");
    let spans = collector.spans();
    let unknown = named(&spans, "tools/call other");
    assert_eq!(attribute(unknown, "rpc.response.status_code"), "-32602");
    assert!(unknown["parentSpanId"] == "" && unknown["traceId"] != TRACE, "an invalid parent is none");
}

#[tokio::test]
async fn nobody_s_word_forces_sampling() {
    let collector = Collector::start(Manner::Takes).await;
    let serving = Serving::start(&tracing(&collector, "sample = 0.0")).await;
    for trace in ["00000000000000000000000000000001", TRACE] {
        let meta = json!({"traceparent": format!("00-{trace}-{PARENT}-01")});
        let params = json!({"name": "query", "arguments": {"sql": "SELECT id FROM s.customers"}});
        let call = serving.request("tools/call", params, meta);
        call.header("traceparent", format!("00-{trace}-{PARENT}-01")).send().await.unwrap();
    }
    // As long as a batch takes.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(collector.spans(), [Value::Null; 0]);
    let scrape = serving.scrape().await;
    assert_eq!(scrape.of("pgwarden_spans_total{result=\"exported\"}"), 0.0);
    assert!(serving.log().contains(&format!("\"trace_id\":\"{TRACE}\"")), "a given trace is in the log");
}

#[tokio::test]
async fn a_collector_that_hangs_or_is_gone_slows_nobody_and_what_is_lost_is_counted() {
    let hanging = Collector::start(Manner::Hangs).await;
    let gone = "[tracing]\notlp = \"http://127.0.0.1:9\"".to_owned();
    let manners = [tracing(&hanging, ""), gone];
    for more in manners {
        let serving = Serving::start(&more).await;
        let mut slowest = Duration::ZERO;
        for _ in 0..40 {
            let began = Instant::now();
            assert_eq!(serving.query("SELECT id FROM s.customers").await["isError"], false);
            slowest = slowest.max(began.elapsed());
        }
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
        until("the loss is counted", async || {
            (serving.scrape().await.of("pgwarden_spans_total{result=\"failed\"}") >= 1.0).then_some(())
        })
        .await;
        assert!(serving.log().contains("the collector of spans does not take them"), "{}", serving.log());
    }
}
