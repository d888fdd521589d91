//! Statements that were seen before: one round trip, and nothing is given away that is not proved.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use pgwarden::auth::Caller;
use pgwarden::db::{Database as Gate, Progress, Ran, Repeatable};
use pgwarden::embedded::{Listen, Settings};
use pgwarden::gateway::{CallLimits, Gateway, QueryRequest, Served};
use pgwarden::pg::Diagnostic;
use pgwarden::policy::Policy;
use pgwarden::telemetry::Telemetry;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::proxy::Proxy;
use crate::support::{Cluster, Database, Page, READER, Template, checked, gate, gate_with, limits};

const SECRET: &str = "the launch code is 0000";

async fn repeatable(gate: &Arc<Gate>, sql: &str) -> Repeatable {
    Repeatable::new(checked(gate, sql).await.unwrap())
}

async fn run(gate: &Arc<Gate>, statement: &Repeatable, params: &[&str]) -> Result<(Page, Ran), Diagnostic> {
    let params: Vec<_> = params.iter().map(|param| Some((*param).to_owned())).collect();
    let mut page = Page::default();
    let (progress, stop) = (Progress::default(), CancellationToken::new());
    let ran = gate.run_watched(statement, &params, &limits(), &mut page, &progress, &stop).await?;
    Ok((page, ran))
}

/// What others may do on the same connections is over.
async fn quiet(proxy: &Proxy) -> u64 {
    loop {
        let before = proxy.turns();
        tokio::time::sleep(Duration::from_millis(150)).await;
        if proxy.turns() == before {
            return before;
        }
    }
}

/// Round trips to the answer.
async fn trips(proxy: &Proxy, gate: &Arc<Gate>, statement: &Repeatable, params: &[&str]) -> u64 {
    let before = quiet(proxy).await;
    run(gate, statement, params).await.unwrap();
    proxy.turns() - before
}

