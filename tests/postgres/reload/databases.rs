//! Databases come, go and change while they are used.

use nix::sys::signal::Signal;
use serde_json::json;

use super::serving::call;
use super::*;
use crate::postgres::policies::Folder;
use crate::postgres::policies::serving::Serving;
use crate::support::until;

const SLOW: &str = "SELECT count(*) FROM shop.order_items a, shop.order_items b, shop.order_items c";

fn put(folder: &Folder, entries: &[(&str, &str, &str)]) {
    let entry =
        |(name, url, more): &(&str, &str, &str)| format!("[databases.{name}]\nurl = \"{url}\"\n{more}");
    folder.put("pgwarden.toml", &entries.iter().map(entry).collect::<String>());
}

async fn hangup(serving: &Serving) {
    serving.log.lock().unwrap().clear();
    serving.signal(Signal::SIGHUP);
    serving.logs("configuration taken").await;
}

async fn asked(serving: &Serving, database: &str, sql: &str) -> Value {
    call(&serving.address, "query", json!({"database": database, "sql": sql})).await
}

async fn backends(database: &Database<'_>, login: &str) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()";
    database.admin().await.query_one(count, &[&login]).await.unwrap().get(0)
}

#[tokio::test]
async fn one_that_is_added_is_checked_one_that_is_unchanged_keeps_its_connections_and_one_that_goes_ends_in_order()
 {
    let (database, folder) = (Database::create(Template::Shop).await, Folder::new());
    let other = database.create_login("other").await;
    let grant = format!(
        "GRANT USAGE ON SCHEMA shop TO {other}; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {other}"
    );
    database.admin().await.batch_execute(&grant).await.unwrap();
    let (url, other_url) = (database.url(READER), database.url(&other));
    let kept = ("kept", url.as_str(), "");
    put(&folder, &[kept]);
    let serving = Serving::start(&folder.path("pgwarden.toml")).await;
    let pid = "SELECT count(*) FROM shop.orders";
    assert_eq!(asked(&serving, "kept", pid).await["isError"], false);
    let began = "SELECT min(backend_start)::text FROM pg_stat_activity WHERE usename = $1 AND datname = current_database()";
    let admin = database.admin().await;
    let oldest = async || admin.query_one(began, &[&READER]).await.unwrap().get::<_, Option<String>>(0);
    let first = oldest().await.unwrap();

    put(&folder, &[kept, ("more", &other_url, "")]);
    hangup(&serving).await;
    assert_eq!(asked(&serving, "more", pid).await["isError"], false);
    assert_eq!(asked(&serving, "kept", pid).await["isError"], false);
    assert_eq!(oldest().await.unwrap(), first, "what is the same keeps its connections");

    // A call that runs on it ends on it, though it is gone.
    let address = serving.address.clone();
    let running =
        tokio::spawn(async move { call(&address, "query", json!({"database": "more", "sql": SLOW})).await });
    let is_running = "SELECT 1 FROM pg_stat_activity WHERE usename = $1 AND state = 'active' AND query LIKE '%order_items%' LIMIT 1";
    until("it runs", async || admin.query_opt(is_running, &[&other]).await.unwrap()).await;
    put(&folder, &[kept]);
    hangup(&serving).await;
    let gone = asked(&serving, "more", pid).await;
    assert!(gone.to_string().contains("database `more` does not exist"), "{gone}");
    assert!(admin.query_opt(is_running, &[&other]).await.unwrap().is_some(), "it goes on");
    admin
        .execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = $1", &[&other])
        .await
        .unwrap();
    let ended = running.await.unwrap();
    assert!(ended.is_object(), "{ended}");
    until("its connections are closed", async || (backends(&database, &other).await == 0).then_some(()))
        .await;
    serving.logs("connections of `more` as it was before are closed").await;

    // The same name with another login: other connections.
    put(&folder, &[("kept", &other_url, "pool_size = 2\n")]);
    hangup(&serving).await;
    assert_eq!(asked(&serving, "kept", pid).await["isError"], false);
    until("those of the login before are closed", async || {
        (backends(&database, READER).await == 0).then_some(())
    })
    .await;
    assert!(backends(&database, &other).await > 0);
}
