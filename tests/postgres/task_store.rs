//! Stores of tasks: what every one of them promises (`contract`), and what only the one in PostgreSQL can be asked.

mod contract;
mod figures;
mod inputs;
mod migrations;
mod pages;
mod replicas;
mod restart;
mod sealed;

use std::time::Duration;

use pgwarden::db::ConnectionSettings;
use pgwarden::store::MasterKey;
use pgwarden::store::migrate::migrate;
use pgwarden::tasks::{Holder, NewTask, Owner, Pace, PostgresStore, TaskId, TaskSettings};

use crate::support::Database;

/// Short, so that tests need not wait.
const PACE: Pace = Pace { heartbeat: Duration::from_millis(200), grace: Duration::from_millis(100) };
const LOST: &str = "the process that worked on it is gone";

fn connection(database: &Database<'_>) -> ConnectionSettings {
    ConnectionSettings::parse(&database.admin_url(), &|_| None).unwrap()
}

/// In a database that has its tables.
async fn replica(database: &Database<'_>, settings: TaskSettings) -> PostgresStore {
    PostgresStore::open(connection(database), settings, &MasterKey::new([7; 32]), PACE).await.unwrap()
}

pub async fn store(database: &Database<'_>, settings: TaskSettings) -> PostgresStore {
    migrate(&connection(database)).await.unwrap();
    replica(database, settings).await
}

fn owner(subject: &str) -> Owner {
    Owner { issuer: "https://issuer.test".to_owned(), subject: subject.to_owned(), client: String::new() }
}

fn holder() -> Holder {
    Holder(TaskId::random().unwrap())
}

fn task(owner: &Owner) -> NewTask {
    NewTask {
        id: TaskId::random().unwrap(),
        owner: owner.clone(),
        question: "SELECT 'é'".to_owned(),
        fingerprint: [3; 32],
        listed: true,
        ttl: Duration::from_secs(3600),
        holder: None,
        message: "waits".to_owned(),
    }
}
