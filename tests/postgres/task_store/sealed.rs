//! What stands in the tables tells nothing of what callers said and got.

use pgwarden::store::MasterKey;
use pgwarden::tasks::{End, NewTask, PostgresStore, Store, TaskSettings};

use super::{PACE, connection, holder, owner, store, task};
use crate::support::{Database, Template};

/// No compression makes anything else of it.
const MARK: &str = "k3Vq9ZxW7pLm2RtY8nBc";

#[tokio::test]
async fn no_column_of_any_table_shows_what_was_said() {
    let database = Database::create(Template::Empty).await;
    let store = store(&database, TaskSettings::default()).await;
    let (owner, holder) = (owner("ada"), holder());
    let marked = |what: &str| format!("{what} {MARK}");
    let new = NewTask {
        question: marked("question"),
        message: marked("message"),
        holder: Some(holder),
        fingerprint: *b"FINGERPRINT-FINGERPRINT-FINGERPR",
        ..task(&owner)
    };
    store.create(new.clone()).await.unwrap();
    let runs = store.create(NewTask { message: marked("message"), ..task(&owner) }).await.unwrap();
    let end = End::Completed { answer: marked("answer"), pages: Some(marked("header")) };
    assert!(store.finish(holder, new.id, end).await.unwrap());
    assert!(store.append(holder, new.id, marked("chunk").into_bytes()).await.unwrap());
    assert!(store.close_pages(holder, new.id, &marked("end")).await.unwrap());
    store.claim(holder, 1).await.unwrap().unwrap();
    assert!(store.note(holder, runs.id, &marked("note")).await.unwrap());
    // One that fails for the reason, and one whose pages end with it.
    store.create(NewTask { holder: Some(holder), listed: false, ..task(&owner) }).await.unwrap();
    let paged = store.create(NewTask { holder: Some(holder), ..task(&owner) }).await.unwrap();
    let end = End::Completed { answer: String::new(), pages: Some(String::new()) };
    assert!(store.finish(holder, paged.id, end).await.unwrap());
    store.hand_over(holder, &marked("reason")).await.unwrap();

    let admin = database.admin().await;
    let tables = "SELECT relname::text FROM pg_catalog.pg_class
                  WHERE relnamespace = 'pgwarden'::regnamespace AND relkind = 'r'";
    let mut dump = Vec::new();
    for table in admin.query(tables, &[]).await.unwrap() {
        let table: String = table.get(0);
        let rows = format!("SELECT to_jsonb(t)::text FROM pgwarden.{table} AS t");
        for row in admin.query(&rows, &[]).await.unwrap() {
            dump.extend(row.get::<_, String>(0).into_bytes());
        }
    }
    let dump = String::from_utf8(dump).unwrap();
    assert!(dump.contains("https://issuer.test") && dump.contains(&new.id.to_string()), "{dump}");
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for secret in [MARK, "FINGERPRINT"] {
        assert!(!dump.contains(secret), "{dump}");
        assert!(!dump.contains(&hex(secret)), "{dump}");
    }
    // And all of it comes back.
    let read = store.get(&owner, new.id).await.unwrap().unwrap();
    assert_eq!((read.question, read.fingerprint), (new.question, new.fingerprint));
    assert_eq!((read.answer, read.pages.header), (Some(marked("answer")), marked("header")));
    assert_eq!(read.pages.end, Some(marked("end")));
}

#[tokio::test]
async fn what_was_moved_to_another_place_is_not_read() {
    let database = Database::create(Template::Empty).await;
    let store = store(&database, TaskSettings::default()).await;
    let (owner, holder) = (owner("ada"), holder());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let new = NewTask { holder: Some(holder), ..task(&owner) };
        store.create(new.clone()).await.unwrap();
        let end = End::Completed { answer: "a".to_owned(), pages: Some("h".to_owned()) };
        assert!(store.finish(holder, new.id, end).await.unwrap());
        for chunk in 0..2 {
            assert!(store.append(holder, new.id, vec![chunk; 9]).await.unwrap());
        }
        ids.push(new.id);
    }
    let altered = "the store holds a value that was altered, or that another key has sealed";
    let admin = database.admin().await;
    let chunks = "UPDATE pgwarden.chunk SET sealed = other.sealed FROM pgwarden.chunk AS other
                  WHERE other.task = chunk.task AND other.number = 1 - chunk.number";
    admin.batch_execute(chunks).await.unwrap();
    for number in 0..2 {
        assert_eq!(store.chunk(&owner, ids[0], number).await.unwrap_err().message, altered);
    }
    admin.batch_execute(chunks).await.unwrap();
    assert_eq!(store.chunk(&owner, ids[0], 1).await.unwrap(), Some(vec![1; 9]));
    admin
        .batch_execute(
            "UPDATE pgwarden.chunk SET sealed = other.sealed FROM pgwarden.chunk AS other
             WHERE other.task <> chunk.task AND other.number = chunk.number",
        )
        .await
        .unwrap();
    assert_eq!(store.chunk(&owner, ids[1], 0).await.unwrap_err().message, altered);
    admin.batch_execute("UPDATE pgwarden.task SET answer = header").await.unwrap();
    assert_eq!(store.get(&owner, ids[0]).await.unwrap_err().message, altered);
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let database = Database::create(Template::Empty).await;
    let one = store(&database, TaskSettings::default()).await;
    let owner = owner("ada");
    let new = one.create(task(&owner)).await.unwrap();
    let key = MasterKey::new([8; 32]);
    let other =
        PostgresStore::open(connection(&database), TaskSettings::default(), &key, PACE).await.unwrap();
    assert!(other.get(&owner, new.id).await.unwrap_err().message.contains("another key"));
    assert_eq!(other.same(&owner, new.fingerprint).await.unwrap(), None);
}
