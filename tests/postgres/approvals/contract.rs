//! What a store promises, whichever it is: each function runs against both.

use std::time::Duration;

use futures_util::future::join_all;
use pgwarden::approvals::{
    ApprovalRule, ApprovalSettings, ApprovalState, ApprovalStore, MemoryApprovals, Word,
};

use super::{asked, person, short, store};
use crate::support::{Database, Template};

macro_rules! contract {
    ($($name:ident: $settings:expr;)*) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test]
                async fn in_memory() {
                    super::$name(&MemoryApprovals::new($settings)).await;
                }

                #[tokio::test]
                async fn in_postgresql() {
                    let database = Database::create(Template::Empty).await;
                    super::$name(&store(&database, $settings).await).await;
                }
            }
        )*
    };
}

contract! {
    one_person_approves_and_one_use_is_made_of_it: ApprovalSettings::default();
    two_people_are_two: ApprovalSettings::default();
    of_a_hundred_one_takes_it: ApprovalSettings::default();
    of_many_decisions_at_once_one_counts: ApprovalSettings::default();
    what_is_refused_stays_so: ApprovalSettings::default();
    another_digest_takes_nothing: ApprovalSettings::default();
    its_time_ends_it: short(400);
    what_ended_long_ago_is_forgotten: ApprovalSettings { kept: Duration::ZERO, ..short(300) };
    open_ones_are_bounded: ApprovalSettings { open: 5, open_per_requester: 3, ..ApprovalSettings::default() };
    what_nobody_reads_is_refused: ApprovalSettings { bytes: 60, ..ApprovalSettings::default() };
    changes_are_told: ApprovalSettings::default();
}

const REFUSE: fn(&str) -> Word = |reason| Word::Refuse { reason: reason.to_owned() };

async fn state(store: &dyn ApprovalStore, id: pgwarden::approvals::ApprovalId) -> ApprovalState {
    store.find(id).await.unwrap().unwrap().state
}

