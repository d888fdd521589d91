//! Each check of what is in a database finds what was put there, and nothing in a database where nothing was.

use serde_json::json;

use super::{ALL, NOTHING, ask, empty, found, gateway, only, run, watcher};

const SHOP: &str = "CREATE SCHEMA shop;
    CREATE TABLE shop.customers (id int PRIMARY KEY, name text);
    CREATE TABLE shop.orders (id int PRIMARY KEY, customer_id int REFERENCES shop.customers, note text);";

#[tokio::test]
async fn a_database_in_good_order_has_no_findings() {
    let database = empty().await;
    run(&database, SHOP).await;
    run(
        &database,
        "CREATE INDEX ON shop.orders (customer_id);
         INSERT INTO shop.customers SELECT n, 'x' FROM generate_series(1, 500) AS n;
         INSERT INTO shop.orders SELECT n, n, 'y' FROM generate_series(1, 500) AS n;
         CREATE SEQUENCE shop.tickets; SELECT nextval('shop.tickets')",
    )
    .await;
    run(&database, "VACUUM ANALYZE").await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    // What is counted arrives when a session has ended: from PostgreSQL 15 on at once.
    for check in [
        "sequences",
        "statistics",
        "invalid_indexes",
        "duplicate_indexes",
        "unused_indexes",
        "foreign_keys",
        "bloat",
        "wraparound",
        "locks",
        "transactions",
    ] {
        let nothing = async || (found(&gateway, check).await == NOTHING).then_some(());
        crate::support::until(check, nothing).await;
    }
}

#[tokio::test]
async fn an_index_that_was_not_finished_is_invalid() {
    let database = empty().await;
    run(&database, "CREATE TABLE public.t (id int, \"Odd name\" int); INSERT INTO t SELECT 1, 2 FROM generate_series(1, 9)").await;
    let admin = database.admin().await;
    admin.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY \"T unique\" ON t (id)").await.unwrap_err();
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let finding = only(&gateway, "invalid_indexes").await;
    assert_eq!(
        (&finding["object"], &finding["severity"]),
        (&json!("public.\"T unique\""), &json!("warning"))
    );
    assert_eq!(finding["evidence"]["table"], "public.t");
    assert_eq!(finding["evidence"]["unique"], true);
    run(&database, "DELETE FROM t").await;
    run(&database, finding["remedy"].as_str().unwrap()).await;
    assert_eq!(found(&gateway, "invalid_indexes").await, NOTHING, "the remedy helps");
}

#[tokio::test]
async fn of_two_equal_indexes_the_one_that_nothing_stands_on_is_a_duplicate() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int UNIQUE, c int);
         CREATE INDEX t_id ON t (id); CREATE INDEX t_a ON t (a); CREATE INDEX t_a_again ON t (a);
         CREATE INDEX t_a_some ON t (a) WHERE b > 1; CREATE INDEX t_a_down ON t (a DESC); CREATE INDEX t_a_b ON t (a, b);
         CREATE UNIQUE INDEX t_c ON t (c)",
    )
    .await;
    if database.cluster().major() >= 15 {
        run(&database, "CREATE UNIQUE INDEX t_c_nulls ON t (c) NULLS NOT DISTINCT").await;
    }
    let gateway = gateway(&database, None, ALL).await;
    let found = found(&gateway, "duplicate_indexes").await;
    let pairs: Vec<_> = found
        .iter()
        .map(|f| (f["object"].as_str().unwrap(), f["evidence"]["duplicate_of"].as_str().unwrap()))
        .collect();
    assert_eq!(pairs, [("public.t_a_again", "public.t_a"), ("public.t_id", "public.t_pkey")]);
    for finding in &found {
        run(&database, finding["remedy"].as_str().unwrap()).await;
    }
    assert_eq!(super::found(&gateway, "duplicate_indexes").await, NOTHING, "the remedy helps");
}

#[tokio::test]
async fn an_index_that_nothing_reads_is_unused() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int);
         INSERT INTO t SELECT n, n, n FROM generate_series(1, 60000) AS n;
         CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b)",
    )
    .await;
    run(&database, "SET enable_seqscan = off; SELECT id FROM t WHERE b = 7").await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    // Counters of a session reach the others when it ends, or a second later.
    let finding = crate::support::until("the scan is counted", async || {
        let found = found(&gateway, "unused_indexes").await;
        (found.len() == 1).then(|| found[0].clone())
    })
    .await;
    assert_eq!((&finding["object"], &finding["severity"]), (&json!("public.t_a"), &json!("notice")));
    let evidence = &finding["evidence"];
    assert_eq!(evidence["scans"], 0);
    assert!(evidence["bytes"].as_u64().unwrap() > 1_000_000, "{evidence}");
    assert!(evidence["counted_since"].as_str().unwrap().starts_with("20"), "{evidence}");
    assert_eq!(finding["remedy"], "DROP INDEX CONCURRENTLY public.t_a");
}

