//! Running checked statements: answers, errors, limits, and what a run leaves behind.

use std::time::{Duration, Instant};

use pgwarden::catalog::{Catalog, CatalogContents};
use pgwarden::db::{RunLimits, Truncation};
use pgwarden::embedded::Settings;
use pgwarden::pg::QualifiedName;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check};
use tokio_util::sync::CancellationToken;

use crate::support::{
    CORNER_READER, Cluster, Database, Page, READER, Template, checked, gate, gate_with, limits, query,
    query_within, until,
};

/// Never ends by itself.
const ENDLESS: &str = "SELECT count(*) FROM shop.order_items AS a CROSS JOIN shop.order_items AS b CROSS JOIN shop.order_items AS c";

#[tokio::test]
async fn values_come_as_psql_prints_them() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.time_zone = Some("Europe/Berlin".into()));
    let sql = "SELECT 9007199254740993::bigint AS n, 1.50::numeric, 'NaN'::float8, NULL, true, \
        '2024-07-01 12:00:00.123456+00'::timestamptz, '1 day 02:03'::interval, '\\x00ff'::bytea, ARRAY[1, NULL, 3], \
        '{\"a\": 1.10}'::json, 'infinity'::date, 'x'::\"char\", 0.1::float4";
    let (page, ran) = query(&gate, sql, &[]).await.unwrap();
    let expected = [
        "9007199254740993",
        "1.50",
        "NaN",
        "NULL",
        "true",
        "2024-07-01 14:00:00.123456+02",
        "1 day 02:03:00",
        "\\x00ff",
        "{1,NULL,3}",
        "{\"a\": 1.10}",
        "infinity",
        "x",
        "0.1",
    ];
    assert_eq!(page.only(), expected);
    assert_eq!(page.columns[0].name, "n");
    assert_eq!((ran.rows, ran.truncated, ran.notices.len()), (1, None, 0));
    assert_eq!(gate.time_zone().as_deref(), Some("Europe/Berlin"));
}

#[tokio::test]
async fn parameters_are_text_that_postgresql_types() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    let sql = "SELECT p.id, $2::text FROM shop.products AS p WHERE p.id = $1";
    let (page, _) = query(&gate, sql, &[Some("7"), None]).await.unwrap();
    assert_eq!(page.only(), ["7", "NULL"]);
    let (page, _) = query(&gate, "SELECT $1::int[], $2::timestamptz", &[Some("{1,2}"), Some("2024-01-01")])
        .await
        .unwrap();
    assert_eq!(page.only(), ["{1,2}", "2024-01-01 00:00:00+00"]);
    let sql = "SELECT count(*) FROM shop.customers AS c WHERE c.segment = $1";
    query(&gate, sql, &[Some("business")]).await.unwrap();
    let wrong = query(&gate, sql, &[Some("nonsense")]).await.unwrap_err();
    assert_eq!(wrong.sqlstate.as_str(), "22P02");
    let few = query(&gate, sql, &[]).await.unwrap_err();
    assert_eq!(few.sqlstate.as_str(), "22023");
    let nul = query(&gate, "SELECT $1::text", &[Some("a\0b")]).await.unwrap_err();
    assert_eq!(nul.sqlstate.as_str(), "22023");
}

#[tokio::test]
async fn an_error_is_postgresqls_own_and_the_next_call_is_well() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 1);
    let error = query(&gate, "SELECT 1 / (p.id - p.id) FROM shop.products AS p", &[]).await.unwrap_err();
    assert_eq!((error.sqlstate.as_str(), error.message.as_str()), ("22012", "division by zero"));
    assert_eq!(error.position, None);
    assert!(!error.retryable);
    assert_eq!(query(&gate, "SELECT 1", &[]).await.unwrap().0.only(), ["1"]);
}

#[tokio::test]
async fn notices_come_with_the_answer_and_only_with_their_own() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 1);
    let (_, ran) = query(&gate, "SELECT to_tsquery('english', 'the')", &[]).await.unwrap();
    assert!(ran.notices[0].message.contains("stop words"), "{:?}", ran.notices);
    let (_, ran) = query(&gate, "SELECT 1", &[]).await.unwrap();
    assert_eq!(ran.notices, []);
}

#[tokio::test]
async fn rows_past_the_limit_are_told_by_one_more() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    let sql = "SELECT p.id FROM shop.products AS p ORDER BY p.id LIMIT 10";
    for (rows, got, truncated) in
        [(9, 9, Some(Truncation::Rows)), (10, 10, None), (0, 0, Some(Truncation::Rows))]
    {
        let (page, ran) = query_within(&gate, sql, &[], &RunLimits { rows, ..limits() }).await.unwrap();
        assert_eq!((page.rows.len(), ran.rows, ran.truncated), (got, got as u64, truncated), "limit {rows}");
    }
    let explained =
        query_within(&gate, &format!("EXPLAIN {sql}"), &[], &RunLimits { rows: 1, ..limits() }).await;
    let (page, ran) = explained.unwrap();
    assert_eq!((page.columns[0].name.as_str(), ran.truncated), ("QUERY PLAN", Some(Truncation::Rows)));
}

