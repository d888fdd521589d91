//! Nothing that the policy hides is in any answer: not its name, and not that there is something to find.

use serde_json::{Value, json};

use super::{NOTHING, ask, empty, found, gateway, run, watcher};
use crate::support::until;

/// A fault of each kind, twice: in what is shown, and in what has the marker in its name.
const FAULTS: &str = "
    CREATE SCHEMA shop; CREATE SCHEMA zebra_schema;
    CREATE TABLE shop.customers (id int PRIMARY KEY, zebra_ref int);
    CREATE TABLE shop.zebra_table (id serial PRIMARY KEY, customer_id int REFERENCES shop.customers);
    CREATE TABLE zebra_schema.notes (id serial PRIMARY KEY, customer_id int REFERENCES shop.customers);
    CREATE TABLE shop.orders (
        id int PRIMARY KEY, customer_id int REFERENCES shop.customers, zebra_column serial,
        hidden_key int REFERENCES shop.zebra_table
    );
    ALTER TABLE shop.orders ADD FOREIGN KEY (zebra_column) REFERENCES shop.customers NOT VALID;
    INSERT INTO shop.customers SELECT n FROM generate_series(1, 60000) AS n;
    INSERT INTO shop.zebra_table (customer_id) SELECT n FROM generate_series(1, 60000) AS n;
    INSERT INTO zebra_schema.notes (customer_id) SELECT n FROM generate_series(1, 60000) AS n;
    DELETE FROM shop.zebra_table WHERE id > 100; DELETE FROM zebra_schema.notes WHERE id > 100;
    INSERT INTO shop.orders (id) SELECT n FROM generate_series(1, 60000) AS n;
    CREATE INDEX orders_zebra_column ON shop.orders (zebra_column);
    CREATE INDEX orders_zebra_column_again ON shop.orders (zebra_column);
    CREATE INDEX orders_some_zebra_column ON shop.orders (customer_id) WHERE zebra_column > 1;
    CREATE INDEX orders_some_zebra_column_again ON shop.orders (customer_id) WHERE zebra_column > 1;
    CREATE INDEX ON shop.zebra_table (customer_id); CREATE INDEX ON shop.zebra_table (customer_id);
    CREATE INDEX ON zebra_schema.notes (id); CREATE INDEX zebra_again ON zebra_schema.notes (id);
    CREATE INDEX not_zebra_column ON shop.orders (id);
    SELECT setval('shop.orders_zebra_column_seq', 2000000000), setval('shop.zebra_table_id_seq', 2000000000),
        setval('zebra_schema.notes_id_seq', 2000000000);
    ALTER TABLE shop.zebra_table SET (autovacuum_enabled = off);
";

const RULES: &str = "
    [[allow]]
    select = [\"shop.*\"]
    [[deny]]
    select = [\"shop.zebra_table\", \"shop.zebra_table_*\"]
    [[deny]]
    select = [\"shop.orders.zebra_column\", \"shop.customers.zebra_ref\"]
";

#[tokio::test]
async fn no_answer_names_or_counts_what_is_hidden() {
    let database = empty().await;
    run(&database, FAULTS).await;
    let gateway = gateway(&database, Some(&watcher(&database).await), RULES).await;
    // Locks on something hidden, and on something shown.
    let (holder, one, other) = (database.admin().await, database.admin().await, database.admin().await);
    holder.batch_execute("BEGIN; LOCK TABLE shop.zebra_table; LOCK TABLE shop.customers").await.unwrap();
    let waits = [
        tokio::spawn(async move { one.batch_execute("SELECT FROM shop.zebra_table").await }),
        tokio::spawn(async move { other.batch_execute("SELECT FROM shop.customers").await }),
    ];
    until("the lock of what is shown is waited for", async || found(&gateway, "locks").await.pop()).await;
    let report = until("both wait, and all is counted", async || {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let waiting: i64 = database.admin().await.query_one(waiting, &[]).await.unwrap().get(0);
        let report = ask(&gateway, &[]).await.unwrap();
        let statistics = report.to_string().matches("\"check\":\"statistics\"").count();
        (waiting == 2 && statistics == 2).then_some(report)
    })
    .await;
    assert!(!report.to_string().contains("zebra"), "{report:#}");
    let of = |check: &str| -> Vec<Value> {
        let all = report["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == check);
        all.map(|finding| finding["object"].clone()).collect()
    };
    assert_eq!(
        of("foreign_keys"),
        ["shop.orders"],
        "one of three: the others are hidden, or what they refer to"
    );
    assert_eq!(of("locks"), ["shop.customers"]);
    assert_eq!(of("statistics"), ["shop.customers", "shop.orders"]);
    assert_eq!(of("autovacuum"), [Value::Null], "the setting alone");
    for check in ["duplicate_indexes", "sequences", "unused_indexes"] {
        assert_eq!(of(check), NOTHING, "{check}: {report:#}");
        assert!(report["clean"].as_array().unwrap().contains(&json!(check)), "{report:#}");
    }
    drop(holder);
    for waits in waits {
        waits.await.unwrap().unwrap();
    }
}

/// The same faults are there for a caller who sees all.
#[tokio::test]
async fn each_of_them_is_found_where_nothing_is_hidden() {
    let database = empty().await;
    run(&database, FAULTS).await;
    let gateway = gateway(&database, Some(&watcher(&database).await), super::ALL).await;
    for (check, most) in [
        ("foreign_keys", 3),
        ("duplicate_indexes", 4),
        ("unused_indexes", 2),
        ("sequences", 3),
        ("statistics", 3),
    ] {
        until(check, async || {
            let found = found(&gateway, check).await;
            (found.len() >= most && found.iter().any(|f| f.to_string().contains("zebra"))).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn where_rows_are_hidden_nothing_tells_how_many_there_are() {
    let database = empty().await;
    run(
        &database,
        "CREATE SCHEMA shop; CREATE TABLE shop.orders (id serial PRIMARY KEY, tenant int, again int REFERENCES shop.orders);
         INSERT INTO shop.orders (tenant, again) SELECT n, n FROM generate_series(1, 60000) AS n;
         CREATE INDEX orders_tenant ON shop.orders (tenant);
         SELECT setval('shop.orders_id_seq', 2000000000)",
    )
    .await;
    let watcher = watcher(&database).await;
    let rules = "[[allow]]\nselect = [\"shop.*\"]\n";
    let all = gateway(&database, Some(&watcher), rules).await;
    until("the rows are counted", async || found(&all, "statistics").await.pop()).await;
    let filter = "[[filter]]\nrelations = [\"shop.orders\"]\nwhere = \"tenant = 1\"\n";
    let some = gateway(&database, Some(&watcher), &format!("{rules}{filter}")).await;
    assert_eq!(found(&some, "statistics").await, NOTHING);
    for check in ["foreign_keys", "sequences", "unused_indexes"] {
        let (full, less) = (found(&all, check).await, found(&some, check).await);
        assert_eq!((full.len(), less.len()), (1, 1), "{check}");
        let numbers = |finding: &Value| {
            finding["evidence"].as_object().unwrap().values().filter(|v| v.is_number()).count()
        };
        assert!(numbers(&full[0]) > 0 && numbers(&less[0]) == 0, "{less:#?}");
        assert_eq!((&full[0]["object"], &full[0]["remedy"]), (&less[0]["object"], &less[0]["remedy"]));
    }
}
