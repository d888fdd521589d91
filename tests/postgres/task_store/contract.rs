//! What a store promises, whichever it is: each function runs against all of them.

use std::time::Duration;

use pgwarden::tasks::{Cancel, End, MemoryStore, NewTask, State, Store, TaskId, TaskSettings};

use super::{LOST, PACE, holder, owner, store, task};
use crate::support::{Database, Template, until};

macro_rules! contract {
    ($($name:ident: $settings:expr;)*) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test]
                async fn in_memory() {
                    super::$name(&MemoryStore::paced($settings, PACE)).await;
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
pub(super) use contract;

contract! {
    a_task_lives_from_its_creation_to_its_end: TaskSettings::default();
    of_another_owner_there_is_nothing: TaskSettings::default();
    operators_see_what_is_open_of_everybody: TaskSettings::default();
    either_cancel_or_finish_wins: TaskSettings::default();
    an_owner_with_a_long_queue_starves_nobody: TaskSettings::default();
    a_list_goes_from_the_newest_on: TaskSettings::default();
    open_tasks_are_bounded: TaskSettings { open: 5, open_per_owner: 3, ..TaskSettings::default() };
    a_holder_that_ends_hands_its_tasks_over: TaskSettings::default();
    a_task_is_not_begun_for_ever: TaskSettings::default();
    what_has_expired_is_forgotten: TaskSettings::default();
    a_forgotten_owner_has_nothing: TaskSettings::default();
    only_the_holder_changes_a_task: TaskSettings::default();
    changes_are_told: TaskSettings::default();
}

async fn a_task_lives_from_its_creation_to_its_end(store: &dyn Store) {
    let (owner, holder) = (owner("ada"), holder());
    let new = task(&owner);
    let created = store.create(new.clone()).await.unwrap();
    assert_eq!((created.state, created.message.as_str(), created.listed), (State::Queued, "waits", true));
    assert_eq!(store.get(&owner, new.id).await.unwrap(), Some(created.clone()));
    assert_eq!(store.same(&owner, [3; 32]).await.unwrap().unwrap().id, new.id);
    assert_eq!(store.same(&owner, [4; 32]).await.unwrap(), None);
    let work = store.claim(holder, 1).await.unwrap().unwrap();
    assert_eq!((work.task.id, work.task.state, work.again), (new.id, State::Running, false));
    assert_eq!((work.task.question.as_str(), work.task.fingerprint), (new.question.as_str(), [3; 32]));
    assert_eq!((work.task.ttl, work.task.created_at), (new.ttl, created.created_at));
    assert!(store.claim(holder, 1).await.unwrap().is_none(), "nothing else is queued");
    assert!(store.note(holder, new.id, "reads rows").await.unwrap());
    assert!(!store.note(holder, new.id, "reads rows").await.unwrap(), "that is no change");
    let running = store.get(&owner, new.id).await.unwrap().unwrap();
    assert_eq!((running.state, running.message.as_str()), (State::Running, "reads rows"));
    let end = End::Completed { answer: "42 ☃".to_owned(), pages: None };
    assert!(store.finish(holder, new.id, end.clone()).await.unwrap());
    assert!(!store.finish(holder, new.id, end).await.unwrap(), "it ends once");
    let ended = store.get(&owner, new.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.answer.as_deref()), (State::Completed, Some("42 ☃")));
    assert!(ended.updated_at >= ended.created_at);
    assert_eq!(store.same(&owner, [3; 32]).await.unwrap(), None, "the same only while it is open");
    assert!(
        matches!(store.cancel(&owner, new.id, "cancelled").await.unwrap(), Cancel::TooLate(task) if task == ended)
    );
    // One that its holder makes, and that fails.
    let own = NewTask { holder: Some(holder), ..task(&owner) };
    assert_eq!(store.create(own.clone()).await.unwrap().state, State::Running);
    assert!(store.finish(holder, own.id, End::Failed { reason: "no".to_owned() }).await.unwrap());
    let failed = store.get(&owner, own.id).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.answer.as_deref()), (State::Failed, Some("no")));
}

