//! What a suspended caller has running ends in PostgreSQL within a second, and whatever they ask is refused until they are
//! resumed. Nobody else notices.

use std::time::{Duration, Instant};

use pgwarden::auth::Caller;
use pgwarden::gateway::{
    Asked, Completing, DescribeRequest, ExplainRequest, Gateway, Patience, SearchRequest, Wanted,
};
use pgwarden::pg::Diagnostic;
use pgwarden::store::suspensions::Suspended;
use pgwarden::tasks::State;
use tokio_util::sync::CancellationToken;

use super::waiting::{running, slow};
use super::{request, slow_gateway, worker};
use crate::support::{Database, Template, until};

const SOON: Duration = Duration::from_secs(1);

fn anna() -> Suspended {
    Suspended::Caller { subject: "anna".to_owned(), issuer: None }
}

fn policy(file: Option<&str>) -> Suspended {
    Suspended::Policy { database: "shop".to_owned(), file: file.map(str::to_owned) }
}

async fn suspend(gateway: &Gateway, of: &Suspended) {
    gateway.suspensions().suspend(of.clone(), "a drill", "ops", None).await.unwrap();
}

async fn resume(gateway: &Gateway, of: &Suspended) {
    assert!(gateway.suspensions().resume(of).await.unwrap());
}

async fn query(gateway: &Gateway, caller: &str, sql: &str) -> Result<(), Diagnostic> {
    gateway.query(&Caller::local(caller), request(sql), &CancellationToken::new()).await.map(drop)
}

fn is_suspended<T: std::fmt::Debug>(answer: Result<T, Diagnostic>) {
    let refusal = answer.unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("operations.suspended"), "{refusal:?}");
    assert_eq!(refusal.sqlstate.as_str(), "42501");
    assert!(refusal.message.ends_with(": a drill"), "{}", refusal.message);
}

#[tokio::test]
async fn a_running_query_ends_within_a_second_and_another_caller_s_goes_on() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let go = |caller: &'static str, seconds| {
        let gateway = gateway.clone();
        tokio::spawn(async move { query(&gateway, caller, &slow(1, seconds)).await })
    };
    for of in [anna(), policy(None), Suspended::All] {
        let stopped = go("anna", 600.0);
        until("it runs", async || (running(&database).await == 1).then_some(())).await;
        let begun = Instant::now();
        suspend(&gateway, &of).await;
        until("it is gone", async || (running(&database).await == 0).then_some(())).await;
        assert!(begun.elapsed() < SOON, "{of}: {:?}", begun.elapsed());
        is_suspended(stopped.await.unwrap());
        resume(&gateway, &of).await;
    }
    let (stopped, other) = (go("anna", 600.0), go("ben", 3.0));
    until("both run", async || (running(&database).await == 2).then_some(())).await;
    suspend(&gateway, &anna()).await;
    is_suspended(stopped.await.unwrap());
    other.await.unwrap().unwrap();
    query(&gateway, "ben", "SELECT 1").await.unwrap();
    is_suspended(query(&gateway, "anna", "SELECT 1").await);
    resume(&gateway, &anna()).await;
    query(&gateway, "anna", "SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_task_ends_too_and_neither_a_new_one_nor_an_answer_is_to_be_had() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await;
    let _worker = worker(&gateway);
    let caller = Caller::local("anna");
    let patience = Patience { wait: Some(Duration::from_millis(100)), ..Patience::default() };
    let stop = CancellationToken::new();
    let asked = gateway.ask(&caller, request(&slow(1, 600.0)), patience, &stop).await.unwrap();
    let Asked::Task(ran) = asked else { panic!("{asked:?}") };
    let queued = gateway.submit(&caller, request(&slow(2, 600.0)), None).await.unwrap();
    until("both run", async || (running(&database).await == 2).then_some(())).await;
    suspend(&gateway, &anna()).await;
    let begun = Instant::now();
    until("both are gone", async || (running(&database).await == 0).then_some(())).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    for id in [ran.id, queued.id] {
        is_suspended(gateway.task_outcome(&caller, id, Duration::ZERO, &stop).await);
    }
    is_suspended(gateway.submit(&caller, request("SELECT 1"), None).await);
    resume(&gateway, &anna()).await;
    for id in [ran.id, queued.id] {
        let ended = async || {
            let state = gateway.task(&caller, id).await.unwrap().unwrap().state;
            (state == State::Completed).then_some(())
        };
        until("it has ended", ended).await;
        // It says so, also afterwards.
        is_suspended(gateway.task_outcome(&caller, id, Duration::ZERO, &stop).await);
    }
    assert_eq!(running(&database).await, 0);
}

#[tokio::test]
async fn no_use_case_answers_a_suspended_caller() {
    let database = Database::create(Template::Shop).await;
    let gateway = slow_gateway(&database).await.with_search_and_fetch(true);
    let (caller, stop) = (Caller::local("anna"), CancellationToken::new());
    let completing = Completing {
        wanted: Wanted::Schema,
        typed: String::new(),
        database: None,
        schema: None,
        relation: None,
    };
    let explain = ExplainRequest { sql: "SELECT 1".to_owned(), ..ExplainRequest::default() };
    let describe =
        DescribeRequest { relations: vec!["shop.orders".to_owned()], ..DescribeRequest::default() };
    // Each of them answers without it.
    gateway.complete(&caller, &completing).await.unwrap();
    gateway.search(&caller, "orders", None, &stop).await.unwrap();
    gateway.search_objects(&caller, SearchRequest::default(), &stop).await.unwrap();
    gateway.explain(&caller, explain.clone(), &stop).await.unwrap();
    gateway.describe(&caller, describe.clone(), &stop).await.unwrap();
    let groups = gateway.tool_groups(&caller);
    for of in [anna(), policy(None), Suspended::All] {
        suspend(&gateway, &of).await;
        assert_eq!(gateway.tool_groups(&caller), groups);
        is_suspended(gateway.search(&caller, "orders", None, &stop).await);
        is_suspended(gateway.search_objects(&caller, SearchRequest::default(), &stop).await);
        is_suspended(gateway.explain(&caller, explain.clone(), &stop).await);
        is_suspended(gateway.describe(&caller, describe.clone(), &stop).await);
        match &of {
            // Nothing is completed from it.
            Suspended::Policy { .. } => {
                assert!(gateway.complete(&caller, &completing).await.unwrap().values.is_empty());
            }
            _ => is_suspended(gateway.complete(&caller, &completing).await),
        }
        resume(&gateway, &of).await;
    }
    suspend(&gateway, &policy(Some("another.toml"))).await;
    gateway.describe(&caller, describe, &stop).await.unwrap();
}
