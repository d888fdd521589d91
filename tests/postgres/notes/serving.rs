//! Notes in use: they change while calls are answered, and what is wrong with them is said and harms nobody.

use std::path::{Path, PathBuf};

use pgwarden::gateway::Health;

use super::*;
use crate::postgres::cli::run;
use crate::support::Template;

/// Gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(database: &Database<'_>) -> Self {
        let folder = std::env::temp_dir().join(format!("{}_notes_{}", database.name(), std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn noted(note: &str) -> String {
    format!("version = 1\n[[relation]]\nname = \"shop.orders\"\nnote = \"{note}\"\n")
}

async fn note_of_orders(gateway: &Gateway) -> Value {
    describe(&gateway.now(), of("shop.orders")).await.unwrap()[0]["note"].clone()
}

#[tokio::test]
async fn notes_that_change_are_taken_whole_or_not_at_all() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new(&database);
    let path = folder.put("notes.toml", &noted("first"));
    let gateway = gateway(&database, Policy::builtin(), NotesSource::load(&path).unwrap());
    assert_eq!(note_of_orders(&gateway).await, "first");
    let texts = gateway.texts();
    assert!(!gateway.files_changed());

    folder.put("notes.toml", &noted("second"));
    assert!(gateway.files_changed() && gateway.texts() != texts);
    gateway.reload(false).await;
    assert_eq!(note_of_orders(&gateway).await, "second");
    assert!(!gateway.files_changed());

    folder.put("notes.toml", "version = 1\nabuot = \"x\"\n");
    gateway.reload(false).await;
    assert_eq!(note_of_orders(&gateway).await, "second", "what cannot be used is not");
    assert!(gateway.has_faults());
    let Health::Degraded { notes: places, .. } = gateway.health().await else { panic!("not degraded") };
    assert!(places[0].to_string().ends_with("notes.toml:2:1"), "{places:?}");

    std::fs::remove_file(&path).unwrap();
    gateway.reload(true).await;
    assert_eq!(note_of_orders(&gateway).await, "second", "nor is what is gone");
    folder.put("notes.toml", &noted("third"));
    gateway.reload(false).await;
    assert_eq!(note_of_orders(&gateway).await, "third");
    assert!(!gateway.has_faults() && matches!(gateway.health().await, Health::Ready));
}

fn config(folder: &Folder, database: &Database<'_>, notes: &str) -> PathBuf {
    folder.put("notes.toml", notes);
    let url = database.url(READER);
    folder.put("pgwarden.toml", &format!("[databases.shop]\nurl = \"{url}\"\nnotes = \"notes.toml\"\n"))
}

fn with_config(words: &[&str], config: &Path, rest: &[&str]) -> (i32, String, String) {
    let ended = run(&[words, &["--config", config.to_str().unwrap()], rest].concat());
    (ended.status, ended.out, ended.err)
}

#[tokio::test]
async fn names_that_nobody_has_are_reported_and_no_failure() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new(&database);
    let text = "version = 1\n[[relation]]\nname = \"shop.ordres\"\n";
    let config = config(&folder, &database, text);
    let wanted = "notes.toml:3:8: relation `shop.ordres` does not exist: did you mean `shop.orders`?";
    let (status, out, err) = with_config(&["check"], &config, &["SELECT 1"]);
    assert_eq!(status, 0, "{err}");
    assert!(out.starts_with("allowed") && err.contains(wanted), "{err}");
    let (status, out, err) = with_config(&["doctor"], &config, &[]);
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        out.lines().any(|line| line.starts_with("  note      notes: ") && line.ends_with(wanted)),
        "{out}"
    );
    let (_, out, _) = with_config(&["doctor"], &config, &["--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(report["notes"][0].as_str().unwrap().ends_with(wanted) && report["healthy"] == true, "{report}");
}

#[tokio::test]
async fn notes_that_cannot_be_read_are_an_error_with_a_place() {
    let database = Database::create(Template::Shop).await;
    let folder = Folder::new(&database);
    let broken = config(&folder, &database, "version = 1\n[[relaton]]\nname = \"shop.orders\"\n");
    let (status, _, err) = with_config(&["check"], &broken, &["SELECT 1"]);
    assert_eq!(status, 1);
    assert!(err.contains("notes.toml:2:3: unknown key `relaton`: did you mean `relation`?"), "{err}");
    std::fs::remove_file(folder.0.join("notes.toml")).unwrap();
    let (status, _, err) = with_config(&["serve", "--stdio"], &broken, &[]);
    assert_eq!(status, 1);
    assert!(err.contains("notes.toml:1:1: the notes cannot be read"), "{err}");
}