#[tokio::test]
async fn a_foreign_key_without_an_index_is_found() {
    let database = empty().await;
    run(&database, SHOP).await;
    run(
        &database,
        "CREATE TABLE shop.lines (order_id int, line int, a int, b int, PRIMARY KEY (order_id, line),
             FOREIGN KEY (order_id) REFERENCES shop.orders, UNIQUE (a, b));
         CREATE TABLE shop.notes (b int, a int, other int REFERENCES shop.customers, FOREIGN KEY (a, b) REFERENCES shop.lines (a, b));
         CREATE INDEX ON shop.notes (b, a); CREATE INDEX ON shop.notes (other) WHERE a > 1",
    )
    .await;
    let gateway = gateway(&database, None, ALL).await;
    let found = found(&gateway, "foreign_keys").await;
    let shown: Vec<_> =
        found.iter().map(|f| (f["object"].as_str().unwrap(), f["evidence"]["columns"].clone())).collect();
    assert_eq!(shown, [("shop.notes", json!(["other"])), ("shop.orders", json!(["customer_id"]))]);
    assert_eq!(found[1]["evidence"]["references"], "shop.customers");
    assert_eq!(found[1]["remedy"], "CREATE INDEX CONCURRENTLY ON shop.orders (customer_id)");
    for finding in &found {
        run(&database, finding["remedy"].as_str().unwrap()).await;
    }
    assert_eq!(super::found(&gateway, "foreign_keys").await, NOTHING, "the remedy helps");
}

#[tokio::test]
async fn a_sequence_near_its_end_is_found_by_the_column_that_it_feeds() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE t (id serial PRIMARY KEY, small smallint GENERATED ALWAYS AS IDENTITY, big bigserial);
         CREATE SEQUENCE tickets MAXVALUE 1000; CREATE SEQUENCE rounds MAXVALUE 10 CYCLE;
         SELECT setval('t_id_seq', 1932735283), setval('t_small_seq', 25000), setval('t_big_seq', 1932735283),
             setval('tickets', 760), setval('rounds', 10)",
    )
    .await;
    let gateway = gateway(&database, None, ALL).await;
    let findings = found(&gateway, "sequences").await;
    let shown: Vec<_> = findings
        .iter()
        .map(|f| {
            (
                f["object"].as_str().unwrap(),
                f["severity"].as_str().unwrap(),
                f["evidence"]["percent"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("public.t.id", "critical", 90.0),
            ("public.t.small", "warning", 76.3),
            ("public.tickets", "warning", 76.0)
        ]
    );
    assert_eq!(findings[0]["evidence"]["last_value"], 1_932_735_283);
    assert_eq!(findings[0]["evidence"]["limit"], 2_147_483_647);
    assert_eq!(findings[0]["evidence"]["column_type"], "integer");
    run(&database, findings[1]["remedy"].as_str().unwrap()).await;
    run(&database, findings[2]["remedy"].as_str().unwrap()).await;
    assert_eq!(only(&gateway, "sequences").await["object"], "public.t.id", "the remedies help");
}

#[tokio::test]
async fn sequences_that_neither_login_may_read_are_said_to_be_unchecked() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE t (id serial); GRANT SELECT ON t TO PUBLIC; SELECT setval('t_id_seq', 2000000000)",
    )
    .await;
    let (login, watcher) = (database.create_role("login", "LOGIN").await, watcher(&database).await);
    let gateway = gateway_of(&database, &login, &watcher).await;
    let report = ask(&gateway, &["sequences"]).await.unwrap();
    let unchecked = json!([{
        "check": "sequences", "why": "1 sequences cannot be read, that of `public.t.id` first",
        "hint": "let the DBA GRANT SELECT on the sequences to the login or the monitor login",
    }]);
    assert_eq!(
        (&report["unchecked"], &report["total"], &report["clean"]),
        (&unchecked, &json!(0), &json!([]))
    );
    run(&database, &format!("GRANT SELECT ON SEQUENCE t_id_seq TO {watcher}")).await;
    assert_eq!(only(&gateway, "sequences").await["severity"], "critical", "one of both is enough");
}

async fn gateway_of(
    database: &crate::support::Database<'_>,
    login: &str,
    watcher: &str,
) -> pgwarden::gateway::Gateway {
    use pgwarden::gateway::{CallLimits, Gateway, Served};
    let gate = crate::support::gate_with(&database.url(login), |settings| {
        settings.monitor = Some(super::connection(&database.url(watcher)));
    });
    let policy =
        pgwarden::policy::Policy::parse(&format!("version = 1\ninclude = []\n{ALL}"), "p.toml").unwrap();
    let limits = CallLimits {
        rows: 1_000,
        characters: 40_000,
        field_characters: 4_000,
        deadline: std::time::Duration::from_secs(30),
    };
    Gateway::new(vec![Served::new(gate, policy)], limits, pgwarden::telemetry::Telemetry::default())
}

