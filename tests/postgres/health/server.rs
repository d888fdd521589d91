//! What is about sessions and the server, seeded in clusters of their own where others would see it too.

use pgwarden::embedded::Settings;
use serde_json::json;

use super::{ALL, NOTHING, ask, empty, found, gateway, only, run, watcher};
use crate::support::{Cluster, Database, Template, until};

fn alone(parameters: &[(&str, &str)]) -> Cluster {
    let parameters = parameters.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Cluster::start(Settings { parameters, ..Settings::default() })
}

#[tokio::test]
async fn a_session_that_is_idle_in_a_transaction_is_found() {
    let database = empty().await;
    run(&database, "CREATE TABLE t (id int)").await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let session = database.admin().await;
    session.batch_execute("BEGIN; INSERT INTO t VALUES (4711)").await.unwrap();
    let pid: i32 = session.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let finding = until("five seconds are over", async || found(&gateway, "transactions").await.pop()).await;
    let evidence = &finding["evidence"];
    assert_eq!((&evidence["pid"], &evidence["state"]), (&json!(pid), &json!("idle in transaction")));
    assert!(
        evidence["state_seconds"].as_u64().unwrap() >= 5 && evidence["holds_back_vacuum"] == true,
        "{evidence}"
    );
    assert!(!finding.to_string().contains("4711"), "nobody's statements show");
    run(&database, finding["remedy"].as_str().unwrap().split(';').next().unwrap()).await;
    until("it is ended", async || found(&gateway, "transactions").await.is_empty().then_some(())).await;
}

