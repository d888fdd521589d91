//! Rows as they were: kept sealed, apart from everything else, for as long as the policy says.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::db::ConnectionSettings;
use pgwarden::gateway::Gateway;
use pgwarden::store::MasterKey;
use pgwarden::store::before::{About, BeforeImages, ImageId};
use pgwarden::store::migrate::migrate;
use serde_json::Value;

use super::{Ground, rule, run, unasked};

const KEEP: &str = "before = \"1h\"\n";

async fn images(ground: &Ground) -> Arc<BeforeImages> {
    let connection = ConnectionSettings::parse(&ground.database.admin_url(), &|_| None).unwrap();
    migrate(&connection).await.unwrap();
    Arc::new(BeforeImages::open(connection, &MasterKey::new([7; 32])).await.unwrap())
}

async fn kept(ground: &Ground, more: &str) -> (Gateway, Arc<BeforeImages>) {
    let images = images(ground).await;
    (ground.gateway(more).with_before_images(Arc::clone(&images)), images)
}

fn rows(text: Vec<u8>) -> Vec<Value> {
    String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn about() -> About {
    About {
        database: "ground".to_owned(),
        relation: "s.customers".to_owned(),
        kind: "UPDATE".to_owned(),
        rows: 1,
        subject: "marker-of-a-subject".to_owned(),
        query_id: "0".repeat(16),
    }
}

/// Every byte that the table holds, as text.
async fn stored(ground: &Ground) -> String {
    ground.one("SELECT COALESCE(string_agg(encode(about, 'escape') || encode(rows, 'escape'), ''), '') FROM pgwarden.before_image").await
}

#[tokio::test]
async fn the_old_rows_of_updates_and_deletes_are_kept_and_sealed() {
    let ground = Ground::new().await;
    ground.admin.batch_execute("UPDATE s.customers SET name = 'marker-of-a-row' WHERE id = 2").await.unwrap();
    let (gateway, images) = kept(&ground, &format!("{}{KEEP}", unasked(10))).await;
    let written = run(&gateway, "UPDATE s.customers SET name = 'new' WHERE id IN (2, 3)").await.unwrap();
    let id: ImageId = written.before.unwrap().parse().unwrap();
    let old = rows(images.rows(id).await.unwrap().unwrap());
    let mut names: Vec<&str> = old.iter().map(|row| row["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["customer 3", "marker-of-a-row"]);
    assert!(old[0].get("secret").is_some(), "the whole row");
    let listed = images.list().await.unwrap();
    assert_eq!((listed.len(), listed[0].id, listed[0].committed, listed[0].about.rows), (1, id, true, 2));
    assert_eq!(
        (listed[0].about.relation.as_str(), listed[0].about.subject.as_str()),
        ("s.customers", "anna")
    );
    let bytes = stored(&ground).await;
    assert!(bytes.len() > 100 && !bytes.contains("marker") && !bytes.contains("customers"), "{bytes}");

    let written = run(&gateway, "DELETE FROM s.visits WHERE id = 1").await.unwrap();
    let id: ImageId = written.before.unwrap().parse().unwrap();
    assert_eq!(rows(images.rows(id).await.unwrap().unwrap())[0]["customer_id"], 1);
    // There are no old rows of these.
    assert_eq!(run(&gateway, "INSERT INTO s.visits VALUES (77)").await.unwrap().before, None);
    assert_eq!(run(&gateway, "DELETE FROM s.visits WHERE id = -1").await.unwrap().before, None);
    // Another key opens nothing.
    let connection = ConnectionSettings::parse(&ground.database.admin_url(), &|_| None).unwrap();
    let other = BeforeImages::open(connection, &MasterKey::new([8; 32])).await.unwrap();
    assert!(other.rows(id).await.is_err() && other.list().await.is_err());
}

#[tokio::test]
async fn a_policy_that_keeps_nothing_leaves_none() {
    let ground = Ground::new().await;
    let (gateway, images) = kept(&ground, &unasked(10)).await;
    assert_eq!(run(&gateway, "UPDATE s.customers SET tier = 'x'  WHERE id = 1").await.unwrap().before, None);
    assert!(images.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_rolled_back_leaves_no_image() {
    let deferred = "CREATE TABLE s.pairs (id integer PRIMARY KEY, other integer REFERENCES s.pairs DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO s.pairs VALUES (1, 1), (2, 2)";
    let ground = Ground::with(deferred).await;
    let grants = "[[allow]]\nselect = [\"s.pairs\"]\n[[allow]]\nupdate = [\"s.pairs\"]\n";
    let (gateway, images) = kept(&ground, &format!("{grants}{}{KEEP}", unasked(2))).await;
    let failed = run(&gateway, "UPDATE s.pairs SET other = 9 WHERE id = 1").await.unwrap_err();
    assert_eq!(failed.sqlstate.as_str(), "23503", "by COMMIT, when the image was there");
    assert!(run(&gateway, "UPDATE s.customers SET tier = 'x'").await.is_err());
    assert_eq!(ground.one("SELECT count(*) FROM pgwarden.before_image").await, "0");
    assert!(images.list().await.unwrap().is_empty());
    run(&gateway, "UPDATE s.pairs SET other = 2 WHERE id = 1").await.unwrap();
    assert_eq!(images.list().await.unwrap().len(), 1);
}

/// The policy promises an image: where none can be made, nothing is written.
#[tokio::test]
async fn without_a_place_for_the_image_nothing_is_written() {
    let ground = Ground::new().await;
    let (gateway, _) = kept(&ground, &format!("{}{KEEP}", unasked(10))).await;
    run(&gateway, "UPDATE s.customers SET tier = 'a' WHERE id = 1").await.unwrap();
    ground.admin.batch_execute("ALTER TABLE pgwarden.before_image RENAME TO away").await.unwrap();
    run(&gateway, "UPDATE s.customers SET tier = 'b' WHERE id = 1").await.unwrap_err();
    assert_eq!(ground.one("SELECT tier FROM s.customers WHERE id = 1").await, "a");
    ground.admin.batch_execute("ALTER TABLE pgwarden.away RENAME TO before_image").await.unwrap();
    let large = "UPDATE s.customers SET secret = repeat('x', 5000000) WHERE id IN (1, 2)";
    ground.admin.batch_execute(large).await.unwrap();
    let refused = run(&gateway, "UPDATE s.customers SET tier = 'c' WHERE id IN (1, 2)").await.unwrap_err();
    assert_eq!(rule(&refused), ("54000", Some("limits.before")));
    run(&gateway, "UPDATE s.customers SET tier = 'c' WHERE id = 1").await.unwrap();
    ground
        .admin
        .batch_execute("UPDATE s.customers SET secret = repeat('x', 50000000) WHERE id = 1")
        .await
        .unwrap();
    let refused = run(&gateway, "UPDATE s.customers SET tier = 'd' WHERE id = 1").await.unwrap_err();
    assert_eq!(rule(&refused), ("54000", Some("limits.before")));
    assert_eq!(
        ground.one("SELECT string_agg(tier, ',' ORDER BY id) FROM s.customers WHERE id < 3").await,
        "c,basic"
    );
}

#[tokio::test]
async fn an_image_expires_and_is_swept() {
    let ground = Ground::new().await;
    let images = images(&ground).await;
    let gone = images.add(&about(), b"{}\n", Duration::ZERO).await.unwrap();
    let kept = images.add(&about(), b"{}\n", Duration::from_secs(600)).await.unwrap();
    assert_eq!(
        (images.rows(gone).await.unwrap(), images.rows(kept).await.unwrap()),
        (None, Some(b"{}\n".to_vec()))
    );
    images.sweep().await.unwrap();
    assert_eq!(ground.one("SELECT count(*) FROM pgwarden.before_image").await, "1");
    let listed = images.list().await.unwrap();
    assert_eq!(
        (listed.len(), listed[0].id, listed[0].committed),
        (1, kept, false),
        "its COMMIT never answered"
    );
    // What was committed is not removed.
    images.committed(kept).await.unwrap();
    images.remove(kept).await.unwrap();
    assert_eq!(images.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_dba_reads_images_with_the_key_of_the_store() {
    let ground = Ground::new().await;
    let (gateway, _) = kept(&ground, &format!("{}{KEEP}", unasked(10))).await;
    let written = run(&gateway, "UPDATE s.customers SET tier = 'x' WHERE id = 4").await.unwrap();
    let program = async |words: &[&str], key: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pgwarden"));
        command.args(words).env("PGWARDEN_STORE", ground.database.admin_url()).env("PGWARDEN_STORE_KEY", key);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text =
            String::from_utf8(if output.status.success() { output.stdout } else { output.stderr }).unwrap();
        (output.status.success(), text)
    };
    let (key, id) = ("07".repeat(32), written.before.unwrap());
    let (listed, text) = program(&["before", "list"], &key).await;
    assert!(
        listed && text.contains(&id) && text.contains("UPDATE ground.s.customers: 1 rows by anna"),
        "{text}"
    );
    let (shown, text) = program(&["before", "show", &id], &key).await;
    assert!(shown && rows(text.into_bytes())[0]["tier"] == "basic");
    let (shown, text) = program(&["before", "show", &id], &"08".repeat(32)).await;
    assert!(!shown && !text.contains("basic"), "{text}");
    let (shown, text) = program(&["before", "show", &"0".repeat(32)], &key).await;
    assert!(!shown && text.contains("expired"), "{text}");
}
