//! With a store every replica follows a suspension, and it outlives them.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::fleet::{Fleet, id_of, slow};
use crate::postgres::cli::{Ended, run};
use crate::support::{Database, Template, until};

/// As the documentation promises.
const FOLLOWED: Duration = Duration::from_secs(2);

fn command(fleet: &Fleet<'_>, words: &[&str]) -> Ended {
    let ended = run(&[words, &["--config", fleet.config()]].concat());
    assert_eq!(ended.status, 0, "{words:?}: {}{}", ended.out, ended.err);
    ended
}

fn rule(answer: &Value) -> &Value {
    &answer["result"]["_meta"]["pgwarden/error"]["rule"]
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_within_two_seconds_and_a_new_process_too() {
    let database = Database::create(Template::Shop).await;
    let fleet = Fleet::start(&database, 2).await;
    let [a, b] = [0, 1].map(|at| fleet.replica(at));
    let task = id_of(&a.call(&slow(1, 600.0)).await);
    until("the query runs", async || (fleet.running().await == 1).then_some(())).await;
    let said = command(&fleet, &["suspend", "all", "--reason", "a drill", "--for", "1h"]);
    let begun = Instant::now();
    assert!(said.out.contains("all replicas over this store follow"), "{}", said.out);
    until("the query is gone", async || (fleet.running().await == 0).then_some(())).await;
    for peer in [&a, &b] {
        until("it follows", async || {
            let answer = peer.call("SELECT 1").await;
            (rule(&answer) == &json!("operations.suspended")).then_some(())
        })
        .await;
    }
    assert!(begun.elapsed() < FOLLOWED, "{:?}", begun.elapsed());
    let ended = b.ask("tasks/get", json!({"taskId": task})).await;
    assert!(ended.to_string().contains("operations.suspended"), "{ended}");
    assert!(fleet.log(1).contains("suspended: all"), "{}", fleet.log(1));
    fleet.end(0, Signal::SIGTERM);
    fleet.launch(0);
    fleet.listens(0).await;
    let refused = a.call("SELECT 1").await;
    assert_eq!(rule(&refused), "operations.suspended", "{refused}");
    let listed = command(&fleet, &["suspended"]);
    assert!(
        listed.out.contains("suspended: all, since ") && listed.out.contains(": a drill"),
        "{}",
        listed.out
    );
    command(&fleet, &["resume", "all"]);
    let begun = Instant::now();
    for peer in [&a, &b] {
        until("it answers", async || {
            (peer.result("SELECT 1").await["structuredContent"]["rows"] == json!([[1]])).then_some(())
        })
        .await;
    }
    assert!(begun.elapsed() < FOLLOWED, "{:?}", begun.elapsed());
    assert_eq!(command(&fleet, &["suspended"]).out, "nothing is suspended\n");
}
