//! A call that takes longer than its caller waits, and what its owner may do with it.

use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::ConnectionSettings;
use pgwarden::gateway::{Asked, Cancelled, Gateway, Patience};
use pgwarden::store::MasterKey;
use pgwarden::store::migrate::migrate;
use pgwarden::tasks::{Holder, Pace, PostgresStore, State, TaskId, TaskSettings};
use tokio_util::sync::CancellationToken;

use super::{ask, caller, firsts, request, slow_gateway, task_of, worker};
use crate::support::{Database, READER, Template, until};

/// Takes `seconds`, told from others by `mark`.
pub fn slow(mark: u32, seconds: f64) -> String {
    format!("SELECT {mark} AS mark, shop.wait({seconds}) AS slept")
}

pub async fn running(database: &Database<'_>) -> i64 {
    let admin = database.admin().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND usename = $1 AND query LIKE '%shop%wait%'";
    admin.query_one(sql, &[&READER]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_slow_call_becomes_a_task_and_its_answer_is_fetched_later() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let task = task_of(&gateway, &slow(1, 1.5)).await;
    assert_eq!(task.state, State::Running);
    assert!(task.message.starts_with("running for"), "{}", task.message);
    let stop = CancellationToken::new();
    let early = gateway.task_outcome(&caller(), task.id, Duration::from_millis(50), &stop).await.unwrap();
    assert!(matches!(early, Some(Asked::Task(view)) if view.id == task.id));
    let answer = gateway.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.unwrap();
    let Some(Asked::Rows(output)) = answer else { panic!("{answer:?}") };
    assert_eq!(firsts(&output), [1]);
    let view = gateway.task(&caller(), task.id).await.unwrap().unwrap();
    assert_eq!((view.state, view.message.as_str()), (State::Completed, "completed"));
}

#[tokio::test]
async fn an_error_is_an_answer() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let sql = "SELECT 1 / (count(*) - 1) FROM (SELECT shop.wait(1) OFFSET 0) AS s";
    let task = task_of(&gateway, sql).await;
    let stop = CancellationToken::new();
    let error = gateway.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.unwrap_err();
    assert_eq!(error.sqlstate.as_str(), "22012");
    assert_eq!(gateway.task(&caller(), task.id).await.unwrap().unwrap().state, State::Completed);
}

#[tokio::test]
async fn the_same_question_finds_its_running_task_and_another_callers_does_not() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let task = task_of(&gateway, &slow(2, 2.0)).await;
    assert_eq!(task_of(&gateway, &slow(2, 2.0)).await.id, task.id);
    assert_ne!(task_of(&gateway, &slow(3, 2.0)).await.id, task.id);
    let patience = Patience { wait: Some(Duration::from_millis(100)), ..Patience::default() };
    let stop = CancellationToken::new();
    let other = gateway.ask(&Caller::local("ben"), request(&slow(2, 2.0)), patience, &stop).await.unwrap();
    assert!(matches!(other, Asked::Task(other) if other.id != task.id));
    let Asked::Rows(output) = ask(&gateway, &slow(2, 2.0), Duration::from_secs(20)).await.unwrap() else {
        panic!("it ends")
    };
    assert_eq!(firsts(&output), [2]);
}

#[tokio::test]
async fn cancelling_ends_the_query_and_what_has_ended_cannot_be_cancelled() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let _worker = worker(&gateway);
    let task = task_of(&gateway, &slow(4, 600.0)).await;
    assert_eq!(running(&database).await, 1);
    let cancelled = gateway.cancel_task(&caller(), task.id).await.unwrap();
    assert!(matches!(cancelled, Some(Cancelled::Done(view)) if view.state == State::Cancelled));
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
    assert!(matches!(gateway.cancel_task(&caller(), task.id).await.unwrap(), Some(Cancelled::TooLate(_))));
    let stop = CancellationToken::new();
    let error = gateway.task_outcome(&caller(), task.id, Duration::ZERO, &stop).await.unwrap_err();
    assert_eq!(error.sqlstate.as_str(), "57014");
}