#[tokio::test]
async fn a_sink_that_stops_ends_the_query_in_postgresql() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    // PostgreSQL sends the first rows at once, and then none for ages.
    let slow = "SELECT s.g FROM (SELECT generate_series(1, 100000000000) AS g) AS s WHERE s.g < 5000 OR s.g % 7 = -1";
    for sql in ["SELECT generate_series(1, 1000000000)", slow] {
        let statement = checked(&gate, sql).await.unwrap();
        let mut page = Page { most: Some(5), ..Page::default() };
        let started = Instant::now();
        let limits = RunLimits { rows: 100_000_000, ..limits() };
        let ran = gate.run(statement, &[], &limits, &mut page, &CancellationToken::new()).await.unwrap();
        assert_eq!((page.rows.len(), ran.rows, ran.truncated), (5, 5, Some(Truncation::Sink)));
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        nothing_runs(&database).await;
    }
    assert_eq!(query(&gate, "SELECT 1", &[]).await.unwrap().0.only(), ["1"]);
}

#[tokio::test]
async fn a_huge_field_arrives_cut_with_one_character_more() {
    let database = Database::create(Template::Shop).await;
    database
        .admin()
        .await
        .batch_execute(
            "CREATE TABLE shop.huge AS SELECT 1 AS id, repeat('ä', 50000000) AS body; GRANT SELECT ON shop.huge TO PUBLIC",
        )
        .await
        .unwrap();
    let gate = gate(&database.url(READER));
    let (page, _) = query_within(
        &gate,
        "SELECT h.body, h.id FROM shop.huge AS h",
        &[],
        &RunLimits { field_chars: 100, ..limits() },
    )
    .await
    .unwrap();
    assert_eq!(page.rows[0][0].as_ref().unwrap().chars().count(), 101);
    assert_eq!(page.rows[0][1].as_deref(), Some("1"));
}

#[tokio::test]
async fn every_relation_that_may_be_read_can_be_read() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(CORNER_READER));
    let catalog = gate.ready().await.unwrap();
    let mut read = 0;
    for relation in catalog.relations() {
        let sql = format!("SELECT * FROM {} LIMIT 3", relation.name.quoted());
        match query(&gate, &sql, &[]).await {
            Ok(_) => read += 1,
            Err(error) => {
                assert_ne!(error.rule.as_deref(), Some("server.locks"), "{}: {error}", relation.name)
            }
        }
    }
    assert!(read > 25, "only {read}");
}

#[tokio::test]
async fn parts_of_a_partitioned_table_lock_no_more_than_was_checked() {
    let database = Database::create(Template::Empty).await;
    let tree = "
        CREATE TABLE public.top (a integer, b integer, c text) PARTITION BY LIST (a);
        CREATE TABLE public.middle PARTITION OF public.top FOR VALUES IN (1) PARTITION BY LIST (b);
        CREATE TABLE public.leaf PARTITION OF public.middle FOR VALUES IN (1);
        CREATE INDEX ON public.top (b);
        INSERT INTO public.top VALUES (1, 1, 'x');
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;";
    database.admin().await.batch_execute(tree).await.unwrap();
    let reader = database.create_role("reader", "LOGIN").await;
    let gate = gate(&database.url(&reader));
    for name in ["top", "middle", "leaf"] {
        for condition in ["true", "a = 1", "b = 1 AND a = 2", "c = 'x'"] {
            let sql = format!("SELECT count(*) FROM public.{name} WHERE {condition}");
            query(&gate, &sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }
}

/// The last line: if the check had let a relation through that it did not know of, PostgreSQL's own locks tell.
#[tokio::test]
async fn a_relation_that_the_check_did_not_reach_is_refused() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 1);
    let real = gate.ready().await.unwrap();
    // A snapshot that believes the view to read nothing.
    let mut contents: CatalogContents = real.contents().clone();
    let view =
        contents.relations.iter_mut().find(|r| r.name == QualifiedName::new("shop", "order_totals")).unwrap();
    view.view.as_mut().unwrap().relations.clear();
    let blind = Catalog::new(contents);
    let sql = "SELECT count(*) FROM shop.order_totals";
    let statement = check(sql, &CheckContext::new(&blind, &Policy::builtin())).unwrap();
    let mut page = Page::default();
    let refused =
        gate.run(statement, &[], &limits(), &mut page, &CancellationToken::new()).await.unwrap_err();
    assert_eq!((refused.sqlstate.as_str(), refused.rule.as_deref()), ("42501", Some("server.locks")));
    assert!(!refused.to_string().contains("orders"), "the refusal names what was hidden: {refused}");
    assert!(page.rows.is_empty() && page.columns.is_empty(), "nothing ran");
    query(&gate, sql, &[]).await.unwrap();
}

