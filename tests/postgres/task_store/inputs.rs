//! What a running task asks its owner's client for.

use std::collections::BTreeMap;

use pgwarden::tasks::{MemoryStore, NewTask, State, Store, TaskSettings};

use super::contract::contract;
use super::{LOST, PACE, holder, owner, store, task};
use crate::support::{Database, Template};

contract! {
    a_task_waits_until_everything_is_answered: TaskSettings::default();
    only_its_owner_answers_and_only_its_holder_asks: TaskSettings::default();
    who_takes_a_task_over_asks_again: TaskSettings::default();
}

fn words(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

async fn a_task_waits_until_everything_is_answered(store: &dyn Store) {
    let (owner, holder) = (owner("ada"), holder());
    let new = store.create(NewTask { holder: Some(holder), ..task(&owner) }).await.unwrap();
    let inputs = async || store.get(&owner, new.id).await.unwrap().unwrap().inputs;
    assert!(store.respond(&owner, new.id, &words(&[("a", "early")])).await.unwrap());
    assert!(inputs().await.given.is_empty());
    assert!(store.ask(holder, new.id, words(&[("a", "what?"), ("b", "why?")])).await.unwrap());
    assert!(store.respond(&owner, new.id, &words(&[("b", "so"), ("c", "never asked")])).await.unwrap());
    let now = inputs().await;
    assert_eq!((now.pending, now.given), (words(&[("a", "what?")]), words(&[("b", "so")])));
    assert!(store.respond(&owner, new.id, &words(&[("b", "twice"), ("a", "this")])).await.unwrap());
    let now = inputs().await;
    assert_eq!((now.pending, now.given), (words(&[]), words(&[("a", "this"), ("b", "so")])));
    assert_eq!(store.get(&owner, new.id).await.unwrap().unwrap().state, State::Running);
}

async fn only_its_owner_answers_and_only_its_holder_asks(store: &dyn Store) {
    let (ada, one) = (owner("ada"), holder());
    let new = store.create(NewTask { holder: Some(one), ..task(&ada) }).await.unwrap();
    assert!(!store.ask(holder(), new.id, words(&[("a", "what?")])).await.unwrap());
    assert!(store.ask(one, new.id, words(&[("a", "what?")])).await.unwrap());
    assert!(!store.respond(&owner("bob"), new.id, &words(&[("a", "forged")])).await.unwrap());
    let inputs = store.get(&ada, new.id).await.unwrap().unwrap().inputs;
    assert_eq!((inputs.pending, inputs.given), (words(&[("a", "what?")]), words(&[])));
    store.cancel(&ada, new.id, "cancelled").await.unwrap();
    assert!(!store.ask(one, new.id, words(&[("b", "still there?")])).await.unwrap());
}

async fn who_takes_a_task_over_asks_again(store: &dyn Store) {
    let (ada, first, second) = (owner("ada"), holder(), holder());
    let new = store.create(NewTask { holder: Some(first), ..task(&ada) }).await.unwrap();
    store.ask(first, new.id, words(&[("a", "what?")])).await.unwrap();
    store.hand_over(first, LOST).await.unwrap();
    assert!(store.get(&ada, new.id).await.unwrap().unwrap().inputs.pending.is_empty());
    let again = store.claim(second, 1).await.unwrap().unwrap();
    assert_eq!((again.task.id, again.again), (new.id, true));
    assert!(store.ask(second, new.id, words(&[("a", "what?")])).await.unwrap());
}
