//! The store's database goes away and comes back.

use std::time::Duration;

use pgwarden::embedded::Settings;
use pgwarden::tasks::{Change, Store, TaskSettings};
use tokio::sync::broadcast::Receiver;

use super::{LOST, holder, owner, store, task};
use crate::support::{Cluster, Database, Template, until};

async fn told(changes: &mut Receiver<Change>, awaited: Change) {
    let told = async { while changes.recv().await.unwrap() != awaited {} };
    tokio::time::timeout(Duration::from_secs(20), told).await.expect("it is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_survived_and_changes_are_heard_again() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Empty).await;
    let store = store(&database, TaskSettings::default()).await;
    let (owner, holder) = (owner("ada"), holder());
    let new = store.create(task(&owner)).await.unwrap();
    let work = store.claim(holder, 1).await.unwrap().unwrap();
    let mut changes = store.changes();
    tokio::task::block_in_place(|| cluster.restart());
    let found = until("the store answers", || async { store.get(&owner, new.id).await.ok() }).await;
    assert_eq!(found.unwrap(), work.task);
    // Told by a notification, or once somebody listens again.
    assert!(store.note(holder, new.id, "again").await.unwrap());
    told(&mut changes, Change { id: new.id, cancelled: false }).await;
    store.beat(holder, LOST).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_while_nobody_listens_is_told_later() {
    let database = Database::create(Template::Empty).await;
    let store = store(&database, TaskSettings::default()).await;
    let owner = owner("ada");
    let admin = database.admin().await;
    for _ in 0..5 {
        let new = store.create(task(&owner)).await.unwrap();
        let mut changes = store.changes();
        // As another replica would, silently: all connections end at once, the listening one too.
        let silent = "UPDATE pgwarden.task SET state = 'cancelled', updated_at = pg_catalog.now()";
        admin
            .batch_execute(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity
                 WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()",
            )
            .await
            .unwrap();
        admin.batch_execute(silent).await.unwrap();
        told(&mut changes, Change { id: new.id, cancelled: true }).await;
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_reached_says_so_without_details() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Empty).await;
    let store = store(&database, TaskSettings::default()).await;
    let owner = owner("ada");
    database.admin().await.batch_execute("DROP SCHEMA pgwarden CASCADE").await.unwrap();
    let error = store.create(task(&owner)).await.unwrap_err();
    assert!(error.message.starts_with("the store does not have the tables"), "{error}");
    assert!(error.hint.as_ref().unwrap().contains("run pgwarden migrate"), "{error}");
    drop(database);
    drop(cluster);
    let error = store.create(task(&owner)).await.unwrap_err();
    assert_eq!((error.message.as_str(), error.retryable), ("the store cannot be reached", true));
}
