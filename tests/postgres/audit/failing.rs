//! A log that cannot be written: what is refused, what is not, and that it goes on by itself.

use pgwarden::gateway::Health;
use pgwarden::telemetry::Witness as _;

use super::*;
use crate::support::until;

fn rule(refusal: &Diagnostic) -> (&str, Option<&str>) {
    (refusal.sqlstate.as_str(), refusal.rule.as_deref())
}

const FAILED: (&str, Option<&str>) = ("58030", Some("audit.failed"));

#[tokio::test]
async fn writes_stop_before_they_begin_and_reads_go_on() {
    let ground = Ground::new().await;
    let audit = Audit::open(ground.settings()).await.unwrap();
    let gateway = ground.gateway(&audit, "none");
    write(&gateway, "first").await.unwrap();
    ground.mode(0o666);
    let refused = write(&gateway, "second").await.unwrap_err();
    assert_eq!(rule(&refused), FAILED, "{refused}");
    assert!(refused.retryable && refused.message.ends_with("nothing was run"), "{refused}");
    assert_eq!(rule(&write(&gateway, "third").await.unwrap_err()), FAILED);
    assert_eq!(ground.notes().await, 3);
    query(&gateway, "SELECT id FROM s.notes", &[]).await.unwrap();
    assert!(matches!(gateway.health().await, Health::Unrecorded { reads: false }));
    ground.mode(0o600);
    until("it goes on", async || write(&gateway, "fourth").await.ok()).await;
    assert!(matches!(gateway.health().await, Health::Ready));
    assert_eq!(ground.notes().await, 4);
    audit.close().await;
    // The read that nobody could record at once is there.
    let told = told(&ground.records());
    assert!(told.contains(&"decision query allowed".to_owned()), "{told:?}");
    assert!(told.contains(&"run INSERT failed 58030".to_owned()), "{told:?}");
    let records = ground.records();
    let done = records.iter().filter(|record| record["event"] == "run" && record["rows"] == 1);
    assert_eq!(
        (done.filter(|record| record["kind"] == "INSERT").count(), ground.verify().0),
        (2, 0),
        "{told:?}"
    );
}

#[tokio::test]
async fn reads_stop_too_where_the_configuration_says_so() {
    let ground = Ground::new().await;
    let settings = Settings { required: Required::All, ..ground.settings() };
    let audit = Audit::open(settings).await.unwrap();
    let gateway = ground.gateway(&audit, "none");
    query(&gateway, "SELECT id FROM s.notes", &[]).await.unwrap();
    ground.mode(0o644);
    // The first read is queued; from the failure on there is none.
    let refused =
        until("reads are refused", async || query(&gateway, "SELECT id FROM s.notes", &[]).await.err());
    assert_eq!(rule(&refused.await), FAILED);
    assert!(matches!(gateway.health().await, Health::Unrecorded { reads: true }));
    ground.mode(0o600);
    until("it goes on", async || query(&gateway, "SELECT id FROM s.notes", &[]).await.ok()).await;
    audit.close().await;
    assert_eq!(ground.verify().0, 0);
}

/// Nor is a person's word taken, or used up, that leaves no record.
#[tokio::test]
async fn an_approval_waits_for_the_log() {
    let ground = Ground::new().await;
    let audit = Audit::open(ground.settings()).await.unwrap();
    let gateway = ground.gateway(&audit, "requester");
    let asked = execute(&gateway, ExecuteRequest::New(insert("x"))).await.unwrap();
    let Executed::Waiting(approval) = asked else { panic!("{asked:?}") };
    let shown = approval.digest().unwrap();
    let viewer = ann();
    let decide = || gateway.decide(&viewer, approval.id, Decision::Approve, &shown);
    let used = ExecuteRequest::Approved { id: approval.id, again: None };
    fails(&ground, &gateway, &audit).await;
    assert_eq!(rule(&decide().await.unwrap_err()), FAILED);
    ground.mode(0o600);
    until("it goes on", async || audit.may_write().ok()).await;
    decide().await.unwrap();
    fails(&ground, &gateway, &audit).await;
    assert_eq!(rule(&execute(&gateway, used.clone()).await.unwrap_err()), FAILED);
    ground.mode(0o600);
    let done = until("it goes on", async || execute(&gateway, used.clone()).await.ok()).await;
    assert!(matches!(done, Executed::Done(_)));
    assert_eq!(ground.notes().await, 3);
}

/// From here on it cannot be written, and that was noticed.
async fn fails(ground: &Ground, gateway: &Gateway, audit: &Audit) {
    ground.mode(0o644);
    until("it is noticed", async || {
        let _ = query(gateway, "SELECT id FROM s.notes", &[]).await;
        audit.may_write().err()
    })
    .await;
}
