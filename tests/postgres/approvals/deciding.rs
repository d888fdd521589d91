//! Who sees an approval, and who may decide it.

use pgwarden::approvals::{ApprovalId, ApprovalState};
use pgwarden::auth::Caller;
use pgwarden::gateway::{Decided, Decision, Gateway};

use super::ground::{Ground, ann, approve, ask, decide, insert, rule, use_it, with_scopes};

fn refuse(reason: &str) -> Decision {
    Decision::Refuse { reason: reason.to_owned() }
}

/// An account of the host.
fn host(account: &str) -> Caller {
    Caller { issuer: "cli".to_owned(), ..Caller::local(account) }
}

/// For them there is no such approval, and what they say changes nothing.
async fn sees_nothing(gateway: &Gateway, viewer: &Caller, id: ApprovalId) {
    assert_eq!(gateway.approval(viewer, id).await.unwrap(), None, "{viewer:?}");
    assert_eq!(gateway.open_approvals(viewer).await.unwrap(), [], "{viewer:?}");
    for decision in [Decision::Approve, refuse("no")] {
        assert_eq!(decide(gateway, viewer, id, decision).await.unwrap(), Decided::Unknown, "{viewer:?}");
    }
}

#[tokio::test]
async fn the_person_who_asked_and_nobody_else() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &with_scopes("ann", "write"), insert("a")).await;
    let same_name = Caller { issuer: "https://id.example".to_owned(), ..with_scopes("ann", "write") };
    for stranger in [with_scopes("bob", "read write admin"), with_scopes("bob", "approve"), same_name] {
        sees_nothing(&gateway, &stranger, approval.id).await;
    }
    assert_eq!(ground.state(approval.id).await, ApprovalState::Pending);
    // The browser's login has other claims and no client.
    let browser = Caller { claims: [("x", "y")].into_iter().collect(), ..with_scopes("ann", "") };
    assert_eq!(gateway.approval(&browser, approval.id).await.unwrap().unwrap().id, approval.id);
    assert_eq!(approve(&gateway, &browser, approval.id).await.state, ApprovalState::Approved);
    use_it(&gateway, &with_scopes("ann", "write"), approval.id).await.unwrap();
}

#[tokio::test]
async fn somebody_with_the_scope_and_not_the_person_who_asked() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("approver");
    let asker = with_scopes("ann", "write");
    let approval = ask(&gateway, &asker, insert("b")).await;
    sees_nothing(&gateway, &with_scopes("bob", "read write admin"), approval.id).await;
    assert!(gateway.approval(&asker, approval.id).await.unwrap().is_some(), "who asked sees it");
    assert_eq!(gateway.open_approvals(&asker).await.unwrap(), []);
    let refusal = decide(&gateway, &asker, approval.id, Decision::Approve).await.unwrap_err();
    assert_eq!(rule(&refusal), ("42501", "approval.approver"));
    assert_eq!(ground.state(approval.id).await, ApprovalState::Pending);
    let approver = with_scopes("bob", "approve");
    assert_eq!(gateway.open_approvals(&approver).await.unwrap(), std::slice::from_ref(&approval));
    let after = approve(&gateway, &approver, approval.id).await;
    assert_eq!((after.state, after.approved_by[0].subject.as_str()), (ApprovalState::Approved, "bob"));
    use_it(&gateway, &asker, approval.id).await.unwrap();
    assert_eq!(ground.notes("b").await, 1);
}