#[tokio::test]
async fn a_new_statement_takes_two_round_trips_and_one_that_was_seen_takes_one() {
    let cluster = Cluster::start(Settings { listen: Listen::Loopback, ..Settings::default() });
    let database = Database::create_in(&cluster, Template::Shop).await;
    let proxy = Proxy::to(cluster.port()).await;
    let url = format!("postgresql://{READER}@127.0.0.1:{}/{}?sslmode=disable", proxy.port, database.name());
    let gate = gate_with(&url, |settings| {
        settings.pool_size = 1;
        settings.notice_changes = false;
    });
    let by_key = "SELECT p.id, p.name FROM shop.products AS p WHERE p.id = $1";
    let (mut new, mut seen, mut failed) = (u64::MAX, u64::MAX, u64::MAX);
    // A look at the catalog beside it may be counted with one.
    for _ in 0..4 {
        let by_key = repeatable(&gate, by_key).await;
        new = new.min(trips(&proxy, &gate, &by_key, &["1"]).await);
        seen = seen.min(trips(&proxy, &gate, &by_key, &["2"]).await);
        assert_eq!(run(&gate, &by_key, &["7"]).await.unwrap().0.only()[0], "7");
        // A wrong value is PostgreSQL's to tell, in the way of a new statement.
        let wrong = run(&gate, &by_key, &["seven"]).await.unwrap_err();
        assert_eq!(wrong.sqlstate.as_str(), "22P02");
        assert!(wrong.message.contains("seven"), "{wrong:?}");
        run(&gate, &repeatable(&gate, "SELECT 1").await, &[]).await.unwrap();
        failed = failed.min(trips(&proxy, &gate, &by_key, &["1"]).await);
    }
    assert_eq!((new, seen, failed), (2, 1, 2), "new, seen, and after it has failed");

    // The driver asks about an enum once on each connection. EXPLAIN is never seen.
    let of_enum = "SELECT c.segment FROM shop.customers AS c WHERE c.segment = 'business' LIMIT 1";
    for (sql, expected) in [(of_enum, 1), ("EXPLAIN SELECT 1", 2)] {
        let statement = repeatable(&gate, sql).await;
        run(&gate, &statement, &[]).await.unwrap();
        let mut fewest = u64::MAX;
        for _ in 0..4 {
            fewest = fewest.min(trips(&proxy, &gate, &statement, &[]).await);
        }
        assert_eq!(fewest, expected, "{sql}");
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_seen_rows_is_told_and_the_rows_before_it_are_not() {
    let database = Database::create(Template::Shop).await;
    let gate = gate_with(&database.url(READER), |settings| settings.pool_size = 1);
    let sql = "SELECT 10 / (s.g - $1::int) FROM generate_series(1, 2000) AS s (g)";
    let statement = repeatable(&gate, sql).await;
    let (page, ran) = run(&gate, &statement, &["5000"]).await.unwrap();
    assert_eq!((page.rows.len(), ran.rows), (1_000, 1_000));
    let failed = run(&gate, &statement, &["500"]).await.unwrap_err();
    assert_eq!((failed.sqlstate.as_str(), failed.message.as_str()), ("22012", "division by zero"));
    let (page, _) = run(&gate, &statement, &["5000"]).await.unwrap();
    assert_eq!(page.rows.len(), 1_000);
}

/// A change behind the back of a statement that was seen, and what becomes of the statement.
struct Case {
    sql: &'static str,
    change: &'static str,
    /// The rule or SQLSTATE of the refusal, or the fields of the only row.
    becomes: Result<&'static [&'static str], &'static str>,
}

const GROUND: &str = "
    CREATE TABLE shop.open (id int, body text, doc json);
    CREATE TABLE shop.hidden (id int, body text, doc json);
    INSERT INTO shop.open VALUES (1, 'seen', '{}');
    INSERT INTO shop.hidden VALUES (1, 'the launch code is 0000', '{}');
    CREATE VIEW shop.shown AS SELECT o.id, o.body FROM shop.open AS o;
    CREATE TABLE shop.child (id int, body text, doc json);
    INSERT INTO shop.child VALUES (1, 'the launch code is 0000', '{}');
    CREATE TABLE shop.parts (id int, body text) PARTITION BY LIST (id);
    CREATE TABLE shop.part_1 PARTITION OF shop.parts FOR VALUES IN (1);
    CREATE TABLE shop.part_2 (id int, body text);
    INSERT INTO shop.part_1 VALUES (1, 'seen');
    INSERT INTO shop.part_2 VALUES (2, 'the launch code is 0000');
    GRANT SELECT ON shop.open, shop.hidden, shop.shown, shop.child, shop.parts, shop.part_1, shop.part_2 TO PUBLIC;
";

const CASES: &[Case] = &[
    Case {
        sql: "SELECT s.body FROM shop.shown AS s",
        change: "CREATE OR REPLACE VIEW shop.shown AS SELECT h.id, h.body FROM shop.hidden AS h",
        becomes: Err("server.locks"),
    },
    Case {
        // Its error would quote the value.
        sql: "SELECT s.body FROM shop.shown AS s",
        change: "CREATE OR REPLACE VIEW shop.shown AS SELECT h.id, (h.body::int)::text AS body FROM shop.hidden AS h",
        becomes: Err("server.locks"),
    },
    Case {
        // The same behind a row that came well.
        sql: "SELECT s.body FROM shop.shown AS s",
        change: "CREATE OR REPLACE VIEW shop.shown AS
            SELECT 1 AS id, 'one' AS body UNION ALL SELECT h.id, (h.body::int)::text FROM shop.hidden AS h",
        becomes: Err("server.locks"),
    },
    Case {
        sql: "SELECT o.body FROM shop.open AS o",
        change: "ALTER TABLE shop.open RENAME TO before; ALTER TABLE shop.hidden RENAME TO open",
        becomes: Err("server.locks"),
    },
    Case {
        sql: "SELECT o.body FROM shop.open AS o",
        change: "ALTER TABLE shop.child INHERIT shop.open",
        becomes: Err("server.locks"),
    },
    Case {
        sql: "SELECT p.body FROM shop.parts AS p",
        change: "ALTER TABLE shop.parts ATTACH PARTITION shop.part_2 FOR VALUES IN (2)",
        becomes: Err("server.locks"),
    },
    Case {
        // JSON goes into the reply as it is.
        sql: "SELECT o.doc FROM shop.open AS o",
        change: "ALTER TABLE shop.open ALTER doc TYPE text USING 'not json'",
        becomes: Ok(&["not json"]),
    },
    Case {
        sql: "SELECT o.body FROM shop.open AS o WHERE o.id = 1",
        change: "DROP VIEW shop.shown; ALTER TABLE shop.open ALTER id TYPE bigint",
        becomes: Ok(&["seen"]),
    },
    Case {
        sql: "SELECT count(*) FROM shop.open AS o",
        change: "ALTER TABLE shop.open ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON shop.open USING (false)",
        becomes: Ok(&["0"]),
    },
    Case {
        sql: "SELECT count(*) FROM shop.open AS o",
        change: "ALTER TABLE shop.open ENABLE ROW LEVEL SECURITY;
            CREATE POLICY looks ON shop.open USING (EXISTS (SELECT FROM shop.hidden AS h WHERE h.id = open.id))",
        becomes: Err("server.locks"),
    },
    Case {
        sql: "SELECT o.body FROM shop.open AS o",
        change: "REVOKE SELECT ON shop.open FROM PUBLIC",
        becomes: Err("42501"),
    },
    Case {
        sql: "SELECT o.body FROM shop.open AS o",
        change: "DROP TABLE shop.open CASCADE",
        becomes: Err("42P01"),
    },
];

async fn lay(admin: &Client) {
    let clear = "DROP TABLE IF EXISTS shop.open, shop.before, shop.hidden, shop.child, shop.parts, shop.part_2 CASCADE;";
    admin.batch_execute(&format!("{clear} {GROUND}")).await.unwrap();
}

#[tokio::test]
async fn what_changes_behind_a_seen_statement_is_noticed_before_a_row_is_given_away() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    let mut proved = 0;
    for Case { sql, change, becomes } in CASES {
        lay(&admin).await;
        // Each with a snapshot of its own.
        let gate = gate(&database.url(READER));
        let statement = repeatable(&gate, sql).await;
        for _ in 0..2 {
            run(&gate, &statement, &[]).await.unwrap();
        }
        let snapshot = gate.catalog().unwrap();
        admin.batch_execute(change).await.unwrap();
        let found = run(&gate, &statement, &[]).await;
        // Else it was noticed before, and the way was that of a new statement.
        proved += usize::from(Arc::ptr_eq(&snapshot, &gate.catalog().unwrap()));
        assert!(!format!("{found:?}").contains(SECRET), "{change}: {found:?}");
        match (found, becomes) {
            (Ok((page, _)), Ok(fields)) => {
                assert_eq!(page.only(), *fields, "{change}");
                if change.contains("doc") {
                    assert_eq!(page.columns[0].type_name, "text");
                }
            }
            (Err(refusal), Err(why)) => {
                let said = refusal.rule.as_deref().unwrap_or(refusal.sqlstate.as_str());
                assert_eq!(said, *why, "{change}: {refusal:?}");
            }
            (found, _) => panic!("{change}: {found:?}"),
        }
        gate.close().await;
    }
    assert!(proved > CASES.len() / 2, "the snapshot was renewed too often: {proved}");
}