#[tokio::test]
async fn who_waits_for_whose_lock_is_told() {
    let database = empty().await;
    run(&database, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let (holder, table, row) = (database.admin().await, database.admin().await, database.admin().await);
    holder.batch_execute("BEGIN; UPDATE t SET id = 2").await.unwrap();
    let blocker: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let waits = tokio::spawn(async move { row.batch_execute("DELETE FROM t").await });
    let finding = until("the row is waited for", async || found(&gateway, "locks").await.pop()).await;
    assert_eq!(
        (&finding["object"], &finding["evidence"]["waits_for"]),
        (&json!("public.t"), &json!("transactionid"))
    );
    assert_eq!(finding["evidence"]["blocked_by"][0]["pid"], blocker);
    assert_eq!(finding["evidence"]["blocked_by"][0]["state"], "idle in transaction");
    assert_eq!(finding["remedy"], format!("SELECT pg_terminate_backend({blocker}), or wait for it"));
    let waits_too = tokio::spawn(async move { table.batch_execute("BEGIN; LOCK TABLE t").await });
    let findings = until("the table is waited for", async || {
        let found = found(&gateway, "locks").await;
        (found.len() == 2).then_some(found)
    })
    .await;
    assert!(findings.iter().all(|finding| finding["object"] == "public.t"), "{findings:#?}");
    holder.batch_execute("ROLLBACK").await.unwrap();
    waits.await.unwrap().unwrap();
    waits_too.await.unwrap().unwrap();
    assert_eq!(found(&gateway, "locks").await, NOTHING);
}

#[tokio::test]
async fn without_a_monitor_login_the_answer_says_which_configuration_to_add() {
    let database = empty().await;
    let gateway = gateway(&database, None, ALL).await;
    let report = ask(&gateway, &[]).await.unwrap();
    let unchecked: Vec<_> =
        report["unchecked"].as_array().unwrap().iter().map(|u| u["check"].as_str().unwrap()).collect();
    assert_eq!(unchecked, ["locks", "replication", "transactions"]);
    assert_eq!(report["unchecked"][0]["why"], "database `test` has no `monitor_login`");
    let hint = report["unchecked"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("pg_monitor") && hint.contains("`[databases.test]`"), "{hint}");
    assert!(report["clean"].as_array().unwrap().contains(&json!("foreign_keys")));
}

#[tokio::test]
async fn a_monitor_that_does_not_get_in_leaves_what_the_login_sees() {
    let database = empty().await;
    run(&database, "CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES t)").await;
    let gateway = gateway(&database, Some("nobody_of_that_name"), ALL).await;
    let report = ask(&gateway, &["locks", "foreign_keys"]).await.unwrap();
    assert_eq!(report["findings"][0]["object"], "public.t", "{report}");
    assert_eq!(report["unchecked"][0]["why"], "it failed with SQLSTATE 28000", "{report}");
    assert!(!report.to_string().contains("nobody_of_that_name"), "{report}");
}

#[tokio::test]
async fn a_slot_that_nobody_reads_holds_wal() {
    let cluster =
        alone(&[("wal_level", "replica"), ("max_wal_senders", "2"), ("max_replication_slots", "2")]);
    let database = Database::create_in(&cluster, Template::Empty).await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    assert_eq!(found(&gateway, "replication").await, NOTHING);
    run(&database, "SELECT pg_create_physical_replication_slot('left_over', TRUE); CREATE TABLE t AS SELECT generate_series(1, 9999)").await;
    // Without synchronous_commit WAL is written a little later.
    let finding = until("the WAL is written", async || {
        let found = only(&gateway, "replication").await;
        (found["evidence"]["retained_bytes"].as_u64()? > 100_000).then_some(found)
    })
    .await;
    let evidence = &finding["evidence"];
    assert_eq!(
        (&evidence["slot"], &evidence["active"], &evidence["wal_status"]),
        (&json!("left_over"), &json!(false), &json!("reserved"))
    );
    run(&database, finding["remedy"].as_str().unwrap().split(" if ").next().unwrap()).await;
    assert_eq!(found(&gateway, "replication").await, NOTHING, "the remedy helps");
}

#[tokio::test]
async fn old_transaction_ids_of_database_and_table_are_found() {
    let cluster = alone(&[]);
    let database = Database::create_in(&cluster, Template::Empty).await;
    run(&database, "CREATE TABLE t (id int)").await;
    let gateway = gateway(&database, None, ALL).await;
    assert_eq!(found(&gateway, "wraparound").await, NOTHING);
    // 2^32 - 1.6e9 comes 1.6e9 before the first ids.
    run(
        &database,
        "SET allow_system_table_mods = on;
         UPDATE pg_database SET datfrozenxid = '2694967296', datminmxid = '3994967296' WHERE datname = current_database();
         UPDATE pg_class SET relfrozenxid = '3994967296' WHERE relname = 't'",
    )
    .await;
    let findings = found(&gateway, "wraparound").await;
    let shown: Vec<_> =
        findings.iter().map(|f| (&f["object"], &f["severity"], &f["evidence"]["of"])).collect();
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert_eq!(shown[0], (&json!(null), &json!("critical"), &json!("xid")));
    assert!(findings[0]["evidence"]["age"].as_u64().unwrap() > 1_600_000_000, "{findings:#?}");
    assert!((findings[0]["evidence"]["percent"].as_f64().unwrap() - 74.5).abs() < 0.2, "{findings:#?}");
    assert_eq!(shown[1], (&json!("public.t"), &json!("warning"), &json!("xid")));
    assert_eq!(findings[1]["remedy"], "VACUUM (FREEZE) public.t");
}

#[tokio::test]
async fn a_cache_that_misses_and_checkpoints_that_were_asked_for_are_found() {
    let cluster = alone(&[("shared_buffers", "1MB"), ("autovacuum", "on"), ("autovacuum_naptime", "1d")]);
    let database = Database::create_in(&cluster, Template::Empty).await;
    let gateway = gateway(&database, None, ALL).await;
    for check in ["cache", "checkpoints", "autovacuum"] {
        assert_eq!(found(&gateway, check).await, NOTHING, "{check}");
    }
    run(&database, "CREATE TABLE t AS SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) AS n").await;
    let admin = database.admin().await;
    for _ in 0..25 {
        admin.batch_execute("SELECT count(*) FROM t").await.unwrap();
    }
    database.send_counts(&admin).await;
    for _ in 0..12 {
        admin.batch_execute("CHECKPOINT").await.unwrap();
    }
    let finding = until("the reads are counted", async || found(&gateway, "cache").await.pop()).await;
    let evidence = &finding["evidence"];
    assert!(
        evidence["hit_percent"].as_f64().unwrap() < 95.0
            && evidence["blocks_read"].as_u64().unwrap() > 20_000,
        "{evidence}"
    );
    assert_eq!(evidence["shared_buffers"], "1MB");
    let finding =
        until("the checkpoints are counted", async || found(&gateway, "checkpoints").await.pop()).await;
    assert!(finding["evidence"]["requested"].as_u64().unwrap() >= 10, "{finding}");
    assert!(finding["remedy"].as_str().unwrap().starts_with("raise max_wal_size"));
}
