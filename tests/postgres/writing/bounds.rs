//! The cap on rows, and the policy's checks: beyond them nothing has happened.

use super::{Ground, rule, run, unasked};

#[tokio::test]
async fn as_many_rows_as_the_policy_allows_and_not_one_more() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(5));
    let update = |most: u32| format!("UPDATE s.customers SET tier = 'gold' WHERE id <= {most} RETURNING id");
    let before = ground.digest().await;
    let refused = run(&gateway, &update(6)).await.unwrap_err();
    assert_eq!(rule(&refused), ("54000", Some("limits.write_rows")));
    assert!(refused.message.contains("more than 5 rows"), "{}", refused.message);
    assert_eq!(ground.digest().await, before);
    assert_eq!(run(&gateway, &update(5)).await.unwrap().rows, 5);
    for (sql, allowed) in [
        ("INSERT INTO s.visits (id) SELECT 100 + n FROM generate_series(1, 5) AS n", true),
        ("INSERT INTO s.visits (id) SELECT 200 + n FROM generate_series(1, 6) AS n", false),
        ("DELETE FROM s.visits WHERE id > 100", true),
        ("DELETE FROM s.items WHERE id <= 6", false),
    ] {
        assert_eq!(run(&gateway, sql).await.is_ok(), allowed, "{sql}");
    }
}

/// One customer, who has two orders with two items each, a visit and, in a table that is hidden, a dossier.
#[tokio::test]
async fn what_foreign_keys_change_besides_counts_too() {
    let ground = Ground::new().await;
    let delete = "DELETE FROM s.customers WHERE id = 5";
    let before = ground.digest().await;
    let refused = run(&ground.gateway(&unasked(8)), delete).await.unwrap_err();
    assert_eq!(rule(&refused), ("54000", Some("limits.write_rows")));
    assert_eq!(ground.digest().await, before);
    assert_eq!(run(&ground.gateway(&unasked(9)), delete).await.unwrap().rows, 1);
    assert_eq!(ground.one("SELECT count(*) FROM s.orders WHERE customer_id = 5").await, "0");
    // The same connection again: what was counted for the statement before is not counted once more.
    let gateway = ground.gateway(&unasked(2));
    for id in 9..15 {
        run(&gateway, &format!("DELETE FROM s.customers WHERE id = {id}")).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_to_the_table_itself_passes_changes_on_within_the_cap() {
    let tree =
        "CREATE TABLE s.tree (id integer PRIMARY KEY, above integer REFERENCES s.tree ON DELETE CASCADE);
                INSERT INTO s.tree SELECT n, NULLIF(n - 1, 0) FROM generate_series(1, 4) AS n";
    let ground = Ground::with(tree).await;
    let policy = |rows| {
        format!("[[allow]]\nselect = [\"s.tree\"]\n[[allow]]\ndelete = [\"s.tree\"]\n{}", unasked(rows))
    };
    let delete = "DELETE FROM s.tree WHERE id = 1";
    assert_eq!(
        rule(&run(&ground.gateway(&policy(3)), delete).await.unwrap_err()).1,
        Some("limits.write_rows")
    );
    assert_eq!(ground.one("SELECT count(*) FROM s.tree").await, "4");
    assert_eq!(run(&ground.gateway(&policy(4)), delete).await.unwrap().rows, 1);
    assert_eq!(ground.one("SELECT count(*) FROM s.tree").await, "0");
}

#[tokio::test]
async fn the_cap_holds_for_upserts_merges_and_rows_that_move() {
    let tables = "CREATE TABLE s.tree (id integer PRIMARY KEY, above integer REFERENCES s.tree ON DELETE CASCADE ON UPDATE CASCADE);
        INSERT INTO s.tree SELECT n, NULLIF(1, n) FROM generate_series(1, 10) AS n;
        CREATE TABLE s.mv (id integer, k integer, pid integer, pk integer, PRIMARY KEY (id, k),
            FOREIGN KEY (pid, pk) REFERENCES s.mv ON UPDATE CASCADE) PARTITION BY RANGE (k);
        CREATE TABLE s.mv1 PARTITION OF s.mv FOR VALUES FROM (0) TO (100);
        CREATE TABLE s.mv2 PARTITION OF s.mv FOR VALUES FROM (100) TO (200);
        INSERT INTO s.mv SELECT n, 1 FROM generate_series(1, 3) AS n;
        INSERT INTO s.mv SELECT 100 + n, 1, n, 1 FROM generate_series(1, 3) AS n";
    let ground = Ground::with(tables).await;
    let policy = |rows| {
        let allow = |kind| format!("[[allow]]\n{kind} = [\"s.tree\", \"s.mv\"]\n");
        format!("{}{}", ["select", "insert", "update", "delete"].map(allow).concat(), unasked(rows))
    };
    let mut writes =
        vec![("INSERT INTO s.tree (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1000", 10)];
    // To PostgreSQL 14 a row that moves to another partition is deleted, which its keys do not pass on.
    if ground.database.cluster().major() >= 15 {
        writes.push(("UPDATE s.mv SET k = 150 WHERE id <= 3", 6));
        writes.push((
            "MERGE INTO s.tree AS t USING (VALUES (1000)) AS x (i) ON t.id = x.i WHEN MATCHED THEN DELETE",
            10,
        ));
    }
    for (sql, changed) in writes {
        let refused = run(&ground.gateway(&policy(changed - 1)), sql).await.unwrap_err();
        assert_eq!(rule(&refused), ("54000", Some("limits.write_rows")), "{sql}");
        run(&ground.gateway(&policy(changed)), sql).await.unwrap();
    }
}

/// In the moment before the catalog is read again.
#[tokio::test]
async fn a_child_that_was_not_checked_is_not_written() {
    let ground = Ground::with("CREATE TABLE s.base (id integer, v text); CREATE SCHEMA hid").await;
    let grants = "[[allow]]\nselect = [\"s.base\"]\n[[allow]]\nupdate = [\"s.base\"]\n";
    let gateway = ground.gateway(&format!("{grants}{}", unasked(9)));
    let update = "UPDATE s.base SET v = 'x' RETURNING *";
    run(&gateway, update).await.unwrap();
    let child = "CREATE TABLE hid.child () INHERITS (s.base); INSERT INTO hid.child VALUES (1, 'a')";
    ground.admin.batch_execute(child).await.unwrap();
    assert_eq!(rule(&run(&gateway, update).await.unwrap_err()), ("42501", Some("server.locks")));
    assert_eq!(ground.one("SELECT v FROM hid.child").await, "a");
}

#[tokio::test]
async fn another_session_s_temporary_child_is_in_nobody_s_way() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(5));
    let child = "CREATE TEMPORARY TABLE child () INHERITS (s.customers); INSERT INTO child (id, name) VALUES (1, 'mine')";
    ground.admin.batch_execute(child).await.unwrap();
    let written = run(&gateway, "UPDATE s.customers SET name = 'x' WHERE id = 1").await.unwrap();
    assert_eq!((written.rows, ground.one("SELECT name FROM child").await.as_str()), (1, "mine"));
}

