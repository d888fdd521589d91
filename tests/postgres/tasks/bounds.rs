//! What a task's owner may not do with it: read it under another policy or with other claims, or take every connection.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{Asked, Gateway, Patience, QueryOutput};
use pgwarden::policy::{Claims, Policy};
use pgwarden::tasks::{Holder, MemoryStore, State, TaskId, TaskSettings};
use tokio_util::sync::CancellationToken;

use super::waiting::{gateway_over_postgres, running, slow};
use super::{POLICY, caller, firsts, gateway_with, limits, next, request, rows_of, slow_gateway, task_of};
use crate::support::{Database, Template, until};

#[tokio::test]
async fn with_other_claims_the_same_subject_has_no_such_task() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let task = task_of(&gateway, &slow(1, 1.5)).await;
    let other = Caller { claims: Claims::from_iter([("tenant", "globex")]), ..caller() };
    let stop = CancellationToken::new();
    assert!(gateway.task(&caller(), task.id).await.unwrap().is_some());
    for _ in 0..2 {
        assert!(gateway.task(&other, task.id).await.unwrap().is_none());
        assert!(gateway.cancel_task(&other, task.id).await.unwrap().is_none());
        assert!(gateway.list_tasks(&other, None, 10).await.unwrap().is_empty());
        let wait = Duration::from_secs(20);
        assert!(gateway.task_outcome(&other, task.id, Duration::ZERO, &stop).await.unwrap().is_none());
        assert!(gateway.task_outcome(&caller(), task.id, wait, &stop).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn an_answer_is_not_shown_under_another_policy() {
    let database = Database::create(Template::Shop).await;
    let settings = TaskSettings::default();
    let store = Arc::new(MemoryStore::new(settings.clone()));
    let holder = Holder(TaskId::random().unwrap());
    let before = slow_gateway(&database).await.with_tasks(store.clone(), settings.clone(), holder);
    let task = task_of(&before, &slow(2, 0.8)).await;
    let stop = CancellationToken::new();
    assert!(before.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.is_ok());
    let policy = Policy::parse(&POLICY.replace("shop.*", "shop.products"), "policy.toml").unwrap();
    let after = gateway_with(&database, limits(), policy).with_tasks(store, settings, holder);
    let refused = after.task_outcome(&caller(), task.id, Duration::ZERO, &stop).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("tasks.policy_changed"));
}

#[tokio::test]
async fn cancelling_an_answer_whose_pages_are_still_read_ends_its_query() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let sql = "SELECT n, md5(n::text) AS a, shop.wait(CASE WHEN n < 900 THEN 0 ELSE 0.5 END) AS s
               FROM generate_series(1, 2000) AS n";
    let first = rows_of(&gateway, sql).await;
    let id: TaskId = first.next_cursor.unwrap().split('-').next().unwrap().parse().unwrap();
    assert_eq!(running(&database).await, 1);
    gateway.cancel_task(&caller(), id).await.unwrap().unwrap();
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
}

#[tokio::test]
async fn one_caller_s_long_calls_leave_connections_to_others() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let most = TaskSettings::default().running_per_owner;
    for mark in 0..most + 3 {
        let task = task_of(&gateway, &slow(u32::try_from(mark).unwrap(), 600.0)).await;
        let expected = if mark < most { State::Running } else { State::Queued };
        assert_eq!(task.state, expected, "{mark}");
    }
    let most = i64::try_from(most).unwrap();
    until("only those run", async || (running(&database).await == most).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_become_tasks_at_once_share_their_caller_s_places() {
    let database = Database::create(Template::Shop).await;
    let store = Arc::new(crate::postgres::task_store::store(&database, TaskSettings::default()).await);
    let holder = Holder(TaskId::random().unwrap());
    let gateway = slow_gateway(&database).await.with_tasks(store, TaskSettings::default(), holder);
    let most = TaskSettings::default().running_per_owner;
    // Each of them is asked and given up at the same moment as the others.
    let calls: Vec<_> = (0..6)
        .map(|mark| {
            let gateway = gateway.clone();
            tokio::spawn(async move { task_of(&gateway, &slow(mark, 600.0)).await.state })
        })
        .collect();
    let mut running = 0;
    for call in calls {
        running += usize::from(call.await.unwrap() == State::Running);
    }
    assert_eq!(running, most);
}

#[tokio::test]
async fn one_caller_s_waiting_calls_leave_connections_to_others() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let stop = CancellationToken::new();
    let calls: Vec<_> = (0..12)
        .map(|mark| {
            let (gateway, stop) = (gateway.clone(), stop.clone());
            tokio::spawn(async move { gateway.query(&caller(), request(&slow(mark, 600.0)), &stop).await })
        })
        .collect();
    // Of the pool's eight connections.
    until("the share is taken", async || (running(&database).await == 6).then_some(())).await;
    let ben = Caller::local("ben");
    let others = gateway.query(&ben, request("SELECT 1"), &stop);
    let answer = tokio::time::timeout(Duration::from_secs(5), others).await.expect("ben waits");
    assert_eq!(firsts(&answer.unwrap()), [1]);
    assert_eq!(running(&database).await, 6);
    stop.cancel();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    }
    until("the queries are gone", async || (running(&database).await == 0).then_some(())).await;
}