/// Each of them shows the secret, or nothing, to whom is not careful.
const TURNS: [[&str; 2]; 4] = [
    [
        "CREATE OR REPLACE VIEW shop.shown AS SELECT h.id, h.body FROM shop.hidden AS h",
        "CREATE OR REPLACE VIEW shop.shown AS SELECT o.id, o.body FROM shop.open AS o",
    ],
    [
        "CREATE OR REPLACE VIEW shop.shown AS SELECT h.id, (h.body::int)::text AS body FROM shop.hidden AS h",
        "CREATE OR REPLACE VIEW shop.shown AS SELECT o.id, o.body FROM shop.open AS o",
    ],
    [
        "ALTER TABLE shop.open ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON shop.open USING (false)",
        "DROP POLICY none ON shop.open; ALTER TABLE shop.open DISABLE ROW LEVEL SECURITY",
    ],
    ["REVOKE SELECT ON shop.open FROM PUBLIC", "GRANT SELECT ON shop.open TO PUBLIC"],
];

#[tokio::test]
async fn thousands_of_seen_statements_show_nothing_hidden_while_the_schema_turns() {
    let database = Database::create(Template::Shop).await;
    let admin = database.admin().await;
    lay(&admin).await;
    let policy = "version = 1\ninclude = []\n[[allow]]\nselect = [\"shop.open\", \"shop.shown\"]\n";
    let served = Served::new(gate(&database.url(READER)), Policy::parse(policy, "policy.toml").unwrap());
    let bounds = CallLimits {
        rows: 100,
        characters: 40_000,
        field_characters: 4_000,
        deadline: Duration::from_secs(30),
    };
    let gateway = Gateway::new(vec![served], bounds, Telemetry::default());
    let statements =
        ["SELECT s.body FROM shop.shown AS s", "SELECT o.body FROM shop.open AS o WHERE o.id = $1::int"];
    let done = Arc::new(AtomicBool::new(false));
    let asking = statements.into_iter().cycle().take(4).map(|sql: &'static str| {
        let (gateway, done) = (gateway.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let params = if sql.contains("$1") { vec![Some("1".to_owned())] } else { Vec::new() };
            let (mut answers, mut refusals) = (0, 0);
            while answers + refusals < 500 && !done.load(Relaxed) {
                let request =
                    QueryRequest { sql: sql.to_owned(), params: params.clone(), ..QueryRequest::default() };
                match gateway.query(&Caller::local("anna"), request, &CancellationToken::new()).await {
                    Ok(output) => {
                        assert!(
                            ["[]", "[[\"seen\"]]"].contains(&output.rows.get()),
                            "{sql}: {}",
                            output.rows
                        );
                        answers += 1;
                    }
                    Err(refusal) => {
                        assert!(!format!("{refusal:?}").contains(SECRET), "{sql}: {refusal:?}");
                        refusals += 1;
                    }
                }
            }
            (answers, refusals)
        })
    });
    let asking: Vec<_> = asking.collect();
    let turning = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            for [there, back] in TURNS.iter().cycle() {
                for change in [there, back] {
                    // Long enough for the statement to be seen again.
                    tokio::time::sleep(Duration::from_millis(25)).await;
                    admin.batch_execute(change).await.unwrap();
                }
                if done.load(Relaxed) {
                    return;
                }
            }
        }
    });
    let mut seen = (0, 0);
    for asked in asking {
        let (answers, refusals) = asked.await.unwrap();
        seen = (seen.0 + answers, seen.1 + refusals);
    }
    done.store(true, Relaxed);
    turning.await.unwrap();
    assert!(seen.0 > 100 && seen.1 > 10, "{seen:?}");
}
