//! The rows behind the first page.

use std::sync::Arc;
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::ConnectionSettings;
use pgwarden::gateway::{Asked, CallLimits, Format};
use pgwarden::policy::{Claims, Policy};
use pgwarden::store::MasterKey;
use pgwarden::tasks::{Holder, MemoryStore, Pace, PostgresStore, TaskId, TaskSettings};
use tokio_util::sync::CancellationToken;

use super::{ask, caller, firsts, gateway, gateway_with, limits, next, request, rows_of, worker};
use crate::support::{Database, READER, Template, unfenced, until};

const NUMBERS: &str = "SELECT n, md5(n::text) FROM generate_series(1, 20000) AS n ORDER BY n";

#[tokio::test]
async fn pages_give_every_row_once_in_order_and_the_query_runs_once() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let first = rows_of(&gateway, NUMBERS).await;
    assert!(first.truncated);
    let mut seen = firsts(&first);
    let mut cursor = first.next_cursor;
    let mut pages = 1;
    while let Some(at) = cursor {
        let page = next(&gateway, &at).await.unwrap();
        assert_eq!(page.columns, first.columns);
        let again = next(&gateway, &at).await.unwrap();
        assert_eq!((again.rows.get(), &again.next_cursor), (page.rows.get(), &page.next_cursor));
        seen.extend(firsts(&page));
        assert_eq!(page.truncated, page.next_cursor.is_some());
        cursor = page.next_cursor;
        pages += 1;
    }
    assert_eq!(seen, (1..=20_000).collect::<Vec<_>>());
    assert!(pages > 20, "{pages}");
    let admin = database.admin().await;
    let running: i64 = admin
        .query_one("SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND datname = current_database() AND usename = $1", &[&READER])
        .await
        .unwrap()
        .get(0);
    assert_eq!(running, 0);
}

