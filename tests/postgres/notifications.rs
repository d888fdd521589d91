//! Changes of the schema reach whoever asked to be told of them, and nobody else.

mod bounds;
mod hidden;
mod lost;
mod peer;
mod policy;

use pgwarden::db::notify::{INSTALL, REMOVE};
use pgwarden::gateway::{CallLimits, Gateway, Policies, Served};
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use std::time::Duration;

use crate::support::{Database, READER, Template, gate_with, until};
use peer::{Peer, Way};

const ORDERS: &str = "postgres://shop/shop/orders";
const GADGETS: &str = "postgres://shop/shop/gadgets";
const SCHEMA: &str = "postgres://shop/shop";

/// How the server gets to know of changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    Poll,
    Trigger,
}

fn gateway(database: &Database<'_>, policies: impl Into<Policies>) -> Gateway {
    let gate = gate_with(&database.url(READER), |settings| settings.name = "shop".to_owned());
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    Gateway::new(vec![Served::new(gate, policies)], limits, Telemetry::default())
}

/// A database that tells of changes in that way, and a gateway before it.
async fn served(database: &Database<'_>, source: Source) -> Gateway {
    if source == Source::Trigger {
        database.admin().await.batch_execute(INSTALL).await.unwrap();
    }
    let gateway = gateway(database, Policy::builtin());
    gateway.ready().await.unwrap();
    gateway
}

/// Somebody of ours listens in the database.
async fn listens(database: &Database<'_>) {
    let admin = database.admin().await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query = 'LISTEN pgwarden_ddl'";
    until("it listens", async || {
        let count: i64 = admin.query_one(sql, &[&database.name()]).await.unwrap().get(0);
        (count > 0).then_some(())
    })
    .await;
}

async fn every_change_is_told(source: Source) {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, source).await;
    let mut peers = Vec::new();
    for way in Way::ALL {
        peers.push(Peer::start(way, &gateway, &[ORDERS, GADGETS, SCHEMA]).await);
    }
    if source == Source::Trigger {
        listens(&database).await;
    }
    let grant = format!("GRANT SELECT ON shop.gadgets TO {READER}");
    let create = format!("CREATE TABLE shop.gadgets (id integer PRIMARY KEY); {grant}");
    let revoke = format!("REVOKE SELECT ON shop.gadgets FROM {READER}");
    let column = format!("GRANT SELECT (id) ON shop.gadgets TO {READER}");
    let all = ["resources", GADGETS, SCHEMA];
    for (sql, expected) in [
        (create.as_str(), &all[..]),
        ("ALTER TABLE shop.gadgets ADD COLUMN weight numeric", &[GADGETS]),
        ("ALTER TABLE shop.orders ADD COLUMN remark text", &[ORDERS]),
        ("COMMENT ON COLUMN shop.orders.remark IS 'said at the door'", &[ORDERS]),
        ("COMMENT ON TABLE shop.orders IS 'what was bought'", &["resources", ORDERS, SCHEMA]),
        (revoke.as_str(), &all),
        (grant.as_str(), &all),
        ("ALTER TABLE shop.gadgets RENAME COLUMN weight TO mass", &[GADGETS]),
        ("ALTER TABLE shop.gadgets ALTER COLUMN mass TYPE text", &[GADGETS]),
        ("ALTER TABLE shop.gadgets ALTER COLUMN mass SET NOT NULL", &[GADGETS]),
        ("ALTER TABLE shop.gadgets ADD CHECK (id > 0)", &[GADGETS]),
        ("CREATE INDEX gadgets_mass ON shop.gadgets (mass)", &[GADGETS]),
        (&format!("{revoke}; {column}"), &[GADGETS]),
        ("DROP TABLE shop.gadgets", &all),
    ] {
        admin.batch_execute(sql).await.unwrap();
        for peer in &mut peers {
            peer.hears(sql, expected).await;
        }
    }
    for peer in &mut peers {
        peer.is_left_alone("nothing else happened").await;
    }
}

#[tokio::test]
async fn every_change_is_told_in_both_eras_on_both_transports() {
    every_change_is_told(Source::Poll).await;
}

#[tokio::test]
async fn every_change_is_told_where_the_database_tells_of_it_itself() {
    every_change_is_told(Source::Trigger).await;
}

#[tokio::test]
async fn what_is_told_is_read_by_the_next_question() {
    let database = Database::create(Template::Shop).await;
    let gateway = served(&database, Source::Poll).await;
    let mut peer = Peer::start(Way::StdioSession, &gateway, &[ORDERS]).await;
    database.admin().await.batch_execute("ALTER TABLE shop.orders ADD COLUMN fresh_one text").await.unwrap();
    peer.hears("a column", &[ORDERS]).await;
    let page = peer.ask("resources/read", serde_json::json!({"uri": ORDERS})).await;
    assert!(page["result"]["contents"][0]["text"].as_str().unwrap().contains("fresh_one"), "{page}");
}

#[tokio::test]
async fn a_trigger_that_comes_and_goes_is_noticed() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let gateway = served(&database, Source::Poll).await;
    let mut peer = Peer::start(Way::StdioListen, &gateway, &[ORDERS]).await;
    admin.batch_execute(INSTALL).await.unwrap();
    listens(&database).await;
    // Whoever makes tables may be somebody without any right to the function, or to pg_notify().
    let owner = database.create_role("owner", "").await;
    let own = format!(
        "CREATE SCHEMA made AUTHORIZATION {owner};
         REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC;
         SET ROLE {owner};
         CREATE TABLE made.thing (id integer); DROP TABLE made.thing;
         RESET ROLE"
    );
    admin.batch_execute(&own).await.unwrap();
    admin.batch_execute("ALTER TABLE shop.orders ADD COLUMN one text").await.unwrap();
    peer.hears("with the trigger", &[ORDERS]).await;
    admin.batch_execute(REMOVE).await.unwrap();
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgwarden_notify'";
    assert_eq!(admin.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    admin.batch_execute("ALTER TABLE shop.orders ADD COLUMN two text").await.unwrap();
    let heard = peer.next(Duration::from_secs(15)).await.expect("told once the poll is quick again");
    assert_eq!(heard["params"]["uri"], ORDERS);
}
