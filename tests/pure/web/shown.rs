//! A word is for what its page has shown, and for nothing else.

use pgwarden::approvals::ApprovalRule;

use super::house::House;

const STATEMENT: &str = "UPDATE shop.orders SET note = NULL WHERE id = 1";

#[tokio::test]
async fn a_word_for_what_was_not_shown_decides_nothing() {
    let house = House::open().await;
    let (one, other) = (
        house.approval("ann", ApprovalRule::Requester, STATEMENT).await,
        house.approval("ann", ApprovalRule::Requester, "DELETE FROM shop.orders").await,
    );
    let mut ann = house.browser_of("ann").await;
    let path = format!("/approvals/{one}");
    let page = ann.open(&path).await;
    let of_other = ann.open(&format!("/approvals/{other}")).await;
    let of_other = of_other.form(&format!("/approvals/{other}/approve")).field("shown").to_owned();
    for answer in ["approve", "refuse"] {
        let form = page.form(&format!("{path}/{answer}"));
        assert_eq!(form.field("shown").len(), 64);
        for shown in ["", "x", &"0".repeat(64), &of_other] {
            let said = ann.submit(&form.clone().with("shown", shown)).await;
            assert_eq!(said.status, 409, "{answer} {shown}");
            assert!(said.text.contains("what was shown is not what would be approved"), "{}", said.text);
        }
    }
    assert_eq!((house.state(one).await, house.state(other).await), (("pending", 0), ("pending", 0)));
    ann.submit(&page.form(&format!("{path}/approve"))).await;
    assert_eq!(house.state(one).await, ("approved", 1));
}

/// What came of it is not part of it: who has the page open is not too late.
#[tokio::test]
async fn another_person_s_word_changes_nothing_of_what_was_shown() {
    let house = House::open().await;
    let id = house.approval("ann", ApprovalRule::Two, STATEMENT).await;
    let path = format!("/approvals/{id}");
    let (mut ann, mut boss) = (house.browser_of("ann").await, house.browser_of("boss").await);
    let form = boss.open(&path).await.form(&format!("{path}/approve"));
    let first = ann.open(&path).await.form(&format!("{path}/approve"));
    ann.submit(&first).await;
    assert_eq!(boss.submit(&form).await.location(), path);
    assert_eq!(house.state(id).await, ("approved", 2));
}