#[tokio::test]
async fn a_snapshot_is_paged_whatever_happens_to_the_table() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    admin
        .batch_execute(&format!(
            "CREATE TABLE shop.paged AS SELECT n FROM generate_series(1, 20000) n; GRANT SELECT ON shop.paged TO {READER}"
        ))
        .await
        .unwrap();
    let gateway = gateway(&database);
    let first = rows_of(&gateway, "SELECT n, 'x' AS filler FROM shop.paged ORDER BY n").await;
    admin.batch_execute("DELETE FROM shop.paged").await.unwrap();
    let mut seen = firsts(&first);
    let mut cursor = first.next_cursor;
    while let Some(at) = cursor {
        let page = next(&gateway, &at).await.unwrap();
        seen.extend(firsts(&page));
        cursor = page.next_cursor;
    }
    assert_eq!(seen, (1..=20_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_page_says_when_there_are_more_rows_than_may_be_read() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway_with(&database, CallLimits { rows: 5_000, ..limits() }, Policy::builtin());
    let first = rows_of(&gateway, NUMBERS).await;
    let mut count = first.row_count;
    let mut cursor = first.next_cursor;
    let mut last = None;
    while let Some(at) = cursor {
        let page = next(&gateway, &at).await.unwrap();
        count += page.row_count;
        cursor = page.next_cursor.clone();
        last = Some(page);
    }
    let last = last.unwrap();
    assert_eq!((count, last.truncated), (5_000, true));
    assert!(last.truncated_reason.unwrap().starts_with("there are more rows than 5000"));
}

#[tokio::test]
async fn an_error_behind_the_first_page_is_told_and_never_taken_for_the_end() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    // So large that PostgreSQL comes to the error long after the first page.
    let sql = "SELECT n, 10 / (90000 - n) AS q, md5(n::text) AS a, md5(n::text) AS b, md5(n::text) AS c,
        md5(n::text) AS d, md5(n::text) AS e, md5(n::text) AS f, md5(n::text) AS g, md5(n::text) AS h FROM generate_series(1, 100000) AS n";
    let first = rows_of(&gateway, sql).await;
    let mut cursor = first.next_cursor;
    let mut count = first.row_count;
    let error = loop {
        match next(&gateway, &cursor.unwrap()).await {
            Ok(page) => {
                count += page.row_count;
                cursor = page.next_cursor;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(error.sqlstate.as_str(), "22012");
    assert!((1..90_000).contains(&count), "{count}");
}

#[tokio::test]
async fn a_page_can_be_read_in_another_format() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let cursor = rows_of(&gateway, NUMBERS).await.next_cursor.unwrap();
    let stop = CancellationToken::new();
    let page = gateway
        .next_page(&caller(), &cursor, Some(Format::Csv), Duration::from_secs(9), &stop)
        .await
        .unwrap();
    assert!(unfenced(&page.text.unwrap()).starts_with("n,md5\r\n"));
}

#[tokio::test]
async fn nobody_else_reads_a_page_and_nobody_after_a_change_of_their_claims() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    let cursor = rows_of(&gateway, NUMBERS).await.next_cursor.unwrap();
    let stop = CancellationToken::new();
    let read = async |caller: Caller, cursor: &str| {
        gateway
            .next_page(&caller, cursor, None, Duration::from_secs(9), &stop)
            .await
            .map(|page| page.row_count)
    };
    let unknown = format!("{}-0-0", "0".repeat(32));
    let stranger = read(Caller::local("ben"), &cursor).await.unwrap_err();
    assert_eq!(stranger, read(caller(), &unknown).await.unwrap_err());
    assert_eq!(stranger, read(caller(), "no cursor").await.unwrap_err());
    let changed = Caller { claims: Claims::from_iter([("role", "other")]), ..caller() };
    assert_eq!(read(changed, &cursor).await.unwrap_err().rule.as_deref(), Some("tasks.policy_changed"));
    assert!(read(caller(), &cursor).await.unwrap() > 0);
}

/// The statement of an answer whose pages fill the store ends; what was stored can be read.
#[tokio::test]
async fn a_full_store_ends_the_query_and_says_so() {
    let database = Database::create(Template::Shop).await;
    let settings = TaskSettings { answer_bytes: 400_000, ..Default::default() };
    let store = Arc::new(MemoryStore::new(settings.clone()));
    let holder = Holder(TaskId::random().unwrap());
    let gateway = gateway(&database).with_tasks(store, settings, holder);
    let sql = "SELECT n, md5(n::text), md5((-n)::text) FROM generate_series(1, 1000000) AS n";
    let first = rows_of(&gateway, sql).await;
    let mut cursor = first.next_cursor;
    let mut count = first.row_count;
    let mut reason = None;
    while let Some(at) = cursor {
        let page = next(&gateway, &at).await.unwrap();
        count += page.row_count;
        cursor = page.next_cursor;
        reason = page.truncated_reason;
    }
    assert!((1_000..100_000).contains(&count), "{count}");
    assert!(reason.unwrap().contains("there are more rows"));
    let admin = database.admin().await;
    let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND usename = $1";
    until("the query has ended", async || {
        let count: i64 = admin.query_one(running, &[&READER]).await.unwrap().get(0);
        (count == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_fits_leaves_nothing_in_the_store() {
    let database = Database::create(Template::Shop).await;
    let gateway = gateway(&database);
    ask(&gateway, "SELECT 1", Duration::from_secs(9)).await.unwrap();
    assert!(gateway.list_tasks(&caller(), None, 10).await.unwrap().is_empty());
    gateway.query(&caller(), request("SELECT 1"), &CancellationToken::new()).await.unwrap();
}

/// Whenever its caller's patience ends, also while the first page is being given away, a run has one record, and ends.
#[tokio::test]
async fn patience_may_end_at_any_moment() {
    let database = Database::create(Template::Shop).await;
    let connection = ConnectionSettings::parse(&database.admin_url(), &|_| None).unwrap();
    pgwarden::store::migrate::migrate(&connection).await.unwrap();
    let settings = TaskSettings::default();
    let key = MasterKey::new([7; 32]);
    let store = PostgresStore::open(connection, settings.clone(), &key, Pace::default()).await.unwrap();
    let gateway = gateway(&database).with_tasks(Arc::new(store), settings, Holder(TaskId::random().unwrap()));
    let _worker = worker(&gateway);
    rows_of(&gateway, "SELECT 1").await;
    let stop = CancellationToken::new();
    let (mut tasks, mut pages) = (0, 0);
    for round in 0..80_u32 {
        let sql = format!("SELECT n, md5((n + {round})::text) FROM generate_series(1, 2000) AS n ORDER BY n");
        let asked = ask(&gateway, &sql, Duration::from_micros(u64::from(round).pow(2) * 20)).await.unwrap();
        let first = match asked {
            Asked::Rows(first) => {
                pages += 1;
                first
            }
            Asked::Task(task) => {
                tasks += 1;
                let wait = Duration::from_secs(20);
                match gateway.task_outcome(&caller(), task.id, wait, &stop).await.unwrap() {
                    Some(Asked::Rows(first)) => first,
                    other => panic!("{round}: {other:?}"),
                }
            }
            other => panic!("{round}: {other:?}"),
        };
        let mut count = first.row_count;
        let mut cursor = first.next_cursor;
        while let Some(at) = cursor {
            let page = next(&gateway, &at).await.unwrap();
            count += page.row_count;
            cursor = page.next_cursor;
        }
        assert_eq!(count, 2_000, "{round}");
    }
    assert!(tasks > 0 && pages > 0, "{tasks} tasks, {pages} pages");
}

/// The locks that cover a page are compared before it is given away, while the query still runs.
#[tokio::test]
async fn no_page_is_given_away_of_a_query_that_reaches_more_than_was_checked() {
    let database = Database::create(Template::Shop).await;
    let change = "
        CREATE FUNCTION shop.peeking(n integer) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
            AS 'BEGIN RETURN n > (SELECT count(*) FROM staff.payroll); END';
        GRANT EXECUTE ON FUNCTION shop.peeking TO PUBLIC;
        CREATE POLICY peeking ON shop.support_tickets AS RESTRICTIVE USING (shop.peeking(id::integer))";
    database.admin().await.batch_execute(change).await.unwrap();
    let gateway = gateway(&database);
    // Of so many rows that it runs on long after the first page.
    let sql =
        "SELECT t.id, i.quantity, j.quantity FROM shop.support_tickets AS t CROSS JOIN shop.order_items AS i
               CROSS JOIN shop.order_items AS j";
    let refused = ask(&gateway, sql, Duration::from_secs(30)).await.unwrap_err();
    assert_eq!(refused.rule.as_deref(), Some("server.locks"), "{refused}");
    assert!(gateway.list_tasks(&caller(), None, 10).await.unwrap().is_empty());
}