async fn operators_see_what_is_open_of_everybody(store: &dyn Store) {
    let holder = holder();
    let mut made = Vec::new();
    for name in ["ada", "eve", "zoe"] {
        let open = NewTask { holder: (name == "eve").then_some(holder), ..task(&owner(name)) };
        store.create(open.clone()).await.unwrap();
        made.push((open.id, name.to_owned()));
        let ended = NewTask { holder: Some(holder), ..task(&owner(name)) };
        store.create(ended.clone()).await.unwrap();
        assert!(store.finish(holder, ended.id, End::Failed { reason: "no".to_owned() }).await.unwrap());
        store.create(NewTask { listed: false, ..task(&owner(name)) }).await.unwrap();
    }
    let seen = async |most| {
        let open = store.open(most).await.unwrap().into_iter();
        open.map(|task| (task.id, task.owner.subject)).collect::<Vec<_>>()
    };
    assert_eq!(seen(10).await, made, "the oldest first");
    assert_eq!(seen(2).await, made[..2]);
    let cancelled = store.cancel(&owner("ada"), made[0].0, "cancelled by an operator").await.unwrap();
    assert!(matches!(cancelled, Cancel::Done(task) if task.message == "cancelled by an operator"));
    assert_eq!(seen(10).await, made[1..]);
}

async fn of_another_owner_there_is_nothing(store: &dyn Store) {
    let (ada, holder) = (owner("ada"), holder());
    let (queued, done) = (task(&ada), NewTask { holder: Some(holder), ..task(&ada) });
    store.create(queued.clone()).await.unwrap();
    store.create(done.clone()).await.unwrap();
    let end = End::Completed { answer: String::new(), pages: Some("header".to_owned()) };
    assert!(store.finish(holder, done.id, end).await.unwrap());
    assert!(store.append(holder, done.id, vec![1]).await.unwrap());
    let strangers = [
        owner("eve"),
        pgwarden::tasks::Owner { issuer: String::new(), ..ada.clone() },
        pgwarden::tasks::Owner { client: "another".to_owned(), ..ada.clone() },
    ];
    for stranger in strangers {
        store.create(NewTask { fingerprint: [9; 32], ..task(&stranger) }).await.unwrap();
        for id in [queued.id, done.id, TaskId::random().unwrap()] {
            assert_eq!(store.get(&stranger, id).await.unwrap(), None);
            assert_eq!(store.chunk(&stranger, id, 0).await.unwrap(), None);
            assert_eq!(store.cancel(&stranger, id, "cancelled").await.unwrap(), Cancel::Unknown);
            assert!(store.list(&stranger, Some(id), 10).await.unwrap().is_empty());
        }
        assert_eq!(store.list(&stranger, None, 10).await.unwrap().len(), 1);
        assert_eq!(store.same(&stranger, [3; 32]).await.unwrap(), None);
        store.forget(&stranger).await.unwrap();
    }
    assert_eq!(store.list(&ada, None, 10).await.unwrap().len(), 2);
    assert_eq!(store.get(&ada, queued.id).await.unwrap().unwrap().state, State::Queued);
}

async fn either_cancel_or_finish_wins(store: &dyn Store) {
    let (owner, holder) = (owner("ada"), holder());
    for round in 0..200_u32 {
        let new = NewTask { holder: Some(holder), ..task(&owner) };
        store.create(new.clone()).await.unwrap();
        let end = End::Completed { answer: "yes".to_owned(), pages: None };
        let cancel = async {
            tokio::time::sleep(Duration::from_micros(u64::from(round % 8) * 100)).await;
            store.cancel(&owner, new.id, "cancelled").await.unwrap()
        };
        let (cancelled, finished) = tokio::join!(cancel, store.finish(holder, new.id, end));
        let task = store.get(&owner, new.id).await.unwrap().unwrap();
        match cancelled {
            Cancel::Done(cancelled) => {
                assert!(!finished.unwrap());
                assert_eq!((cancelled.state, task.state), (State::Cancelled, State::Cancelled));
                assert_eq!(task.answer, None);
            }
            Cancel::TooLate(late) => {
                assert!(finished.unwrap());
                assert_eq!((late.state, task.state), (State::Completed, State::Completed));
                assert_eq!(task.answer.as_deref(), Some("yes"));
            }
            Cancel::Unknown => panic!("it is there"),
        }
    }
}