#[tokio::test]
async fn tables_that_were_never_analyzed_and_those_that_changed_since_are_found() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE never AS SELECT n FROM generate_series(1, 5000) AS n;
         CREATE TABLE stale AS SELECT n FROM generate_series(1, 5000) AS n; CREATE TABLE fresh (n int)",
    )
    .await;
    // A session's counts arrive when it has ended: later than ANALYZE they would count as changes since.
    let admin = database.admin().await;
    crate::support::until("the rows are counted", async || {
        let counted = "SELECT n_tup_ins::int FROM pg_stat_user_tables WHERE relname = 'stale'";
        let inserted: i32 = admin.query_one(counted, &[]).await.ok()?.get(0);
        (inserted == 5000).then_some(())
    })
    .await;
    run(&database, "ANALYZE stale, fresh").await;
    run(
        &database,
        "INSERT INTO stale SELECT n FROM generate_series(1, 4000) AS n; INSERT INTO fresh VALUES (1)",
    )
    .await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let findings = crate::support::until("the changes are counted", async || {
        let found = found(&gateway, "statistics").await;
        (found.len() == 2 && found[1]["evidence"]["modified_since_analyze"] != 5000).then_some(found)
    })
    .await;
    let shown: Vec<_> = findings
        .iter()
        .map(|f| (&f["object"], &f["severity"], &f["evidence"]["modified_since_analyze"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("public.never"), &json!("warning"), &json!(5000)),
            (&json!("public.stale"), &json!("notice"), &json!(4000))
        ]
    );
    assert_eq!(findings[0]["evidence"]["analyzed"], "never");
    assert_eq!(findings[0]["remedy"], "ANALYZE public.never");
}

#[tokio::test]
async fn dead_rows_that_vacuum_does_not_get_to_are_found() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE t WITH (autovacuum_enabled = off) AS SELECT n FROM generate_series(1, 10000) AS n; ANALYZE t; DELETE FROM t WHERE n > 1000",
    )
    .await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let findings = crate::support::until("the deletes are counted", async || {
        let found = found(&gateway, "autovacuum").await;
        (found.len() == 3).then_some(found)
    })
    .await;
    // The clusters of tests have it off.
    assert_eq!(
        (&findings[0]["severity"], &findings[0]["evidence"]["autovacuum"]),
        (&json!("critical"), &json!("off"))
    );
    let dead = findings.iter().find(|f| f["evidence"]["dead_rows"].is_u64()).unwrap();
    assert_eq!((&dead["object"], &dead["evidence"]["dead_rows"]), (&json!("public.t"), &json!(9000)));
    assert_eq!(
        (&dead["evidence"]["vacuum_due_at"], &dead["remedy"]),
        (&json!(2050), &json!("VACUUM (ANALYZE) public.t"))
    );
    let off = findings.iter().find(|f| f["evidence"]["autovacuum_enabled"] == false).unwrap();
    assert_eq!(off["remedy"], "ALTER TABLE public.t RESET (autovacuum_enabled)");
}

#[tokio::test]
async fn what_deleted_rows_leave_behind_is_estimated_as_bloat() {
    let database = empty().await;
    run(
        &database,
        "CREATE TABLE t (id int, note text); INSERT INTO t SELECT n, repeat('x', 90) FROM generate_series(1, 200000) AS n;
         CREATE INDEX t_note ON t (note, id); DELETE FROM t WHERE id % 10 > 0;
         CREATE TABLE full_of AS SELECT n AS id, repeat('y', 90) AS note FROM generate_series(1, 200000) AS n; ANALYZE full_of",
    )
    .await;
    run(&database, "VACUUM ANALYZE t").await;
    let gateway = gateway(&database, Some(&watcher(&database).await), ALL).await;
    let findings = found(&gateway, "bloat").await;
    let objects: Vec<_> = findings.iter().map(|f| f["object"].as_str().unwrap()).collect();
    assert_eq!(objects, ["public.t", "public.t_note"], "{findings:#?}");
    let evidence = &findings[0]["evidence"];
    assert_eq!(evidence["estimate"], true);
    assert!((85..=95).contains(&evidence["wasted_percent"].as_u64().unwrap()), "{evidence}");
    assert!(evidence["bytes"].as_u64() > evidence["wasted_bytes"].as_u64(), "{evidence}");
    assert_eq!(findings[1]["remedy"], "REINDEX INDEX CONCURRENTLY public.t_note");
}

#[tokio::test]
async fn a_check_that_does_not_exist_is_refused_with_those_that_do() {
    let database = empty().await;
    let gateway = gateway(&database, None, ALL).await;
    let refused = ask(&gateway, &["lock"]).await.unwrap_err();
    assert_eq!(
        (refused.sqlstate.as_str(), refused.hint.as_deref()),
        ("22023", Some("did you mean `locks`?"))
    );
    let refused = ask(&gateway, &["weather in Rome"]).await.unwrap_err();
    assert!(refused.hint.unwrap().starts_with("there is wraparound, locks, "));
}