/// What a function reads shows only once it runs: the second look at the locks.
#[tokio::test]
async fn a_relation_that_only_shows_while_running_is_refused_before_the_rows_count() {
    let database = Database::create(Template::Shop).await;
    let change = "
        CREATE FUNCTION shop.peeking(n integer) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
            AS 'BEGIN RETURN n > (SELECT count(*) FROM staff.payroll); END';
        GRANT EXECUTE ON FUNCTION shop.peeking TO PUBLIC;
        CREATE POLICY peeking ON shop.support_tickets AS RESTRICTIVE USING (shop.peeking(id::integer))";
    database.admin().await.batch_execute(change).await.unwrap();
    let gate = gate(&database.url(READER));
    let refused = query(&gate, "SELECT t.id FROM shop.support_tickets AS t", &[]).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("server.locks"), "{refused}");
    // Also where the sink stops early and the statement is cancelled under it.
    let statement = checked(&gate, "SELECT t.id FROM shop.support_tickets AS t CROSS JOIN shop.order_items AS i CROSS JOIN shop.order_items AS j").await.unwrap();
    let mut page = Page { most: Some(0), ..Page::default() };
    let limits = RunLimits { rows: 1_000_000_000, ..limits() };
    let refused = gate.run(statement, &[], &limits, &mut page, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("server.locks"), "{refused}");
}

#[tokio::test]
async fn a_view_that_changes_between_check_and_run_is_refused_then_read_anew() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    let admin = database.admin().await;
    admin
        .batch_execute("CREATE VIEW shop.shifty AS SELECT p.id FROM shop.products AS p; GRANT SELECT ON shop.shifty TO PUBLIC")
        .await
        .unwrap();
    let sql = "SELECT count(*) FROM shop.shifty";
    let statement = checked(&gate, sql).await.unwrap();
    admin
        .batch_execute(
            "CREATE OR REPLACE VIEW shop.shifty AS SELECT p.employee_id AS id FROM staff.payroll AS p",
        )
        .await
        .unwrap();
    let mut page = Page::default();
    let refused =
        gate.run(statement, &[], &limits(), &mut page, &CancellationToken::new()).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("server.locks"), "{refused}");
    until("the snapshot knows the new view", || async {
        let catalog = gate.ready().await.unwrap();
        let view = catalog.relation(&QualifiedName::new("shop", "shifty")).unwrap();
        let payroll = catalog.relation(&QualifiedName::new("staff", "payroll")).unwrap().oid;
        view.view.as_ref().unwrap().relations.contains(&payroll).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_goes_back_without_transaction_locks_or_settings() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 1);
    let admin = database.admin().await;
    query(&gate, "SELECT count(*) FROM shop.order_items", &[]).await.unwrap();
    let left = "SELECT a.state, (SELECT count(*) FROM pg_locks AS l WHERE l.pid = a.pid), a.pid FROM pg_stat_activity AS a
        WHERE a.datname = current_database() AND a.application_name = 'pgwarden'";
    let pids = until("all connections are idle", || async {
        let rows = admin.query(left, &[]).await.unwrap();
        let idle = rows.iter().all(|row| row.get::<_, &str>(0) == "idle" && row.get::<_, i64>(1) == 0);
        idle.then(|| rows.iter().map(|row| row.get::<_, i32>(2)).collect::<Vec<_>>())
    })
    .await;
    // The same backend serves the next call.
    query(&gate, "SELECT 1", &[]).await.unwrap();
    let again = admin.query(left, &[]).await.unwrap();
    assert!(again.iter().all(|row| pids.contains(&row.get::<_, i32>(2))));
}

#[tokio::test]
async fn two_slow_calls_do_not_hold_up_a_fast_one() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 3);
    gate.ready().await.unwrap();
    let slow = || {
        let gate = gate.clone();
        tokio::spawn(async move {
            query_within(&gate, ENDLESS, &[], &RunLimits { deadline: Duration::from_secs(3), ..limits() })
                .await
        })
    };
    let (one, two) = (slow(), slow());
    running(&database, 2).await;
    let started = Instant::now();
    query(&gate, "SELECT 1", &[]).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    for slow in [one, two] {
        assert_eq!(slow.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    }
}