async fn an_owner_with_a_long_queue_starves_nobody(store: &dyn Store) {
    let (many, few, holder) = (owner("many"), owner("few"), holder());
    for _ in 0..999 {
        store.create(task(&many)).await.unwrap();
    }
    let last = store.create(task(&many)).await.unwrap();
    let one = store.create(task(&few)).await.unwrap();
    let two = store.create(task(&few)).await.unwrap();
    assert_eq!(store.ahead(&last).await.unwrap(), 999 + 2);
    assert_eq!(store.ahead(&one).await.unwrap(), 1, "one of the other's has its turn at most");
    let mut claimed = Vec::new();
    for _ in 0..4 {
        claimed.push(store.claim(holder, 2).await.unwrap().unwrap().task);
    }
    let owners: Vec<&str> = claimed.iter().map(|task| task.owner.subject.as_str()).collect();
    assert_eq!(owners.iter().filter(|owner| **owner == "few").count(), 2, "{owners:?}");
    let of_few: Vec<TaskId> = claimed.iter().filter(|task| task.owner == few).map(|task| task.id).collect();
    assert_eq!(of_few, [one.id, two.id], "the oldest first");
    assert!(store.claim(holder, 2).await.unwrap().is_none(), "both have as many running as they may");
    // Of two with as many running, the one whose turn is longer ago.
    for task in &claimed {
        let end = End::Completed { answer: String::new(), pages: None };
        assert!(store.finish(holder, task.id, end).await.unwrap());
    }
    store.create(task(&few)).await.unwrap();
    let first = store.claim(holder, 2).await.unwrap().unwrap().task.owner;
    let second = store.claim(holder, 2).await.unwrap().unwrap().task.owner;
    assert_ne!(first, second);
    assert_eq!(first, claimed[2].owner, "claimed less recently than {}", claimed[3].owner.subject);
}

async fn a_list_goes_from_the_newest_on(store: &dyn Store) {
    let owner = owner("ada");
    let mut ids = Vec::new();
    for at in 0..5 {
        let new = NewTask { listed: at != 2, ..task(&owner) };
        store.create(new.clone()).await.unwrap();
        ids.push(new.id);
    }
    let list = async |before, most| -> Vec<TaskId> {
        store.list(&owner, before, most).await.unwrap().iter().map(|task| task.id).collect()
    };
    assert_eq!(list(None, 10).await, [ids[4], ids[3], ids[1], ids[0]]);
    assert_eq!(list(None, 2).await, [ids[4], ids[3]]);
    assert_eq!(list(Some(ids[3]), 1).await, [ids[1]]);
    assert!(list(Some(ids[0]), 9).await.is_empty());
}

async fn open_tasks_are_bounded(store: &dyn Store) {
    let (ada, bob, holder) = (owner("ada"), owner("bob"), holder());
    for _ in 0..3 {
        store.create(task(&ada)).await.unwrap();
    }
    let refusal = store.create(task(&ada)).await.unwrap_err();
    assert_eq!(refusal.message, "you have 3 tasks that have not ended, the most that there may be");
    assert_eq!((refusal.sqlstate.as_str(), refusal.retryable), ("53400", true));
    let one = store.create(task(&bob)).await.unwrap();
    store.create(task(&bob)).await.unwrap();
    let refusal = store.create(task(&bob)).await.unwrap_err();
    assert_eq!(refusal.message, "the server has 5 tasks that have not ended, the most that there may be");
    assert!(matches!(store.cancel(&bob, one.id, "cancelled").await.unwrap(), Cancel::Done(_)));
    let held = store.create(NewTask { holder: Some(holder), ..task(&bob) }).await.unwrap();
    store.create(task(&bob)).await.unwrap_err();
    assert!(store.finish(holder, held.id, End::Failed { reason: String::new() }).await.unwrap());
    store.create(task(&bob)).await.unwrap();
    store.forget(&ada).await.unwrap();
    for _ in 0..3 {
        store.create(task(&ada)).await.unwrap();
    }
}