#[tokio::test]
async fn a_row_that_a_check_does_not_allow_undoes_the_whole_statement() {
    let ground = Ground::new().await;
    let check = "[[check]]\nrelations = [\"s.customers\"]\ncondition = \"tier IN ('basic', 'gold')\"\n";
    let gateway = ground.gateway(&format!("{check}{}", unasked(10)));
    let before = ground.digest().await;
    for sql in [
        "UPDATE s.customers SET tier = CASE id WHEN 3 THEN 'lead' ELSE 'gold' END WHERE id < 6",
        "INSERT INTO s.customers (id, name, tier) VALUES (100, 'a', 'gold'), (101, 'b', 'lead')",
        "INSERT INTO s.customers (id, name, tier) VALUES (1, 'a', 'x') ON CONFLICT (id) DO UPDATE SET tier = excluded.tier",
    ] {
        let refused = run(&gateway, sql).await.unwrap_err();
        assert_eq!(rule(&refused), ("42501", Some("check[1]")), "{sql}");
        assert_eq!(ground.digest().await, before, "{sql}");
    }
    run(&gateway, "UPDATE s.customers SET tier = 'gold' WHERE id < 6").await.unwrap();
}

#[tokio::test]
async fn rows_that_a_filter_hides_stay_as_they_are() {
    let ground = Ground::new().await;
    ground.admin.batch_execute("UPDATE s.customers SET region = 'south' WHERE id > 3").await.unwrap();
    let filter = "[[filter]]\nrelations = [\"s.customers\"]\nwhere = \"region = 'north'\"\n";
    let gateway = ground.gateway(&format!("{filter}{}", unasked(10)));
    assert_eq!(run(&gateway, "UPDATE s.customers SET tier = 'gold'").await.unwrap().rows, 3);
    assert_eq!(ground.one("SELECT count(*) FROM s.customers WHERE tier = 'gold'").await, "3");
    let moved = run(&gateway, "UPDATE s.customers SET region = 'south' WHERE id = 1").await.unwrap_err();
    assert_eq!(moved.sqlstate.as_str(), "42501", "a row that its writer could not see any more");
    assert_eq!(ground.one("SELECT region FROM s.customers WHERE id = 1").await, "north");
}