#[tokio::test]
async fn a_call_without_a_free_connection_says_so_by_its_deadline() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 1);
    gate.ready().await.unwrap();
    let cancel = CancellationToken::new();
    let slow = {
        let (gate, cancel) = (gate.clone(), cancel.clone());
        tokio::spawn(async move {
            let statement = checked(&gate, ENDLESS).await.unwrap();
            gate.run(statement, &[], &limits(), &mut Page::default(), &cancel).await
        })
    };
    running(&database, 1).await;
    let short = RunLimits { deadline: Duration::from_millis(300), ..limits() };
    let busy = query_within(&gate, "SELECT 1", &[], &short).await.unwrap_err();
    assert_eq!(busy.sqlstate.as_str(), "53300", "{busy}");
    assert!(busy.retryable && busy.hint.is_some());
    cancel.cancel();
    assert_eq!(slow.await.unwrap().unwrap_err().sqlstate.as_str(), "57014");
    query(&gate, "SELECT 1", &[]).await.unwrap();
}

#[tokio::test]
async fn many_callers_share_few_connections() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 4);
    gate.ready().await.unwrap();
    let callers: Vec<_> = (0..40)
        .map(|caller| {
            let gate = gate.clone();
            tokio::spawn(async move {
                for n in 0..10 {
                    let value = (caller * 100 + n).to_string();
                    let (page, _) = query(&gate, "SELECT $1::int", &[Some(&value)]).await.unwrap();
                    assert_eq!(page.only(), [value]);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let backends = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgwarden'";
    let backends: i64 = database.admin().await.query_one(backends, &[]).await.unwrap().get(0);
    assert!(backends <= 6, "{backends}");
}

#[tokio::test]
async fn the_call_after_a_restart_of_postgresql_works() {
    let own = Cluster::start(Settings::default());
    let database = Database::create_in(&own, Template::Shop).await;
    let gate = gate(&database.url(READER));
    for _ in 0..3 {
        query(&gate, "SELECT count(*) FROM shop.products", &[]).await.unwrap();
        own.restart();
        let (page, _) = query(&gate, "SELECT 1", &[]).await.unwrap();
        assert_eq!(page.only(), ["1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_during_a_restart_wait_for_it_or_fail_as_retryable() {
    let own = Cluster::start(Settings::default());
    let database = Database::create_in(&own, Template::Shop).await;
    let gate = gate(&database.url(READER));
    gate.ready().await.unwrap();
    let (mut answered, mut failed) = (0, 0);
    std::thread::scope(|scope| {
        let restart = scope.spawn(|| own.restart());
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                while !restart.is_finished() || answered == 0 {
                    match query(&gate, "SELECT 1", &[]).await {
                        Ok(_) => answered += 1,
                        Err(error) => {
                            assert!(error.retryable, "{error:?}");
                            failed += 1;
                        }
                    }
                }
            });
        });
    });
    eprintln!("{answered} answered, {failed} failed");
    query(&gate, "SELECT 1", &[]).await.unwrap();
}

#[tokio::test]
async fn a_backend_killed_between_calls_is_not_noticed_by_the_next() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    let admin = database.admin().await;
    for _ in 0..10 {
        query(&gate, "SELECT 1", &[]).await.unwrap();
        let backends = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgwarden'";
        let killed: Vec<i32> =
            admin.query(backends, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(!killed.is_empty());
        admin
            .query("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", &[&killed])
            .await
            .unwrap();
        until("they are gone", || async {
            let left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)";
            (admin.query_one(left, &[&killed]).await.unwrap().get::<_, i64>(0) == 0).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_backend_killed_during_a_call_is_a_retryable_fault() {
    let database = Database::create(Template::Shop).await;
    let gate = gate(&database.url(READER));
    gate.ready().await.unwrap();
    let slow = {
        let gate = gate.clone();
        tokio::spawn(async move { query(&gate, ENDLESS, &[]).await })
    };
    running(&database, 1).await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pgwarden'";
    database.admin().await.query_one(kill, &[]).await.unwrap();
    let fault = slow.await.unwrap().unwrap_err();
    assert!(fault.retryable, "{fault:?}");
    assert_eq!(fault.sqlstate.as_str(), "57P01");
    query(&gate, "SELECT 1", &[]).await.unwrap();
}

/// Waits until PostgreSQL runs this many callers' statements.
async fn running(database: &Database<'_>, count: i64) {
    let admin = database.admin().await;
    until("the statements run", || async { (active(&admin).await == count).then_some(()) }).await;
}

async fn nothing_runs(database: &Database<'_>) {
    let admin = database.admin().await;
    until("nothing runs any more", || async { (active(&admin).await == 0).then_some(()) }).await;
}

async fn active(admin: &tokio_postgres::Client) -> i64 {
    let active = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'pgwarden' AND backend_type = 'client backend' AND state <> 'idle' AND query ~ 'order_items|generate_series'";
    admin.query_one(active, &[]).await.unwrap().get(0)
}