#[tokio::test]
async fn for_anybody_else_a_task_is_unknown() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let task = task_of(&gateway, &slow(5, 2.0)).await;
    let ben = Caller::local("ben");
    let stop = CancellationToken::new();
    assert!(gateway.task(&ben, task.id).await.unwrap().is_none());
    assert!(gateway.task_outcome(&ben, task.id, Duration::from_secs(9), &stop).await.unwrap().is_none());
    assert!(gateway.cancel_task(&ben, task.id).await.unwrap().is_none());
    assert!(gateway.list_tasks(&ben, None, 10).await.unwrap().is_empty());
    assert_eq!(gateway.list_tasks(&caller(), None, 10).await.unwrap().len(), 1);
    assert_eq!(running(&database).await, 1);
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_it_is_a_task_leaves_nothing() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let stop = CancellationToken::new();
    let patience = Patience { wait: Some(Duration::from_secs(30)), ..Patience::default() };
    let (asker, asked) = (gateway.clone(), stop.clone());
    let call =
        tokio::spawn(async move { asker.ask(&caller(), request(&slow(6, 600.0)), patience, &asked).await });
    until("the query runs", async || (running(&database).await == 1).then_some(())).await;
    stop.cancel();
    assert_eq!(call.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
    assert!(gateway.list_tasks(&caller(), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn submitted_questions_wait_for_their_turn_and_are_all_answered() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let mut ids = Vec::new();
    for mark in 0..12 {
        ids.push(gateway.submit(&caller(), request(&slow(100 + mark, 0.2)), None).await.unwrap().id);
    }
    let waiting = gateway.task(&caller(), ids[11]).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.message.as_str()), (State::Queued, "queued behind 11 others"));
    let _worker = worker(&gateway);
    let stop = CancellationToken::new();
    for (mark, id) in (100..).zip(ids) {
        let answer = gateway.task_outcome(&caller(), id, Duration::from_secs(20), &stop).await.unwrap();
        let Some(Asked::Rows(output)) = answer else { panic!("{answer:?}") };
        assert_eq!(firsts(&output), [mark]);
    }
}

#[tokio::test]
async fn a_task_says_what_lock_it_waits_for() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let _worker = worker(&gateway);
    let locker = database.admin().await;
    locker.batch_execute("BEGIN; LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let task = task_of(&gateway, "SELECT count(*) FROM shop.orders").await;
    let message = until("the wait is seen", async || {
        let message = gateway.task(&caller(), task.id).await.unwrap().unwrap().message;
        message.contains("lock").then_some(message)
    })
    .await;
    assert!(message.ends_with(" s for a lock on shop.orders that another session holds"), "{message}");
    locker.batch_execute("ROLLBACK").await.unwrap();
    let stop = CancellationToken::new();
    let answer = gateway.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.unwrap();
    assert!(matches!(answer, Some(Asked::Rows(_))));
}

/// A view's owner may read what its caller knows nothing of.
#[tokio::test]
async fn a_lock_on_what_the_caller_does_not_name_is_not_named() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let _worker = worker(&gateway);
    let locker = database.admin().await;
    locker
        .batch_execute(&format!(
            "CREATE VIEW shop.counted AS SELECT count(*) AS n FROM shop.orders; GRANT SELECT ON shop.counted TO {READER}"
        ))
        .await
        .unwrap();
    assert!(ask(&gateway, "SELECT n FROM shop.counted", Duration::from_secs(9)).await.is_ok());
    locker.batch_execute("BEGIN; LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let task = task_of(&gateway, "SELECT n FROM shop.counted").await;
    let message = until("the wait is seen", async || {
        let message = gateway.task(&caller(), task.id).await.unwrap().unwrap().message;
        message.contains("lock").then_some(message)
    })
    .await;
    assert!(message.ends_with(" s for a lock that another session holds"), "{message}");
    locker.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn a_revoked_caller_s_queries_end_and_nothing_of_theirs_stays() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let task = task_of(&gateway, &slow(7, 600.0)).await;
    let page = super::rows_of(&gateway, "SELECT n, md5(n::text) FROM generate_series(1, 20000) AS n").await;
    gateway.forget(&Caller::local("ben")).await.unwrap();
    assert_eq!(running(&database).await, 1);
    gateway.forget(&Caller::local("anna")).await.unwrap();
    until("the query is gone", async || (running(&database).await == 0).then_some(())).await;
    assert!(gateway.task(&caller(), task.id).await.unwrap().is_none());
    let gone = super::next(&gateway, &page.next_cursor.unwrap()).await.unwrap_err();
    assert_eq!(gone.rule.as_deref(), Some("tasks.unknown"));
}