async fn a_holder_that_ends_hands_its_tasks_over(store: &dyn Store) {
    let (owner, ends, other) = (owner("ada"), holder(), holder());
    store.beat(ends, LOST).await.unwrap();
    let first = store.create(task(&owner)).await.unwrap();
    let waits = store.create(task(&owner)).await.unwrap();
    assert_eq!(store.claim(ends, 9).await.unwrap().unwrap().task.id, first.id);
    let paged = store.create(NewTask { holder: Some(ends), ..task(&owner) }).await.unwrap();
    let end = End::Completed { answer: "page".to_owned(), pages: Some("header".to_owned()) };
    assert!(store.finish(ends, paged.id, end).await.unwrap());
    assert!(store.append(ends, paged.id, vec![1, 2]).await.unwrap());
    let unlisted = store.create(NewTask { holder: Some(ends), listed: false, ..task(&owner) }).await.unwrap();
    // Somebody may have read a page: begun again, other rows would follow it.
    let read = store.create(NewTask { holder: Some(ends), ..task(&owner) }).await.unwrap();
    assert!(store.append(ends, read.id, vec![4]).await.unwrap());
    let elsewhere = store.create(NewTask { holder: Some(other), ..task(&owner) }).await.unwrap();
    store.hand_over(ends, LOST).await.unwrap();
    let paged = store.get(&owner, paged.id).await.unwrap().unwrap();
    assert_eq!((paged.state, paged.pages.end.as_deref()), (State::Completed, Some(LOST)));
    assert_eq!(store.chunk(&owner, paged.id, 0).await.unwrap(), Some(vec![1, 2]), "what is there stays");
    assert_eq!(store.get(&owner, unlisted.id).await.unwrap().unwrap().state, State::Completed);
    let read = store.get(&owner, read.id).await.unwrap().unwrap();
    assert_eq!((read.state, read.answer.as_deref(), read.pages.chunks), (State::Completed, Some(LOST), 0));
    assert_eq!(store.chunk(&owner, read.id, 0).await.unwrap(), None);
    assert_eq!(store.get(&owner, elsewhere.id).await.unwrap().unwrap().state, State::Running);
    assert!(!store.finish(ends, first.id, End::Failed { reason: String::new() }).await.unwrap());
    assert!(!store.append(ends, paged.id, vec![3]).await.unwrap());
    assert_eq!(store.ahead(&waits).await.unwrap(), 1);
    let again = store.claim(other, 9).await.unwrap().unwrap();
    assert_eq!((again.task.id, again.again), (first.id, true), "before what never ran");
    let next = store.claim(other, 9).await.unwrap().unwrap();
    assert_eq!((next.task.id, next.again), (waits.id, false));
}

async fn a_task_is_not_begun_for_ever(store: &dyn Store) {
    let owner = owner("ada");
    let new = store.create(task(&owner)).await.unwrap();
    for again in [false, true, true] {
        let holder = holder();
        assert_eq!(store.claim(holder, 1).await.unwrap().unwrap().again, again);
        store.hand_over(holder, LOST).await.unwrap();
    }
    assert!(store.claim(holder(), 1).await.unwrap().is_none());
    let ended = store.get(&owner, new.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.answer.as_deref()), (State::Completed, Some(LOST)));
}

