//! Connections that are dropped and servers that stop: before a client was told of a task the query ends with them,
//! afterwards it does not.

use std::time::Duration;

use pgwarden::gateway::Asked;
use pgwarden::mcp::{Authentication, SessionMode, Settings};
use pgwarden::tasks::State;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::waiting::{running, slow};
use super::{impatient_gateway, request, slow_call, slow_gateway};
use crate::mcp_wire::{HttpPeer, StdioPeer, caller, initialize, request as message};
use crate::support::{Database, Template, until};

/// The bytes of a POST that is sent and then left alone.
fn post(body: &serde_json::Value) -> String {
    let body = body.to_string();
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_connection_dropped_before_the_handle_ends_the_query_and_one_dropped_after_it_does_not() {
    let database = Database::create(Template::Shop).await;
    let gateway = impatient_gateway(&database).await;
    let mut settings = Settings::default();
    settings.http.sessions.mode = SessionMode::Stateless;
    let peer = HttpPeer::with(gateway.clone(), Authentication::Open(caller()), settings).await;
    let early = post(&message(1, "tools/call", slow_call(1, 600.0)));
    let dropped =
        tokio::time::timeout(Duration::from_millis(250), peer.raw(early.as_bytes(), |_| false)).await;
    assert!(dropped.is_err(), "nothing is answered before the handle");
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
    assert!(gateway.list_tasks(&caller(), None, 10).await.unwrap().is_empty());

    let late = post(&message(1, "tools/call", slow_call(2, 2.0)));
    let answer = peer.raw(late.as_bytes(), |heard| heard.contains("task_id")).await;
    assert!(answer.contains("working"), "{answer}");
    let task = gateway.list_tasks(&caller(), None, 10).await.unwrap().remove(0);
    let stop = CancellationToken::new();
    let answer = gateway.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.unwrap();
    assert!(matches!(answer, Some(Asked::Rows(_))));
}

#[tokio::test]
async fn notifications_cancelled_ends_a_call_and_never_a_task_that_was_told() {
    let database = Database::create(Template::Shop).await;
    let gateway = impatient_gateway(&database).await;
    let mut peer = StdioPeer::with(gateway.clone(), Settings::default());
    peer.ask(&initialize("2025-06-18")).await;
    peer.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let cancel =
        |id| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    peer.say(&message(1, "tools/call", slow_call(3, 600.0)));
    until("the query runs", async || (running(&database).await == 1).then_some(())).await;
    peer.say(&cancel(1));
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;

    let answer = peer.ask(&message(2, "tools/call", slow_call(4, 2.0))).await;
    assert_eq!(answer["result"]["structuredContent"]["status"], "working");
    peer.say(&cancel(2));
    let stop = CancellationToken::new();
    let task = gateway.list_tasks(&caller(), None, 10).await.unwrap().remove(0);
    let answer = gateway.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.unwrap();
    assert!(matches!(answer, Some(Asked::Rows(_))));
}

#[tokio::test]
async fn the_order_to_stop_waits_for_running_tasks_and_gives_the_others_back() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let caller = super::caller();
    let short = gateway.submit(&caller, request(&slow(5, 1.0)), None).await.unwrap().id;
    let long = gateway.submit(&caller, request(&slow(6, 600.0)), None).await.unwrap().id;
    let stop = CancellationToken::new();
    let working = tokio::spawn({
        let (gateway, stop) = (gateway.clone(), stop.clone());
        async move { gateway.work(stop, Duration::from_millis(1_500)).await }
    });
    until("both run", async || (running(&database).await == 2).then_some(())).await;
    stop.cancel();
    working.await.unwrap();
    assert_eq!(gateway.task(&caller, short).await.unwrap().unwrap().state, State::Completed);
    let view = gateway.task(&caller, long).await.unwrap().unwrap();
    assert_eq!((view.state, view.message.as_str()), (State::Queued, "queued: next in turn"));
    until("nothing runs", async || (running(&database).await == 0).then_some(())).await;
}
