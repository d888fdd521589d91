//! Writes can be suspended while reads go on, and an approval is not used up by a write that was refused.

use std::time::Duration;

use pgwarden::approvals::ApprovalState;
use pgwarden::gateway::{Decision, ExecuteRequest, QueryRequest};
use pgwarden::store::suspensions::Suspended;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, ann, approve, approved, ask, execute, insert, rule, use_it};
use crate::support::until;

#[tokio::test]
async fn reads_go_on_and_an_approval_waits_until_writes_are_resumed() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("later")).await;
    approve(&gateway, &ann(), approval.id).await;
    let other = Suspended::Writes { database: Some("elsewhere".to_owned()) };
    gateway.suspensions().suspend(other, "elsewhere", "ops", None).await.unwrap();
    ask(&gateway, &ann(), insert("not here")).await;
    for of in
        [Suspended::Writes { database: None }, Suspended::Writes { database: Some("ground".to_owned()) }]
    {
        gateway.suspensions().suspend(of.clone(), "a drill", "ops", None).await.unwrap();
        let refused = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
        assert_eq!(rule(&refused), ("42501", "operations.suspended"), "{refused:?}");
        let refused =
            execute(&gateway, &ann(), ExecuteRequest::New(insert("new")), Duration::ZERO).await.unwrap_err();
        assert_eq!(rule(&refused), ("42501", "operations.suspended"), "{refused:?}");
        let read = QueryRequest { sql: "SELECT count(*) FROM s.notes".to_owned(), ..QueryRequest::default() };
        gateway.query(&ann(), read, &CancellationToken::new()).await.unwrap();
        assert_eq!(
            (ground.notes("later").await, ground.state(approval.id).await),
            (0, ApprovalState::Approved)
        );
        assert!(gateway.suspensions().resume(&of).await.unwrap());
    }
    use_it(&gateway, &ann(), approval.id).await.unwrap();
    assert_eq!(ground.notes("later").await, 1);
}

#[tokio::test]
async fn a_suspended_caller_decides_and_uses_nothing() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("x")).await;
    let of = Suspended::Caller { subject: ann().subject, issuer: None };
    gateway.suspensions().suspend(of.clone(), "a drill", "ops", None).await.unwrap();
    let decided = gateway.decide(&ann(), approval.id, Decision::Approve, &approval.digest().unwrap()).await;
    assert_eq!(rule(&decided.unwrap_err()), ("42501", "operations.suspended"));
    let used = execute(&gateway, &ann(), approved(approval.id), Duration::ZERO).await;
    assert_eq!(rule(&used.unwrap_err()), ("42501", "operations.suspended"));
    assert_eq!(ground.state(approval.id).await, ApprovalState::Pending);
}

#[tokio::test]
async fn a_write_that_waits_for_a_lock_is_undone() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("none");
    let holder = ground.database.admin().await;
    holder.batch_execute("BEGIN; LOCK TABLE s.notes IN SHARE MODE").await.unwrap();
    let running = tokio::spawn({
        let gateway = gateway.clone();
        async move { execute(&gateway, &ann(), ExecuteRequest::New(insert("never")), Duration::ZERO).await }
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let waiting =
        async |many: i64| ground.admin.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == many;
    until("it waits", async || waiting(1).await.then_some(())).await;
    gateway
        .suspensions()
        .suspend(Suspended::Writes { database: None }, "a drill", "ops", None)
        .await
        .unwrap();
    let refused = running.await.unwrap().unwrap_err();
    assert_eq!(rule(&refused), ("42501", "operations.suspended"), "{refused:?}");
    until("nobody waits", async || waiting(0).await.then_some(())).await;
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(ground.notes("never").await, 0);
}