async fn one_person_approves_and_one_use_is_made_of_it(store: &dyn ApprovalStore) {
    let new = asked("ann", ApprovalRule::Requester);
    let digest = new.asked.binding.digest();
    let made = store.create(new.clone()).await.unwrap();
    assert_eq!((made.state, &made.asked), (ApprovalState::Pending, &new.asked));
    let ttl = (made.expires - made.created).to_std().unwrap();
    assert_eq!(ttl, store.settings().ttl);
    assert_eq!(store.find(new.id).await.unwrap(), Some(made.clone()));
    assert_eq!(store.pending(None).await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(store.pending(Some(&person("ann"))).await.unwrap(), [made]);
    assert_eq!(store.pending(Some(&person("bob"))).await.unwrap(), []);
    assert!(!store.take(new.id, digest).await.unwrap(), "nobody has approved it");
    assert!(store.decide(new.id, &person("ann"), &Word::Approve).await.unwrap());
    let approved = store.find(new.id).await.unwrap().unwrap();
    assert_eq!((approved.state, approved.approved_by), (ApprovalState::Approved, vec![person("ann")]));
    assert_eq!(store.pending(None).await.unwrap(), []);
    assert!(store.take(new.id, digest).await.unwrap());
    assert!(!store.take(new.id, digest).await.unwrap());
    for word in [Word::Approve, REFUSE("late")] {
        assert!(!store.decide(new.id, &person("bob"), &word).await.unwrap());
    }
    let used = store.find(new.id).await.unwrap().unwrap();
    assert_eq!((used.state, used.refused_by), (ApprovalState::Used, None));
    assert_eq!(store.find(asked("ann", ApprovalRule::Two).id).await.unwrap(), None);
}

async fn two_people_are_two(store: &dyn ApprovalStore) {
    let new = asked("ann", ApprovalRule::Two);
    let digest = new.asked.binding.digest();
    store.create(new.clone()).await.unwrap();
    assert!(store.decide(new.id, &person("ann"), &Word::Approve).await.unwrap());
    assert!(!store.decide(new.id, &person("ann"), &Word::Approve).await.unwrap(), "the same person");
    assert_eq!(state(store, new.id).await, ApprovalState::Pending);
    assert!(!store.take(new.id, digest).await.unwrap());
    assert!(store.decide(new.id, &person("bob"), &Word::Approve).await.unwrap());
    let approved = store.find(new.id).await.unwrap().unwrap();
    assert_eq!(
        (approved.state, approved.approved_by),
        (ApprovalState::Approved, vec![person("ann"), person("bob")])
    );
    assert!(store.take(new.id, digest).await.unwrap());
    // The second may refuse what the first approved.
    let other = asked("ann", ApprovalRule::Two);
    store.create(other.clone()).await.unwrap();
    assert!(store.decide(other.id, &person("ann"), &Word::Approve).await.unwrap());
    assert!(store.decide(other.id, &person("bob"), &REFUSE("no")).await.unwrap());
    assert_eq!(state(store, other.id).await, ApprovalState::Refused);
}

async fn of_a_hundred_one_takes_it(store: &dyn ApprovalStore) {
    let new = asked("ann", ApprovalRule::Requester);
    let digest = new.asked.binding.digest();
    store.create(new.clone()).await.unwrap();
    store.decide(new.id, &person("ann"), &Word::Approve).await.unwrap();
    let taken = join_all((0..100).map(|_| store.take(new.id, digest))).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
}

async fn of_many_decisions_at_once_one_counts(store: &dyn ApprovalStore) {
    for rule in [ApprovalRule::Requester, ApprovalRule::Two] {
        let new = asked("ann", rule);
        store.create(new.clone()).await.unwrap();
        let people: Vec<_> = (0..20).map(|number| person(&format!("p{number}"))).collect();
        let decide = people.iter().map(|person| store.decide(new.id, person, &Word::Approve));
        let counted = join_all(decide).await.into_iter().filter(|counts| *counts.as_ref().unwrap()).count();
        let after = store.find(new.id).await.unwrap().unwrap();
        assert_eq!((counted, after.approved_by.len()), (rule.people(), rule.people()));
        assert_eq!((after.state, after.is_approved()), (ApprovalState::Approved, true));
        assert!(!store.decide(new.id, &person("q"), &REFUSE("late")).await.unwrap(), "it is decided");
    }
    // The same person twice at once is one person.
    let new = asked("ann", ApprovalRule::Two);
    store.create(new.clone()).await.unwrap();
    let ann = person("ann");
    let twice = join_all((0..10).map(|_| store.decide(new.id, &ann, &Word::Approve))).await;
    assert_eq!(twice.into_iter().filter(|counts| *counts.as_ref().unwrap()).count(), 1);
    assert_eq!(state(store, new.id).await, ApprovalState::Pending);
}

async fn what_is_refused_stays_so(store: &dyn ApprovalStore) {
    let new = asked("ann", ApprovalRule::Requester);
    store.create(new.clone()).await.unwrap();
    assert!(store.decide(new.id, &person("ann"), &REFUSE("wrong year")).await.unwrap());
    for word in [Word::Approve, REFUSE("again")] {
        assert!(!store.decide(new.id, &person("ann"), &word).await.unwrap());
    }
    assert!(!store.take(new.id, new.asked.binding.digest()).await.unwrap());
    let refused = store.find(new.id).await.unwrap().unwrap();
    assert_eq!(refused.state, ApprovalState::Refused);
    assert_eq!(refused.refused_by, Some((person("ann"), "wrong year".to_owned())));
    assert_eq!(refused.approved_by, []);
}

async fn another_digest_takes_nothing(store: &dyn ApprovalStore) {
    let new = asked("ann", ApprovalRule::Requester);
    store.create(new.clone()).await.unwrap();
    store.decide(new.id, &person("ann"), &Word::Approve).await.unwrap();
    assert!(!store.take(new.id, [0; 32]).await.unwrap());
    assert!(store.take(new.id, new.asked.binding.digest()).await.unwrap());
}

async fn its_time_ends_it(store: &dyn ApprovalStore) {
    let (pending, approved) = (asked("ann", ApprovalRule::Requester), asked("ann", ApprovalRule::Requester));
    store.create(pending.clone()).await.unwrap();
    store.create(approved.clone()).await.unwrap();
    assert!(store.decide(approved.id, &person("ann"), &Word::Approve).await.unwrap());
    assert_eq!(store.expire().await.unwrap(), []);
    tokio::time::sleep(store.settings().ttl + Duration::from_millis(50)).await;
    for id in [pending.id, approved.id] {
        assert_eq!(state(store, id).await, ApprovalState::Expired, "before anybody has looked for it");
    }
    assert_eq!(store.pending(None).await.unwrap(), []);
    assert!(!store.decide(pending.id, &person("ann"), &Word::Approve).await.unwrap());
    assert!(!store.decide(pending.id, &person("ann"), &REFUSE("late")).await.unwrap());
    assert!(!store.take(approved.id, approved.asked.binding.digest()).await.unwrap());
    let expired = store.expire().await.unwrap();
    assert_eq!(expired.len(), 2);
    assert!(expired.iter().all(|one| one.state == ApprovalState::Expired), "{expired:?}");
    assert_eq!(store.expire().await.unwrap(), [], "each is told of once");
    assert_eq!(state(store, approved.id).await, ApprovalState::Expired);
}

async fn what_ended_long_ago_is_forgotten(store: &dyn ApprovalStore) {
    let new = asked("ann", ApprovalRule::Requester);
    store.create(new.clone()).await.unwrap();
    store.decide(new.id, &person("ann"), &REFUSE("no")).await.unwrap();
    store.expire().await.unwrap();
    assert_eq!(state(store, new.id).await, ApprovalState::Refused);
    tokio::time::sleep(store.settings().ttl + Duration::from_millis(50)).await;
    assert_eq!(store.expire().await.unwrap(), [], "it was refused before");
    assert_eq!(store.find(new.id).await.unwrap(), None);
}

async fn open_ones_are_bounded(store: &dyn ApprovalStore) {
    let create = async |subject: &str| store.create(asked(subject, ApprovalRule::Requester)).await;
    let mut anns = Vec::new();
    for made in join_all((0..6).map(|_| create("ann"))).await {
        match made {
            Ok(made) => anns.push(made.id),
            Err(refusal) => {
                assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.approvals"), true));
                assert!(refusal.message.starts_with("3 of your writes wait"), "{refusal}");
            }
        }
    }
    assert_eq!(anns.len(), 3, "at once, too");
    for subject in ["bob", "cid"] {
        create(subject).await.unwrap();
    }
    let refusal = create("dan").await.unwrap_err();
    assert!(refusal.message.starts_with("5 writes of all callers wait"), "{refusal}");
    store.decide(anns[0], &person("ann"), &REFUSE("no")).await.unwrap();
    create("dan").await.unwrap();
}

async fn what_nobody_reads_is_refused(store: &dyn ApprovalStore) {
    let mut new = asked("ann", ApprovalRule::Requester);
    new.asked.binding.params = vec![Some("x".repeat(100))];
    let refusal = store.create(new.clone()).await.unwrap_err();
    assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.approvals"), false));
    assert_eq!(store.find(new.id).await.unwrap(), None);
}

async fn changes_are_told(store: &dyn ApprovalStore) {
    let mut changes = store.changes();
    let new = asked("ann", ApprovalRule::Requester);
    store.create(new.clone()).await.unwrap();
    store.decide(new.id, &person("ann"), &Word::Approve).await.unwrap();
    store.take(new.id, new.asked.binding.digest()).await.unwrap();
    for step in ["created", "approved", "used"] {
        let told = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await;
        assert_eq!(told.expect(step).unwrap(), new.id, "{step}");
    }
}