/// A gateway whose store holds that much of one caller.
async fn narrow_gateway(database: &Database<'_>, stored: u64, settings: TaskSettings) -> Gateway {
    let settings = TaskSettings { stored_bytes_per_owner: stored, ..settings };
    let store = Arc::new(MemoryStore::new(settings.clone()));
    let holder = Holder(TaskId::random().unwrap());
    slow_gateway(database).await.with_tasks(store, settings, holder)
}

const LONG: &str = "SELECT n, md5(n::text) FROM generate_series(1, 2000) AS n";

/// Keeps answers until there is no room for another one.
async fn fill(gateway: &Gateway) -> QueryOutput {
    for _ in 0..10 {
        let output = rows_of(gateway, LONG).await;
        assert!(firsts(&output).len() > 100);
        if output.next_cursor.is_none() {
            return output;
        }
    }
    panic!("nothing bounds what first pages take");
}

/// First pages fill a store too.
#[tokio::test]
async fn a_caller_whose_share_of_the_store_is_full_still_gets_first_pages() {
    let database = Database::create(Template::Shop).await;
    let gateway = narrow_gateway(&database, 150_000, TaskSettings::default()).await;
    let last = fill(&gateway).await;
    let why = last.truncated_reason.unwrap();
    assert!(why.contains("`limits.stored`") && !why.contains("the reply is full"), "{why}");
    let ben = Caller::local("ben");
    let others = gateway.query(&ben, request(LONG), &CancellationToken::new()).await.unwrap();
    assert!(others.next_cursor.is_some(), "others have their own");
}

#[tokio::test]
async fn pages_that_end_for_want_of_room_say_so() {
    let database = Database::create(Template::Shop).await;
    let settings = TaskSettings { answer_bytes: 1, ..TaskSettings::default() };
    let gateway = narrow_gateway(&database, 1 << 20, settings).await;
    let first = rows_of(&gateway, LONG).await;
    let rest = next(&gateway, &first.next_cursor.unwrap()).await.unwrap();
    let why = rest.truncated_reason.unwrap();
    assert!(rest.next_cursor.is_none() && why.contains("`limits.stored`"), "{why}");
}

/// Who could have a task, and finds no room for it, waits as long as who cannot.
#[tokio::test]
async fn without_room_for_a_task_the_call_waits_for_its_answer() {
    let database = Database::create(Template::Shop).await;
    let gateway = narrow_gateway(&database, 150_000, TaskSettings::default()).await;
    fill(&gateway).await;
    let ask = async |seconds: f64, at_most: u64| {
        let (wait, at_most) = (Some(Duration::from_millis(100)), Some(Duration::from_millis(at_most)));
        let patience = Patience { wait, at_most, ..Patience::default() };
        gateway.ask(&caller(), request(&slow(3, seconds)), patience, &CancellationToken::new()).await
    };
    assert!(matches!(ask(0.8, 20_000).await.unwrap(), Asked::Rows(_)));
    let refused = ask(600.0, 700).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("limits.stored"));
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
}

/// Who may write the store's tables cannot give one caller's answers to another.
#[tokio::test]
async fn a_row_that_was_given_to_another_owner_is_nobodys() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway_over_postgres(&database, TaskSettings::default()).await;
    let theirs = task_of(&gateway, &slow(1, 1.0)).await;
    let stop = CancellationToken::new();
    assert!(gateway.task_outcome(&caller(), theirs.id, Duration::from_secs(20), &stop).await.is_ok());
    let admin = database.admin().await;
    admin.batch_execute("UPDATE pgwarden.owner SET subject = 'ben'").await.unwrap();
    let ben = Caller::local("ben");
    assert!(gateway.task_outcome(&ben, theirs.id, Duration::ZERO, &stop).await.unwrap().is_none());
    assert!(gateway.task(&ben, theirs.id).await.unwrap().is_none());
    assert!(gateway.list_tasks(&ben, None, 10).await.unwrap().is_empty());
}
