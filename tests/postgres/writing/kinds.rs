//! Every kind of statement, and what comes back.

use pgwarden::auth::{Caller, Scope};
use pgwarden::gateway::{QueryRequest, Written};
use pgwarden::sql::WriteKind;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Ground, prepare, request, rule, run, unasked};

fn returned(written: &Written) -> Value {
    serde_json::from_str(written.returned.as_ref().unwrap().rows.get()).unwrap()
}

#[tokio::test]
async fn every_kind_changes_what_it_says_and_returns_what_it_is_asked_for() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(10));

    let sql =
        "INSERT INTO s.customers (id, name) VALUES (100, 'Greta'), (101, 'Ivo') RETURNING id, name AS who";
    let written = run(&gateway, sql).await.unwrap();
    assert_eq!(
        (written.kind, written.rows, written.relation.to_string().as_str()),
        (WriteKind::Insert, 2, "s.customers")
    );
    assert_eq!(returned(&written), json!([[100, "Greta"], [101, "Ivo"]]));
    assert_eq!(written.returned.as_ref().unwrap().columns[1].name, "who");
    assert!(written.before.is_none() && written.query_id.len() == 16);

    let sql = "INSERT INTO s.customers (id, name) VALUES (100, 'x'), (102, 'y')
               ON CONFLICT (id) DO UPDATE SET name = s.customers.name || '+' || excluded.name";
    assert_eq!(run(&gateway, sql).await.unwrap().rows, 2);
    assert_eq!(
        ground.one("SELECT string_agg(name, ',' ORDER BY id) FROM s.customers WHERE id >= 100").await,
        "Greta+x,Ivo,y"
    );

    let written = run(&gateway, "UPDATE s.customers SET tier = 'gold' WHERE id IN (1, 2) RETURNING tier")
        .await
        .unwrap();
    assert_eq!((written.kind, written.rows), (WriteKind::Update, 2));
    assert_eq!(returned(&written), json!([["gold"], ["gold"]]));
    assert_eq!(ground.one("SELECT count(*) FROM s.customers WHERE tier = 'gold'").await, "2");

    let written = run(&gateway, "DELETE FROM s.customers WHERE id > 100").await.unwrap();
    assert_eq!((written.kind, written.rows, written.returned.is_none()), (WriteKind::Delete, 2, true));

    // Over partitions; a row that moves counts once.
    assert_eq!(run(&gateway, "UPDATE s.parts SET place = 'a' WHERE id = 1").await.unwrap().rows, 1);
    assert_eq!(ground.one("SELECT count(*) FROM s.parts_a").await, "4");

    // The identity takes its value by itself.
    let written =
        run(&gateway, "INSERT INTO s.orders (customer_id, amount) VALUES (7, 1.50) RETURNING amount").await;
    assert_eq!(returned(&written.unwrap()), json!([[1.50]]));

    // Nothing that matches is no error.
    let written = run(&gateway, "UPDATE s.customers SET tier = 'x' WHERE id = -1").await.unwrap();
    assert_eq!(written.rows, 0);
}

#[tokio::test]
async fn a_merge_changes_rows_by_its_actions() {
    let ground = Ground::new().await;
    if ground.database.cluster().major() < 15 {
        return;
    }
    let gateway = ground.gateway(&unasked(3));
    let merge = "MERGE INTO s.customers AS c USING (VALUES (1, 'one'), (2, 'two'), (200, 'new')) AS v (id, name)
        ON c.id = v.id WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name)";
    let written = run(&gateway, merge).await.unwrap();
    assert_eq!((written.kind, written.rows), (WriteKind::Merge, 3));
    assert_eq!(ground.one("SELECT name FROM s.customers WHERE id = 200").await, "new");
    let many = merge.replace("(200, 'new')", "(200, 'new'), (201, 'more')");
    let refused = run(&gateway, &many).await.unwrap_err();
    assert_eq!(rule(&refused), ("54000", Some("limits.write_rows")));
    assert_eq!(ground.one("SELECT count(*) FROM s.customers WHERE id = 201").await, "0");
}