#[tokio::test]
async fn two_people_of_whom_one_may_have_asked() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("two");
    let asker = with_scopes("ann", "write approve");
    let (bob, cid) = (with_scopes("bob", "approve"), with_scopes("cid", "approve"));
    for (first, second) in [(&asker, &bob), (&bob, &asker), (&bob, &cid)] {
        let approval = ask(&gateway, &asker, insert("c")).await;
        sees_nothing(&gateway, &with_scopes("dan", "admin"), approval.id).await;
        assert_eq!(approve(&gateway, first, approval.id).await.state, ApprovalState::Pending);
        assert!(!gateway.open_approvals(first).await.unwrap().iter().any(|open| open.id == approval.id));
        let refusal = decide(&gateway, first, approval.id, Decision::Approve).await.unwrap_err();
        assert_eq!(rule(&refusal), ("42501", "approval.two"));
        assert_eq!(approve(&gateway, second, approval.id).await.state, ApprovalState::Approved);
        use_it(&gateway, &asker, approval.id).await.unwrap();
    }
    assert_eq!(ground.notes("c").await, 3);
    // One of them is enough to refuse it.
    let approval = ask(&gateway, &asker, insert("c")).await;
    approve(&gateway, &bob, approval.id).await;
    let refused = decide(&gateway, &cid, approval.id, refuse("no")).await.unwrap();
    assert!(matches!(&refused, Decided::Done(view) if view.state == ApprovalState::Refused), "{refused:?}");
    assert_eq!(rule(&use_it(&gateway, &asker, approval.id).await.unwrap_err()).1, "approval.refused");
}

#[tokio::test]
async fn accounts_of_the_host_decide_whatever_the_rule_is_and_are_one_person_each() {
    let ground = Ground::new().await;
    for rule in ["requester", "approver"] {
        let gateway = ground.gateway(rule);
        let approval = ask(&gateway, &ann(), insert(rule)).await;
        assert_eq!(gateway.open_approvals(&host("root")).await.unwrap().len(), 1);
        let after = approve(&gateway, &host("root"), approval.id).await;
        assert_eq!(
            (after.state, after.approved_by[0].shown()),
            (ApprovalState::Approved, "cli:root".to_owned())
        );
        use_it(&gateway, &ann(), approval.id).await.unwrap();
    }
    let gateway = ground.gateway("two");
    let approval = ask(&gateway, &ann(), insert("two")).await;
    approve(&gateway, &host("root"), approval.id).await;
    decide(&gateway, &host("root"), approval.id, Decision::Approve).await.unwrap_err();
    assert_eq!(ground.state(approval.id).await, ApprovalState::Pending);
}

#[tokio::test]
async fn a_refusal_reaches_the_caller_with_its_reason_as_data() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let approval = ask(&gateway, &ann(), insert("d")).await;
    let reason = format!("  wrong\nyear \u{202e}\u{1b}[2J{}", "x".repeat(600));
    let decided = decide(&gateway, &ann(), approval.id, refuse(&reason)).await.unwrap();
    assert!(matches!(decided, Decided::Done(_)), "{decided:?}");
    let refusal = use_it(&gateway, &ann(), approval.id).await.unwrap_err();
    assert_eq!((rule(&refusal), refusal.retryable), (("42501", "approval.refused"), false));
    let detail = refusal.detail.unwrap();
    assert!(detail.starts_with("their reason: wrong year <U+202E><U+001B>[2Jxxx"), "{detail}");
    assert!(detail.len() < 540, "{}", detail.len());
    for decision in [Decision::Approve, refuse("again")] {
        let late = decide(&gateway, &ann(), approval.id, decision).await.unwrap();
        assert!(matches!(&late, Decided::TooLate(view) if view.state == ApprovalState::Refused), "{late:?}");
    }
    assert_eq!(ground.notes("d").await, 0);
}

#[tokio::test]
async fn what_was_not_shown_is_not_decided() {
    let ground = Ground::new().await;
    let gateway = ground.gateway("requester");
    let (approval, other) =
        (ask(&gateway, &ann(), insert("e")).await, ask(&gateway, &ann(), insert("f")).await);
    for decision in [Decision::Approve, refuse("no")] {
        let shown = other.digest().unwrap();
        let refusal = gateway.decide(&ann(), approval.id, decision, &shown).await.unwrap_err();
        assert_eq!(rule(&refusal), ("42501", "approval.changed"));
    }
    assert_eq!(ground.state(approval.id).await, ApprovalState::Pending);
    let shown = approval.digest().unwrap();
    gateway.decide(&ann(), approval.id, Decision::Approve, &shown).await.unwrap();
    assert_eq!(ground.state(approval.id).await, ApprovalState::Approved);
}
