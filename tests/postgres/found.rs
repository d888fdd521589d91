//! `search` and `fetch` against a real database: what is found, by whom, and in which form.

mod hidden;
mod page;
mod questions;
mod serving;
mod sources;

use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::gateway::{
    CallLimits, Documents, FoundDocument, FoundResults, Gateway, Matching, Notes, NotesSource, Served,
};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::support::{Database, READER, Template, gate_with};

/// Lets everybody read the shop.
const SHOP: &str = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.*\"]\n";

const ARTICLES: &str = include_str!("found/articles.sql");

/// The sample shop with a knowledge base.
async fn database() -> Database<'static> {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    admin.batch_execute(ARTICLES).await.unwrap();
    admin.batch_execute(&format!("GRANT SELECT ON shop.articles TO {READER}")).await.unwrap();
    database
}

fn articles() -> Documents {
    Documents {
        name: "articles".to_owned(),
        relation: Documents::relation("shop.articles").unwrap(),
        id: vec!["id".to_owned()],
        title: "title".to_owned(),
        text: vec!["body".to_owned()],
        matching: Matching::Fulltext { language: "english".to_owned(), vector: None },
        url: None,
    }
}

fn served(name: &str, database: &Database<'_>, policy: &str, documents: Vec<Documents>) -> Served {
    let gate = gate_with(&database.url(READER), |settings| settings.name = name.to_owned());
    Served::new(gate, Policy::parse(policy, "policy.toml").unwrap()).with_documents(documents)
}

async fn gateway_of(all: Vec<Served>) -> Gateway {
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(60),
    };
    let gateway = Gateway::new(all, limits, Telemetry::default()).with_search_and_fetch(true);
    gateway.ready().await.unwrap();
    gateway
}

/// Over the articles, under a policy.
async fn gateway(database: &Database<'_>, policy: &str) -> Gateway {
    gateway_of(vec![served("shop", database, policy, vec![articles()])]).await
}

async fn search(gateway: &Gateway, question: &str) -> Result<FoundResults, Diagnostic> {
    gateway.search(&anna(), question, None, &CancellationToken::new()).await
}

async fn ids(gateway: &Gateway, question: &str) -> Vec<String> {
    search(gateway, question).await.unwrap().results.into_iter().map(|result| result.id).collect()
}

/// Those of rows.
async fn rows(gateway: &Gateway, question: &str) -> Vec<String> {
    let mut ids = ids(gateway, question).await;
    ids.retain(|id| id.starts_with("row:"));
    ids
}

async fn fetch(gateway: &Gateway, id: &str) -> Option<FoundDocument> {
    gateway.fetch(&anna(), id, None, &CancellationToken::new()).await.unwrap()
}

fn notes(text: &str) -> NotesSource {
    NotesSource::fixed(Notes::parse(text, "notes.toml").unwrap())
}

fn anna() -> Caller {
    Caller::local("anna")
}
