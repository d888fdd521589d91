//! The rows behind the first page, within their bounds.

use std::time::Duration;

use futures_util::future::join_all;
use pgwarden::tasks::{Cancel, End, Holder, MemoryStore, NewTask, Owner, Store, TaskId, TaskSettings};

use super::contract::contract;
use super::{LOST, PACE, holder, owner, store, task};
use crate::support::{Database, Template, until};

contract! {
    pages_are_added_read_and_closed: TaskSettings::default();
    what_is_stored_is_bounded: TaskSettings {
        answer_bytes: 100, stored_bytes_per_owner: 150 + 2 * record(), stored_bytes: 200 + 3 * record(),
        ..TaskSettings::default()
    };
    whose_share_is_full_makes_no_more_tasks: TaskSettings {
        stored_bytes_per_owner: 150 + 2 * record(), stored_bytes: 200 + 3 * record(), ..TaskSettings::default()
    };
    questions_take_room_until_they_are_forgotten: TaskSettings {
        stored_bytes_per_owner: 3 * record(), ttl: Duration::from_secs(60), ..TaskSettings::default()
    };
}

/// What each task takes besides its answer and pages.
fn record() -> u64 {
    task(&owner("anybody")).bytes()
}

/// Also where they were cancelled.
async fn questions_take_room_until_they_are_forgotten(store: &dyn Store) {
    let ada = owner("ada");
    let long = NewTask { question: "x".repeat(100_000), ..task(&ada) };
    assert!(long.bytes() > 100_000 && record() > 1_000);
    for _ in 0..3 {
        let brief = NewTask { ttl: Duration::from_millis(1), ..task(&ada) };
        store.create(brief.clone()).await.unwrap();
        assert!(matches!(store.cancel(&ada, brief.id, "cancelled").await.unwrap(), Cancel::Done(_)));
    }
    let refused = store.create(task(&ada)).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("limits.stored"), "{refused}");
    until("they are forgotten", async || {
        store.beat(holder(), LOST).await.unwrap();
        store.create(long.clone()).await.ok()
    })
    .await;
    assert_eq!(store.create(task(&ada)).await.unwrap_err().rule.as_deref(), Some("limits.stored"));
    store.forget(&ada).await.unwrap();
    for _ in 0..3 {
        store.create(task(&ada)).await.unwrap();
    }
    assert!(store.create(task(&ada)).await.is_err());
}

async fn paged(store: &dyn Store, owner: &Owner, holder: Holder) -> TaskId {
    let new = NewTask { holder: Some(holder), ..task(owner) };
    store.create(new.clone()).await.unwrap();
    let end = End::Completed { answer: String::new(), pages: Some("header".to_owned()) };
    assert!(store.finish(holder, new.id, end).await.unwrap());
    new.id
}

async fn pages_are_added_read_and_closed(store: &dyn Store) {
    let (owner, holder) = (owner("ada"), holder());
    let id = paged(store, &owner, holder).await;
    let task = store.get(&owner, id).await.unwrap().unwrap();
    assert_eq!((task.pages.header.as_str(), task.pages.chunks, task.pages.end), ("header", 0, None));
    for number in 0..20_u8 {
        assert!(store.append(holder, id, vec![number; 300]).await.unwrap());
    }
    for number in 0..20_u8 {
        let chunk = store.chunk(&owner, id, u32::from(number)).await.unwrap();
        assert_eq!(chunk, Some(vec![number; 300]));
    }
    assert_eq!(store.chunk(&owner, id, 20).await.unwrap(), None);
    // Those that come at once get a number each; the second time with connections at hand.
    for round in 0..2_u8 {
        let appends = (0..8).map(|at| store.append(holder, id, vec![20 + round * 8 + at; 9]));
        assert!(join_all(appends).await.into_iter().all(Result::unwrap));
    }
    let mut read = Vec::new();
    for number in 20..36 {
        read.push(store.chunk(&owner, id, number).await.unwrap().unwrap()[0]);
    }
    read.sort_unstable();
    assert!(read.into_iter().eq(20..36));
    assert!(store.close_pages(holder, id, "that is all").await.unwrap());
    let task = store.get(&owner, id).await.unwrap().unwrap();
    assert_eq!((task.pages.chunks, task.pages.end.as_deref()), (36, Some("that is all")));
    assert!(!store.close_pages(holder, id, "again").await.unwrap());
}

/// First pages and answers are counted too: whoever has the most that an owner may have gets no more tasks, and what a
/// task's answer needs is kept for others.
async fn whose_share_is_full_makes_no_more_tasks(store: &dyn Store) {
    let (ada, bob, eve, holder) = (owner("ada"), owner("bob"), owner("eve"), holder());
    let answered = async |owner: &Owner, listed, bytes| {
        let new = NewTask { holder: Some(holder), listed, ..task(owner) };
        let created = store.create(new.clone()).await?;
        let end = End::Completed { answer: "x".repeat(bytes), pages: None };
        assert!(store.finish(holder, created.id, end).await.unwrap());
        Ok::<_, pgwarden::pg::Diagnostic>(())
    };
    answered(&ada, false, 149).await.unwrap();
    answered(&ada, false, 1).await.unwrap();
    for listed in [true, false] {
        let refused = answered(&ada, listed, 1).await.unwrap_err();
        assert_eq!((refused.rule.as_deref(), refused.retryable), (Some("limits.stored"), true), "{refused}");
    }
    answered(&bob, false, 50).await.unwrap();
    // Now all of it is taken. Pages find no place, and tasks do.
    let refused = answered(&eve, false, 1).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("limits.stored"), "{refused}");
    answered(&eve, true, 1).await.unwrap();
    assert!(answered(&bob, false, 1).await.is_err());
    store.forget(&ada).await.unwrap();
    answered(&bob, false, 1).await.unwrap();
    answered(&ada, false, 1).await.unwrap();
}

async fn what_is_stored_is_bounded(store: &dyn Store) {
    let (ada, bob, holder) = (owner("ada"), owner("bob"), holder());
    let chunk = |bytes: usize| vec![1; bytes];
    let one = paged(store, &ada, holder).await;
    assert!(store.append(holder, one, chunk(100)).await.unwrap());
    assert!(!store.append(holder, one, chunk(1)).await.unwrap(), "of one answer");
    let two = paged(store, &ada, holder).await;
    assert!(!store.append(holder, two, chunk(51)).await.unwrap(), "of one owner");
    assert!(store.append(holder, two, chunk(50)).await.unwrap());
    let three = paged(store, &bob, holder).await;
    assert!(!store.append(holder, three, chunk(51)).await.unwrap(), "of all");
    assert!(store.append(holder, three, chunk(50)).await.unwrap());
    assert_eq!(store.get(&bob, three).await.unwrap().unwrap().pages.chunks, 1);
    // What is forgotten makes room.
    store.forget(&ada).await.unwrap();
    let four = paged(store, &bob, holder).await;
    assert!(store.append(holder, four, chunk(100)).await.unwrap());
}