#[tokio::test]
async fn values_come_as_parameters_and_are_counted() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(3));
    let (caller, stop) = (Caller::local("anna"), CancellationToken::new());
    let sql = "UPDATE s.customers SET name = $2 WHERE id = $1 RETURNING name";
    let wanted = request(sql, &[Some("3"), Some("'; DROP TABLE s.items")]);
    let written = gateway.run_write(&caller, &wanted, &|_| Ok(()), &stop).await.unwrap();
    assert_eq!(returned(&written), json!([["'; DROP TABLE s.items"]]));
    let few = gateway.run_write(&caller, &request(sql, &[Some("3")]), &|_| Ok(()), &stop).await.unwrap_err();
    assert_eq!(few.sqlstate.as_str(), "22023");
    let null = request(sql, &[Some("3"), None]);
    assert_eq!(
        gateway.run_write(&caller, &null, &|_| Ok(()), &stop).await.unwrap_err().sqlstate.as_str(),
        "23502"
    );
}

#[tokio::test]
async fn what_is_allowed_is_asked_with_the_facts_of_this_check_before_anything_runs() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(3));
    let (caller, stop) = (Caller::local("anna"), CancellationToken::new());
    let sql = "update customers set tier = $1 where id = 1";
    ground.admin.batch_execute(&format!("ALTER ROLE {} SET search_path = s", ground.login)).await.unwrap();
    let wanted = request(sql, &[Some("gold")]);
    let refuse = |facts: &pgwarden::gateway::PreparedFacts| {
        let shown = format!(
            "{} {:?} {} {} {} {}",
            facts.statement, facts.params, facts.database, facts.run_as, facts.rows, facts.relation
        );
        Err(pgwarden::pg::Diagnostic::refused(pgwarden::pg::SqlState::INSUFFICIENT_PRIVILEGE, shown)
            .rule("approval.changed"))
    };
    let refused = gateway.run_write(&caller, &wanted, &refuse, &stop).await.unwrap_err();
    assert_eq!(rule(&refused), ("42501", Some("approval.changed")));
    assert!(refused.query_id.is_some());
    for part in ["UPDATE \"s\".\"customers\"", "[Some(\"gold\")]", "ground", &ground.login, " 3 s.customers"]
    {
        assert!(refused.message.contains(part), "{part}: {}", refused.message);
    }
    assert_eq!(ground.one("SELECT tier FROM s.customers WHERE id = 1").await, "basic");
    let prepared = gateway.prepare_write(&caller, &wanted, &stop).await.unwrap();
    assert!(refused.message.starts_with(&prepared.facts.statement));
}

#[tokio::test]
async fn who_lacks_the_scope_neither_previews_nor_writes() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(3));
    let stop = CancellationToken::new();
    let reader = Caller { scopes: Scope::Read.into(), ..Caller::local("ben") };
    let wanted = request("UPDATE s.customers SET tier = 'x'", &[]);
    let refused = gateway.run_write(&reader, &wanted, &|_| Ok(()), &stop).await.unwrap_err();
    assert_eq!(rule(&refused), ("42501", Some("auth.scope")));
    let refused = gateway.prepare_write(&reader, &wanted, &stop).await.unwrap_err();
    assert_eq!(rule(&refused), ("42501", Some("auth.scope")));
}

#[tokio::test]
async fn queries_still_read_only_and_writes_are_no_queries() {
    let ground = Ground::new().await;
    let gateway = ground.gateway(&unasked(3));
    let (caller, stop) = (Caller::local("anna"), CancellationToken::new());
    let query = async |sql: &str| {
        let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
        gateway.query(&caller, request, &stop).await
    };
    let before = ground.digest().await;
    assert_eq!(query("DELETE FROM s.customers").await.unwrap_err().sqlstate.as_str(), "25006");
    assert!(query("WITH d AS (DELETE FROM s.items RETURNING id) SELECT * FROM d").await.is_err());
    for sql in [
        "SELECT 1",
        "EXPLAIN DELETE FROM s.items",
        "DROP TABLE s.items",
        "UPDATE s.items SET id = 1; SELECT 1",
    ] {
        assert!(run(&gateway, sql).await.is_err(), "{sql}");
        assert!(prepare(&gateway, sql).await.is_err(), "{sql}");
    }
    assert_eq!(ground.digest().await, before);
}