async fn what_has_expired_is_forgotten(store: &dyn Store) {
    let (owner, holder) = (owner("ada"), holder());
    let short = NewTask { ttl: Duration::ZERO, holder: Some(holder), ..task(&owner) };
    let (ended, runs) = (short.clone(), NewTask { id: TaskId::random().unwrap(), ..short.clone() });
    let lasts = NewTask { holder: Some(holder), ..task(&owner) };
    let pages = NewTask { id: TaskId::random().unwrap(), ..short };
    for new in [&ended, &runs, &lasts, &pages] {
        store.create(new.clone()).await.unwrap();
    }
    for (id, pages) in [(ended.id, None), (lasts.id, None), (pages.id, Some(String::new()))] {
        let end = End::Completed { answer: "a".to_owned(), pages };
        assert!(store.finish(holder, id, end).await.unwrap());
    }
    store.beat(holder, LOST).await.unwrap();
    assert!(store.get(&owner, ended.id).await.unwrap().is_some(), "it can be read for a while");
    until("the ended one is forgotten", || async {
        store.beat(holder, LOST).await.unwrap();
        store.get(&owner, ended.id).await.unwrap().is_none().then_some(())
    })
    .await;
    for id in [runs.id, lasts.id, pages.id] {
        assert!(store.get(&owner, id).await.unwrap().is_some());
    }
    assert!(store.close_pages(holder, pages.id, "").await.unwrap());
    until("the one with pages is forgotten", || async {
        store.beat(holder, LOST).await.unwrap();
        store.get(&owner, pages.id).await.unwrap().is_none().then_some(())
    })
    .await;
}

async fn a_forgotten_owner_has_nothing(store: &dyn Store) {
    let (ada, bob, holder) = (owner("ada"), owner("bob"), holder());
    let other = store.create(task(&bob)).await.unwrap();
    let queued = store.create(task(&ada)).await.unwrap();
    let runs = store.create(NewTask { holder: Some(holder), ..task(&ada) }).await.unwrap();
    store.forget(&ada).await.unwrap();
    for id in [queued.id, runs.id] {
        assert_eq!(store.get(&ada, id).await.unwrap(), None);
    }
    assert!(!store.finish(holder, runs.id, End::Failed { reason: String::new() }).await.unwrap());
    assert_eq!(store.claim(holder, 1).await.unwrap().unwrap().task.id, other.id);
    assert!(store.claim(holder, 1).await.unwrap().is_none());
}

async fn only_the_holder_changes_a_task(store: &dyn Store) {
    let (owner, holder, stranger) = (owner("ada"), holder(), holder());
    let held = store.create(NewTask { holder: Some(holder), ..task(&owner) }).await.unwrap();
    let end = End::Completed { answer: "a".to_owned(), pages: Some(String::new()) };
    assert!(!store.note(stranger, held.id, "x").await.unwrap());
    assert!(!store.finish(stranger, held.id, end.clone()).await.unwrap());
    assert!(!store.close_pages(holder, held.id, "it has none yet").await.unwrap());
    assert!(store.finish(holder, held.id, end).await.unwrap());
    assert!(!store.note(holder, held.id, "x").await.unwrap(), "it has ended");
    assert!(!store.append(stranger, held.id, vec![1]).await.unwrap());
    assert!(!store.close_pages(stranger, held.id, "x").await.unwrap());
    store.hand_over(stranger, LOST).await.unwrap();
    assert_eq!(store.get(&owner, held.id).await.unwrap().unwrap().pages.end, None);
    assert!(store.close_pages(holder, held.id, "x").await.unwrap());
    assert!(!store.append(holder, held.id, vec![1]).await.unwrap(), "the pages are closed");
}

async fn changes_are_told(store: &dyn Store) {
    let (owner, holder) = (owner("ada"), holder());
    let mut changes = store.changes();
    let new = store.create(task(&owner)).await.unwrap();
    store.claim(holder, 1).await.unwrap().unwrap();
    store.note(holder, new.id, "x").await.unwrap();
    store.cancel(&owner, new.id, "cancelled").await.unwrap();
    for cancelled in [false, false, false, true] {
        let change = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await.unwrap().unwrap();
        assert_eq!((change.id, change.cancelled), (new.id, cancelled));
    }
}
