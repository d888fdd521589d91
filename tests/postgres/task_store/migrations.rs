//! The store's schema.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use pgwarden::store::MasterKey;
use pgwarden::store::migrate::{migrate, pending};
use pgwarden::tasks::{PostgresStore, TaskSettings};

use super::{PACE, connection, store};
use crate::support::{Database, READER, Template};

async fn refusal(database: &Database<'_>) -> String {
    let key = MasterKey::new([7; 32]);
    let opened = PostgresStore::open(connection(database), TaskSettings::default(), &key, PACE).await;
    let refusal = opened.unwrap_err();
    format!("{} / {}", refusal.message, refusal.hint.unwrap_or_default())
}

#[tokio::test]
async fn what_is_missing_is_applied_once() {
    let database = Database::create(Template::Empty).await;
    let connection = connection(&database);
    assert_eq!(
        refusal(&database).await,
        "the store's database lacks migration 1 (`tasks`): run pgwarden migrate / "
    );
    let all = pending(&connection).await.unwrap().len();
    assert!(all > 0);
    let (one, two) = tokio::join!(migrate(&connection), migrate(&connection));
    assert_eq!(one.unwrap().len() + two.unwrap().len(), all, "one of two at once has nothing to do");
    assert!(migrate(&connection).await.unwrap().is_empty());
    assert!(pending(&connection).await.unwrap().is_empty());
    store(&database, TaskSettings::default()).await;
}

#[tokio::test]
async fn another_history_is_refused() {
    let database = Database::create(Template::Empty).await;
    store(&database, TaskSettings::default()).await;
    let admin = database.admin().await;
    admin.batch_execute("INSERT INTO pgwarden.migration VALUES (9999, 'x', 'x')").await.unwrap();
    let words = refusal(&database).await;
    assert!(words.contains("has migration 9999, of a newer pgwarden"), "{words}");
    assert!(words.contains("run pgwarden migrate"), "{words}");
    admin.batch_execute("DELETE FROM pgwarden.migration WHERE version = 9999").await.unwrap();
    admin.batch_execute("UPDATE pgwarden.migration SET checksum = 'other'").await.unwrap();
    let words = refusal(&database).await;
    assert!(words.contains("migration 1 (`tasks`) of the store's database is another one"), "{words}");
    assert!(words.contains("run pgwarden migrate"), "{words}");
    migrate(&connection(&database)).await.unwrap_err();
}

#[tokio::test]
async fn the_command_says_what_it_did() {
    let database = Database::create(Template::Empty).await;
    let url = database.admin_url();
    let run = |arguments: &[&str], store: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
        command.arg("migrate").args(arguments).env_remove("PGWARDEN_STORE");
        let output = command.envs(store.map(|store| ("PGWARDEN_STORE", store))).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    };
    let (success, words) = run(&[], None);
    assert!(!success && words.contains("--store"), "{words}");
    let (success, words) = run(&["--dry-run"], Some(&url));
    assert!(success && words.starts_with("would apply 0001 tasks in `"), "{words}");
    let (success, words) = run(&["--store", &url], None);
    assert!(success && words.starts_with("applied 0001 tasks in `"), "{words}");
    let (success, words) = run(&["--store", &url], None);
    assert!(success && words.ends_with("is up to date\n"), "{words}");
    let (success, words) = run(&["--store", "postgres://u:hush@127.0.0.1:1/x"], None);
    assert!(!success && words.contains("the store: cannot connect"), "{words}");
    assert!(!words.contains("hush"), "{words}");
}

/// `serve` with the store that the environment names, until it has said where tasks are kept or why not.
fn served(database: &Database<'_>, store: Option<&str>, key: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgwarden"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", &database.url(READER)]);
    command.env("PGWARDEN_STORE_KEY", key).stderr(Stdio::piped());
    let mut child = command.envs(store.map(|store| ("PGWARDEN_STORE", store))).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let mut words = String::new();
    for line in log.lines() {
        words.push_str(&line.unwrap());
        words.push('\n');
        if words.contains("listening on") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    words
}

#[tokio::test]
async fn serve_keeps_tasks_where_the_environment_says_or_does_not_start() {
    let database = Database::create(Template::Shop).await;
    let (url, key) = (database.admin_url(), "0f".repeat(32));
    let memory = served(&database, None, "");
    assert!(memory.contains("tasks are kept in memory") && memory.contains("listening on"), "{memory}");
    let bare = served(&database, Some(&url), &key);
    assert!(bare.contains("run pgwarden migrate") && !bare.contains("listening on"), "{bare}");
    migrate(&connection(&database)).await.unwrap();
    let kept = served(&database, Some(&url), &key);
    assert!(kept.contains("tasks are kept in PostgreSQL") && kept.contains("listening on"), "{kept}");
    for (store, key, reason) in [
        (url.as_str(), "", "needs a key"),
        (url.as_str(), "0f0f", "`PGWARDEN_STORE_KEY` is no key"),
        ("postgres://u:hush@127.0.0.1:1/x", key.as_str(), "cannot connect"),
        ("mysql://u:hush@h/x", key.as_str(), "PGWARDEN_STORE"),
    ] {
        let words = served(&database, Some(store), key);
        assert!(words.contains(reason) && !words.contains("listening on"), "{reason}: {words}");
        assert!(!words.contains("hush"), "{words}");
    }
}
