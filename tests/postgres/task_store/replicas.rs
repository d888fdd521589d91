//! Several processes on one store.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use pgwarden::tasks::{End, NewTask, Owner, PostgresStore, State, Store, TaskId, TaskSettings};

use super::{LOST, holder, owner, replica, store, task};
use crate::support::{Database, Template, until};

const PER_OWNER: usize = 1_000;

async fn claim_all(store: &PostgresStore) -> Vec<TaskId> {
    let holder = holder();
    let mut claimed = Vec::new();
    while let Some(work) = store.claim(holder, PER_OWNER).await.unwrap() {
        claimed.push(work.task.id);
    }
    claimed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_task_is_claimed_twice_and_none_is_left() {
    let database = Database::create(Template::Empty).await;
    let one = store(&database, TaskSettings::default()).await;
    let two = replica(&database, TaskSettings::default()).await;
    let owners = [owner("a"), owner("b"), owner("c")];
    let mut created = HashSet::new();
    for at in 0..500 {
        created.insert(one.create(task(&owners[at % 3])).await.unwrap().id);
    }
    let all = tokio::join!(
        claim_all(&one),
        claim_all(&two),
        claim_all(&one),
        claim_all(&two),
        claim_all(&one),
        claim_all(&two)
    );
    let claimed = [all.0, all.1, all.2, all.3, all.4, all.5].concat();
    assert_eq!(claimed.len(), 500);
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), created);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quotas_hold_across_replicas() {
    let database = Database::create(Template::Empty).await;
    let settings = TaskSettings { open: 30, open_per_owner: 10, ..TaskSettings::default() };
    let one = store(&database, settings.clone()).await;
    let two = replica(&database, settings).await;
    let owners = ["a", "b", "c", "d"].map(owner);
    let create = async |store: &PostgresStore, owners: &[Owner]| {
        let mut created = 0;
        for at in 0..40 {
            created += usize::from(store.create(task(&owners[at % owners.len()])).await.is_ok());
        }
        created
    };
    // All want one owner's places, then the last ones of all.
    for (owners, places) in [(&owners[..1], 10), (&owners[..], 20)] {
        let created = tokio::join!(
            create(&one, owners),
            create(&two, owners),
            create(&one, owners),
            create(&two, owners),
            create(&one, owners),
            create(&two, owners)
        );
        assert_eq!(created.0 + created.1 + created.2 + created.3 + created.4 + created.5, places);
    }
    for owner in &owners {
        assert!(one.list(owner, None, 50).await.unwrap().len() <= 10);
    }
}

#[tokio::test]
async fn what_a_dead_holder_had_is_taken_over() {
    let database = Database::create(Template::Empty).await;
    let one = store(&database, TaskSettings::default()).await;
    let two = replica(&database, TaskSettings::default()).await;
    let (owner, dead, lives) = (owner("ada"), holder(), holder());
    one.beat(dead, LOST).await.unwrap();
    let runs = one.create(task(&owner)).await.unwrap();
    one.claim(dead, 9).await.unwrap().unwrap();
    let paged = one.create(NewTask { holder: Some(dead), ..task(&owner) }).await.unwrap();
    let end = End::Completed { answer: String::new(), pages: Some(String::new()) };
    assert!(one.finish(dead, paged.id, end).await.unwrap());
    two.beat(lives, LOST).await.unwrap();
    assert_eq!(two.get(&owner, runs.id).await.unwrap().unwrap().state, State::Running, "it beat just now");
    until("it is taken over", || async {
        two.beat(lives, LOST).await.unwrap();
        (two.get(&owner, runs.id).await.unwrap().unwrap().state == State::Queued).then_some(())
    })
    .await;
    assert_eq!(two.get(&owner, paged.id).await.unwrap().unwrap().pages.end.as_deref(), Some(LOST));
    let work = two.claim(lives, 9).await.unwrap().unwrap();
    assert_eq!((work.task.id, work.again), (runs.id, true));
    // Should it only have slept, it finds that the task is another one's.
    assert!(!one.finish(dead, runs.id, End::Failed { reason: String::new() }).await.unwrap());
    assert!(two.finish(lives, runs.id, End::Failed { reason: String::new() }).await.unwrap());
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_claimed_again() {
    let database = Database::create(Template::Empty).await;
    let one = store(&database, TaskSettings::default()).await;
    let (owner, holder) = (owner("ada"), holder());
    let new = one.create(task(&owner)).await.unwrap();
    let known = one.create(NewTask { holder: Some(holder), ..task(&owner) }).await.unwrap();
    // As it stands when the connection breaks between the commit and its answer.
    let lost = replica(&database, TaskSettings::default()).await;
    lost.claim(holder, 9).await.unwrap().unwrap();
    until("it is in the queue again", || async {
        one.beat(holder, LOST).await.unwrap();
        (one.get(&owner, new.id).await.unwrap().unwrap().state == State::Queued).then_some(())
    })
    .await;
    assert_eq!(one.get(&owner, known.id).await.unwrap().unwrap().state, State::Running);
}

#[tokio::test]
async fn changes_reach_the_other_replica() {
    let database = Database::create(Template::Empty).await;
    let one = store(&database, TaskSettings::default()).await;
    let two = replica(&database, TaskSettings::default()).await;
    let mut changes = two.changes();
    let new = one.create(task(&owner("ada"))).await.unwrap();
    one.cancel(&owner("ada"), new.id, "cancelled").await.unwrap();
    let started = Instant::now();
    for cancelled in [false, true] {
        let change = tokio::time::timeout(Duration::from_millis(500), changes.recv()).await.unwrap().unwrap();
        assert_eq!((change.id, change.cancelled), (new.id, cancelled));
    }
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
}
