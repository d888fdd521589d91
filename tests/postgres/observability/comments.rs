//! What PostgreSQL sees of a trace: a comment behind the statement, of hexadecimal digits.

use serde_json::{Value, json};

use super::Serving;
use super::collector::{Collector, Manner};
use crate::support::until;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// What PostgreSQL runs while it waits for a row, under `more` of a configuration.
async fn seen(more: &str, meta: Value) -> (Serving, String) {
    let serving = Serving::start(more).await;
    serving.admin.batch_execute("BEGIN; UPDATE s.customers SET name = name WHERE id = 1").await.unwrap();
    let update = json!({"sql": "UPDATE s.customers SET name = 'x' WHERE id = 1"});
    let params = json!({"name": "execute", "arguments": update});
    let call = tokio::spawn(serving.request("tools/call", params, meta).send());
    // A transaction looks at the statistics once.
    let looker = serving.database.admin().await;
    let running = until("the statement waits", async || {
        let sql = "SELECT query FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE%'";
        looker.query_opt(sql, &[]).await.unwrap().map(|row| row.get::<_, String>(0))
    })
    .await;
    serving.admin.batch_execute("ROLLBACK").await.unwrap();
    call.await.unwrap().unwrap();
    (serving, running)
}

#[tokio::test]
async fn a_traced_statement_says_which_trace_it_is_of() {
    let collector = Collector::start(Manner::Takes).await;
    let more = format!("[tracing]\notlp = \"{}\"", collector.url);
    let meta = json!({"traceparent": format!("00-{TRACE}-b7ad6b7169203331-01")});
    let (serving, running) = seen(&more, meta.clone()).await;
    let comment = running.rsplit_once("/*").unwrap().1;
    let ids: Vec<&str> =
        comment.strip_prefix("traceparent='").unwrap().strip_suffix("'*/").unwrap().split('-').collect();
    assert_eq!((ids[0], ids[1], ids[3]), ("00", TRACE, "01"), "{running}");
    let spans = collector.of_trace(TRACE, 3).await;
    let statement = spans.iter().find(|span| span["name"] == "UPDATE s.customers").unwrap();
    assert_eq!(statement["spanId"], ids[2], "the comment leads to the statement's span");
    drop(serving);
    let (_, quiet) = seen(&format!("{more}\ncomment = false"), meta).await;
    assert!(!quiet.contains("/*"), "{quiet}");
}

#[tokio::test]
async fn without_a_trace_there_is_no_comment_and_what_is_no_trace_makes_none() {
    for (more, meta) in [
        ("", json!({"traceparent": format!("00-{TRACE}-b7ad6b7169203331-01")})),
        ("[tracing]\notlp = \"http://127.0.0.1:9\"\nsample = 0", json!({})),
        (
            "[tracing]\notlp = \"http://127.0.0.1:9\"\nsample = 0",
            json!({"traceparent": format!("00-{TRACE}-b7ad6b7169203331-'*/; DROP TABLE s.customers--")}),
        ),
    ] {
        let (_, running) = seen(more, meta).await;
        assert!(!running.contains("/*") && !running.contains("DROP"), "{running}");
    }
}
