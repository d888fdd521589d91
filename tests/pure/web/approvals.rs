//! A person's word: who sees what is to be approved, whose word counts, and when nothing changes.

use std::time::Duration;

use pgwarden::approvals::{ApprovalRule, ApprovalSettings};

use super::house::House;

const STATEMENT: &str = "UPDATE shop.orders SET note = $2\nWHERE id = $1";

#[tokio::test]
async fn a_person_approves_what_they_were_shown() {
    let house = House::open().await;
    let id = house.approval("ann", ApprovalRule::Requester, STATEMENT).await;
    let path = format!("/approvals/{id}");
    let mut browser = house.browser();
    let login = browser.open(&path).await;
    assert_eq!(login.location(), format!("/login?next=%2Fapprovals%2F{id}"));
    let to = login.location().to_owned();
    assert_eq!(browser.log_in(&to, "ann", super::house::PASSWORD).await.location(), path);
    let page = browser.open(&path).await;
    for shown in [
        "<li>UPDATE shop.orders SET note = $2</li><li>WHERE id = $1</li>",
        "<code>$1</code> is <code class=\"value\">7</code>",
        "<code>$2</code> is NULL",
        "shop_writer",
        "demo",
        "at the most 10",
        "A Program",
        "audit AFTER UPDATE",
        "expires in",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(browser.open("/approvals").await.text.contains(&path));
    let approved = browser.submit(&page.form(&format!("{path}/approve"))).await;
    assert_eq!(approved.location(), path);
    assert_eq!(house.state(id).await, ("approved", 1));
    let page = browser.open(&path).await;
    assert!(page.text.contains("Approved") && page.forms().is_empty());
}

#[tokio::test]
async fn a_refusal_has_a_reason() {
    let house = House::open().await;
    let id = house.approval("ann", ApprovalRule::Requester, STATEMENT).await;
    let mut browser = house.browser_of("ann").await;
    let path = format!("/approvals/{id}");
    let form = browser.open(&path).await.form(&format!("{path}/refuse"));
    let reason = "not <b>today</b>\u{202e}";
    assert_eq!(browser.submit(&form.with("reason", reason)).await.location(), path);
    assert_eq!(house.state(id).await, ("refused", 0));
    let page = browser.open(&path).await;
    assert!(
        page.text.contains("not &lt;b&gt;today&lt;/b&gt;") && !page.text.contains('\u{202e}'),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn for_others_it_is_not_there() {
    let house = House::open().await;
    let id = house.approval("ann", ApprovalRule::Requester, STATEMENT).await;
    let mut ann = house.browser_of("ann").await;
    let mut bob = house.browser_of("bob").await;
    let mut unknown = bob.open("/approvals/00000000000000000000000000000000").await;
    let foreign = bob.open(&format!("/approvals/{id}")).await;
    assert_eq!((foreign.status, foreign.text.as_str()), (404, unknown.text.as_str()));
    unknown.text.clear();
    assert!(bob.open("/approvals").await.text.contains("Nothing waits"));

    // With the requester's own form in the wrong person's browser.
    let form = ann.open(&format!("/approvals/{id}")).await.form(&format!("/approvals/{id}/approve"));
    assert_eq!(bob.submit(&form).await.status, 403);
    assert_eq!(house.browser().submit(&form).await.status, 403, "nobody's browser");
    assert_eq!(house.state(id).await, ("pending", 0));
    assert_eq!(ann.submit(&form).await.status, 303);
}

#[tokio::test]
async fn a_token_is_for_one_answer_to_one_approval_in_one_session() {
    let house = House::open().await;
    let (one, two) = (
        house.approval("ann", ApprovalRule::Requester, STATEMENT).await,
        house.approval("ann", ApprovalRule::Requester, "DELETE FROM shop.orders").await,
    );
    let mut ann = house.browser_of("ann").await;
    let page = ann.open(&format!("/approvals/{one}")).await;
    let approve = page.form(&format!("/approvals/{one}/approve"));
    let refuse = page.form(&format!("/approvals/{one}/refuse"));
    let mut swapped = approve.clone();
    swapped.action = format!("/approvals/{two}/approve");
    assert_eq!(ann.submit(&swapped).await.status, 403, "another approval");
    let mut turned = refuse.clone();
    turned.action = format!("/approvals/{one}/approve");
    assert_eq!(ann.submit(&turned).await.status, 403, "another answer");
    for token in ["", "x", &approve.field("token")[1..]] {
        assert_eq!(ann.submit(&approve.clone().with("token", token)).await.status, 403);
    }
    let mut other = house.browser_of("ann").await;
    assert_eq!(other.submit(&approve).await.status, 403, "another session of the same person");
    assert_eq!((house.state(one).await, house.state(two).await), (("pending", 0), ("pending", 0)));
    assert_eq!(ann.submit(&approve).await.status, 303);
    assert_eq!(ann.submit(&approve).await.status, 303, "said again, it changes nothing");
    assert_eq!(ann.submit(&refuse).await.status, 303, "too late");
    assert_eq!(house.state(one).await, ("approved", 1));
}

#[tokio::test]
async fn two_people_approve_and_an_approver_sees_what_others_ask() {
    let house = House::open().await;
    let id = house.approval("ann", ApprovalRule::Two, STATEMENT).await;
    let path = format!("/approvals/{id}");
    let (mut ann, mut boss) = (house.browser_of("ann").await, house.browser_of("boss").await);
    let form = ann.open(&path).await.form(&format!("{path}/approve"));
    ann.submit(&form).await;
    assert_eq!(house.state(id).await, ("pending", 1));
    let page = ann.open(&path).await;
    assert!(page.forms().is_empty() && page.text.contains("one more person"), "{}", page.text);
    let again = ann.submit(&form).await;
    assert_eq!(again.status, 409);
    assert_eq!(house.state(id).await, ("pending", 1), "one person, twice");
    let form = boss.open(&path).await.form(&format!("{path}/approve"));
    boss.submit(&form).await;
    assert_eq!(house.state(id).await, ("approved", 2));
}

#[tokio::test]
async fn after_its_time_nothing_is_approved() {
    let ttl = Duration::from_millis(1500);
    let house = House::with(|_| {}, ApprovalSettings { ttl, ..ApprovalSettings::default() }).await;
    let mut ann = house.browser_of("ann").await;
    let id = house.approval("ann", ApprovalRule::Requester, STATEMENT).await;
    let path = format!("/approvals/{id}");
    let form = ann.open(&path).await.form(&format!("{path}/approve"));
    tokio::time::sleep(ttl).await;
    assert_eq!(ann.submit(&form).await.location(), path);
    assert_eq!(house.state(id).await, ("expired", 0));
    let page = ann.open(&path).await;
    assert!(page.text.contains("Expired") && page.forms().is_empty());
}

#[tokio::test]
async fn what_a_statement_hides_is_seen_and_nothing_of_it_is_left_out() {
    let house = House::open().await;
    let long: String = (0..400).map(|n| format!("-- line {n}\n")).collect();
    let statement =
        format!("{long}UPDATE shop.orders SET note = '\u{202e}evil\u{200b}' WHERE p\u{430}id = '<script>'");
    let id = house.approval("ann", ApprovalRule::Requester, &statement).await;
    let page = house.browser_of("ann").await.open(&format!("/approvals/{id}")).await;
    for shown in ["line 0<", "line 399<", "U+202E", "U+200B", "U+0430", "3 characters", "&lt;script&gt;"] {
        assert!(page.text.contains(shown), "{shown}");
    }
    assert!(!page.text.contains(['\u{202e}', '\u{200b}']) && !page.text.contains("<script"));
}