/// The DBA's own way.
#[tokio::test]
async fn an_operator_s_pg_cancel_backend_ends_the_task_with_postgresql_s_words() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let task = task_of(&gateway, &slow(8, 600.0)).await;
    let admin = database.admin().await;
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%shop%wait%'
                  AND datname = current_database() AND usename = $1";
    let cancelled: i64 = admin.query_one(cancel, &[&READER]).await.unwrap().get(0);
    assert_eq!(cancelled, 1);
    let stop = CancellationToken::new();
    let error = gateway.task_outcome(&caller(), task.id, Duration::from_secs(20), &stop).await.unwrap_err();
    assert_eq!(error.sqlstate.as_str(), "57014", "{error}");
    assert_eq!(gateway.task(&caller(), task.id).await.unwrap().unwrap().state, State::Completed);
}

/// A gateway whose tasks are kept in the same database.
pub async fn gateway_over_postgres(database: &Database<'_>, settings: TaskSettings) -> Gateway {
    let connection = ConnectionSettings::parse(&database.admin_url(), &|_| None).unwrap();
    migrate(&connection).await.unwrap();
    let key = MasterKey::new([7; 32]);
    let store = PostgresStore::open(connection, settings.clone(), &key, Pace::default()).await.unwrap();
    let holder = Holder(TaskId::random().unwrap());
    slow_gateway(database).await.with_tasks(std::sync::Arc::new(store), settings, holder)
}

#[tokio::test]
async fn a_call_that_becomes_no_task_asks_no_store() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway_over_postgres(&database, TaskSettings::default()).await;
    super::rows_of(&gateway, "SELECT 1").await;
    let admin = database.admin().await;
    admin.batch_execute("ALTER SCHEMA pgwarden RENAME TO away").await.unwrap();
    let started = std::time::Instant::now();
    for number in 0..50 {
        super::rows_of(&gateway, &format!("SELECT {number}")).await;
    }
    assert!(started.elapsed() < Duration::from_secs(4), "else it may look again: {:?}", started.elapsed());
    assert!(gateway.submit(&caller(), request("SELECT 1"), None).await.is_err(), "the store is away");
}

#[tokio::test]
async fn asking_again_at_once_asks_no_store() {
    let database = Database::create(Template::Shop).await;
    let settings = TaskSettings { poll_interval: Duration::from_secs(60), ..TaskSettings::default() };
    let gateway = gateway_over_postgres(&database, settings).await;
    let task = gateway.submit(&caller(), request("SELECT 1"), None).await.unwrap();
    until("the news of its creation have come", async || {
        gateway.task(&caller(), task.id).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        Some(())
    })
    .await;
    gateway.task(&caller(), task.id).await.unwrap();
    let admin = database.admin().await;
    admin.batch_execute("ALTER TABLE pgwarden.task RENAME TO away").await.unwrap();
    for _ in 0..1_000 {
        assert!(gateway.task(&caller(), task.id).await.unwrap().is_some());
    }
    assert!(
        gateway.task(&Caller::local("ben"), task.id).await.is_err(),
        "it was the store that would be asked"
    );
}
