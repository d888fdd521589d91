//! Tasks under a role are anybody's work; those under a caller's own login are this process's alone.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{Asked, Gateway, Patience, QueryRequest, Served};
use pgwarden::tasks::{Holder, MemoryStore, State, TaskId, TaskSettings};
use tokio_util::sync::CancellationToken;

use super::own::{CANARY, asking};
use super::{Office, gateway, policy, with_login};
use crate::support::{Database, Template, until};

const SLOW: &str = "SELECT app.wait(2), current_user";
const OPEN: &str = "[[allow]]\nselect = [\"app.*\"]\n[[allow]]\nexecute = [\"app.wait\"]\n";
const WAIT: &str = "CREATE FUNCTION app.wait(seconds double precision) RETURNS text LANGUAGE sql VOLATILE \
    AS $$ SELECT pg_sleep(seconds)::text $$";

fn request(sql: &str) -> QueryRequest {
    QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() }
}

/// Two processes over one store.
fn replicas(served: impl Fn() -> Served) -> [Gateway; 2] {
    let store = Arc::new(MemoryStore::new(TaskSettings::default()));
    [1, 2].map(|number| {
        let holder = Holder(TaskId::from_bytes([number; 16]));
        gateway(served()).with_tasks(store.clone(), TaskSettings::default(), holder)
    })
}

async fn outcome(gateway: &Gateway, caller: &Caller, id: TaskId) -> Result<String, pgwarden::pg::Diagnostic> {
    let wait = Duration::from_secs(30);
    match gateway.task_outcome(caller, id, wait, &CancellationToken::new()).await?.unwrap() {
        Asked::Rows(output) => Ok(output.rows.get().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_task_under_a_role_is_asked_under_that_role() {
    let office = Office::open().await;
    office.admin(WAIT).await;
    let [one, other] = replicas(|| Served::new(office.gate(2), policy(OPEN)).running_as(office.roles()));
    let analyst = office.of(&office.analyst);
    let stop = CancellationToken::new();
    let working = tokio::spawn({
        let (other, stop) = (other.clone(), stop.clone());
        async move { other.work(stop, Duration::ZERO).await }
    });
    let queued =
        one.submit(&analyst, request("SELECT current_user, max(tenant) FROM app.notes"), None).await.unwrap();
    let rows = outcome(&one, &analyst, queued.id).await.unwrap();
    assert_eq!(rows, format!(r#"[["{}","a"]]"#, office.analyst));
    stop.cancel();
    working.await.unwrap();
}

#[tokio::test]
async fn a_task_under_an_own_login_runs_here_and_is_refused_on_another_replica() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    office.admin(WAIT).await;
    let anna = office.person("anna", &office.analyst).await;
    let [one, other] = replicas(|| office.own_with(policy(OPEN), 5, Duration::from_secs(300)));
    let caller = with_login("anna", &anna, CANARY);
    // It does not wait in the queue, where anybody would take it.
    let begun = one.submit(&caller, request(SLOW), None).await.unwrap();
    assert_eq!(begun.state, State::Running);
    assert_eq!(outcome(&one, &caller, begun.id).await.unwrap(), format!(r#"[["","{anna}"]]"#));
    // Another login of the same person's is not who asked.
    let elsewhere = with_login("anna", "anna_rw", CANARY);
    assert!(one.task(&elsewhere, begun.id).await.unwrap().is_none());
    assert!(one.task(&Caller::local("anna"), begun.id).await.unwrap().is_none());

    let patience = Patience { wait: Some(Duration::from_millis(200)), ..Patience::default() };
    let asked =
        one.ask(&caller, request("SELECT app.wait(600)"), patience, &CancellationToken::new()).await.unwrap();
    let Asked::Task(task) = asked else { panic!("{asked:?}") };
    let stop = CancellationToken::new();
    let working = tokio::spawn({
        let (other, stop) = (other.clone(), stop.clone());
        async move { other.work(stop, Duration::ZERO).await }
    });
    // The first process ends, and gives back what it did not bring to an end.
    let ended = CancellationToken::new();
    ended.cancel();
    one.work(ended, Duration::ZERO).await;
    let refusal = outcome(&other, &caller, task.id).await.unwrap_err();
    assert_eq!(
        (refusal.sqlstate.as_str(), refusal.rule.as_deref()),
        ("28000", Some("login.own")),
        "{refusal}"
    );
    stop.cancel();
    working.await.unwrap();
}

#[tokio::test]
async fn a_task_ends_with_the_login_that_it_runs_under() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    office.admin(WAIT).await;
    let anna = office.person("anna", &office.analyst).await;
    let served = office.own_with(policy(OPEN), 5, Duration::from_secs(300));
    let gateway = gateway(served);
    let caller = with_login("anna", &anna, CANARY);
    let begun = gateway.submit(&caller, request("SELECT app.wait(600)"), None).await.unwrap();
    let admin = office.database.admin().await;
    let sql = "SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active' AND query LIKE '%wait%'";
    until("it runs", async || (!admin.query(sql, &[&anna]).await.unwrap().is_empty()).then_some(())).await;
    gateway.close_login("anna", "elsewhere");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!admin.query(sql, &[&anna]).await.unwrap().is_empty(), "a login to another database has ended");
    gateway.close_login("anna", "office");
    let refusal = outcome(&gateway, &caller, begun.id).await.unwrap_err();
    assert_eq!(refusal.rule.as_deref(), Some("login.ended"), "{refusal}");
    until("no statement", async || admin.query(sql, &[&anna]).await.unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn more_tasks_than_one_person_may_have_are_refused_instead_of_queued() {
    let cluster = asking().await;
    let office = Office::furnish(Database::create_in(&cluster, Template::Empty).await).await;
    office.admin(WAIT).await;
    let anna = office.person("anna", &office.analyst).await;
    let served = office.own_with(policy(OPEN), 5, Duration::from_secs(300));
    let gateway = gateway(served);
    let caller = with_login("anna", &anna, CANARY);
    let most = gateway.task_settings().running_per_owner;
    for number in 0..most {
        gateway.submit(&caller, request(&format!("SELECT app.wait(60), {number}")), None).await.unwrap();
    }
    let refusal = gateway.submit(&caller, request("SELECT app.wait(60), -1"), None).await.unwrap_err();
    assert_eq!((refusal.rule.as_deref(), refusal.retryable), (Some("limits.tasks"), true));
    gateway.forget(&Caller::local("anna")).await.unwrap();
}
