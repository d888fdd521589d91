//! Policies at run time: whose is which, what happens when names or files change under them.

mod limited;
mod reload;
pub mod serving;
mod vanished;

use std::path::{Path, PathBuf};
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{
    CallLimits, DescribeRequest, Gateway, Policies, PolicySource, QueryOutput, QueryRequest, SearchRequest,
    Served, When,
};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::support::{Database, READER, Template, gate};

/// A policy that allows these relations.
fn allowing(names: &[&str]) -> String {
    format!("version = 1\ninclude = []\n[[allow]]\nselect = {names:?}\n")
}

fn when(name: &str, value: &str) -> When {
    When::new([(name.to_owned(), value.to_owned())].into()).unwrap()
}

fn parsed(text: &str) -> Policy {
    Policy::parse(text, "policy.toml").unwrap()
}

fn limits() -> CallLimits {
    CallLimits { rows: 1_000, characters: 40_000, field_characters: 4_000, deadline: Duration::from_secs(30) }
}

fn gateway_with(database: &Database<'_>, policies: impl Into<Policies>) -> Gateway {
    let served = Served::new(gate(&database.url(READER)), policies);
    Gateway::new(vec![served], limits(), Telemetry::default())
}

fn load(path: &Path) -> Policies {
    Policies::new(Vec::new(), Some(PolicySource::load(path, |_| None).unwrap()))
}

fn caller(claims: &[(&str, &str)]) -> Caller {
    Caller { claims: claims.iter().copied().collect(), ..Caller::local("tester") }
}

async fn ask(gateway: &Gateway, caller: &Caller, sql: &str) -> Result<QueryOutput, Diagnostic> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    gateway.now().query(caller, request, &CancellationToken::new()).await
}

async fn query(gateway: &Gateway, sql: &str) -> Result<QueryOutput, Diagnostic> {
    ask(gateway, &caller(&[]), sql).await
}

fn rule(outcome: Result<QueryOutput, Diagnostic>) -> String {
    outcome.unwrap_err().rule.unwrap()
}

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// In one step, as an editor does.
    pub fn put(&self, name: &str, text: &str) -> PathBuf {
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, self.path(name)).unwrap();
        self.path(name)
    }
}

#[tokio::test]
async fn a_caller_has_the_first_policy_whose_condition_they_meet() {
    let database = Database::create(Template::Shop).await;
    let mapped = vec![
        (when("role", "support"), PolicySource::fixed(parsed(&allowing(&["shop.support_tickets"])))),
        (when("role", "analyst"), PolicySource::fixed(parsed(&allowing(&["shop.orders"])))),
    ];
    let others = PolicySource::fixed(parsed(&allowing(&["shop.products"])));
    let gateway = gateway_with(&database, Policies::new(mapped, Some(others)));
    for (role, allowed) in [
        ("support", "support_tickets"),
        ("analyst", "orders"),
        ("analyst,support", "support_tickets"),
        ("clerk analyst", "orders"),
        ("supporter", "products"),
        ("", "products"),
    ] {
        let caller = caller(&[("role", role)]);
        for relation in ["support_tickets", "orders", "products"] {
            let answer = ask(&gateway, &caller, &format!("SELECT count(*) FROM shop.{relation}")).await;
            assert_eq!(answer.is_ok(), relation == allowed, "{role}: {relation}");
        }
        // The tools that show the schema follow the same policy.
        let found = gateway
            .search_objects(
                &caller,
                SearchRequest { limit: Some(9), ..SearchRequest::default() },
                &CancellationToken::new(),
            )
            .await;
        let found = found.unwrap().0;
        let names: Vec<&str> =
            found["objects"].as_array().unwrap().iter().map(|o| o["relation"].as_str().unwrap()).collect();
        assert_eq!(names, [format!("shop.{allowed}")], "{role}");
    }
}

#[tokio::test]
async fn a_caller_whom_no_policy_is_for_gets_nothing() {
    let database = Database::create(Template::Shop).await;
    let support = PolicySource::fixed(Policy::builtin());
    let gateway = gateway_with(&database, Policies::new(vec![(when("role", "support"), support)], None));
    ask(&gateway, &caller(&[("role", "support")]), "SELECT 1").await.unwrap();
    assert_eq!(rule(ask(&gateway, &caller(&[("role", "boss")]), "SELECT 1").await), "policy.none");
    let none = CancellationToken::new();
    let request = DescribeRequest { relations: vec!["shop.orders".to_owned()], ..DescribeRequest::default() };
    let described = gateway.describe(&caller(&[]), request, &none).await;
    assert_eq!(described.unwrap_err().rule.unwrap(), "policy.none");
    let listed = gateway.list_resources(&caller(&[])).await.unwrap();
    assert!(listed.len() == 1 && listed[0].description.starts_with("not ready"), "{listed:?}");
}
