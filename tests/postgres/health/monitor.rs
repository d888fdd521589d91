//! The login itself, what `doctor` says of it, and the statements that it counts.

use std::fs;
use std::process::Command;

use pgwarden::db::{Statement, StatementOrder, Verdict};

use super::{empty, monitor, run, watcher};
use crate::support::{Database, READER, Template};

const EXTENSION: &str = "CREATE EXTENSION pg_stat_statements";

#[tokio::test]
async fn what_the_monitor_runs_is_read_only_bounded_and_under_a_name_of_its_own() {
    let database = empty().await;
    run(&database, "CREATE SCHEMA app; GRANT ALL ON SCHEMA app TO PUBLIC").await;
    let monitor = monitor(&database, &watcher(&database).await);
    let refused = monitor.look("CREATE TABLE app.written ()", &[]).await.unwrap_err();
    assert_eq!(refused.sqlstate.as_str(), "25006", "{refused}");
    let settings =
        "SELECT concat_ws('|', current_setting('application_name'), current_setting('statement_timeout'),
        current_setting('search_path'), current_user)";
    let records = monitor.look(settings, &[]).await.unwrap();
    let expected = format!("pgwarden monitor|15s|pg_catalog, pg_temp|{}_watcher", database.name());
    assert_eq!(records[0].text(0).unwrap(), expected);
}

#[tokio::test]
async fn a_login_that_may_too_much_or_too_little_is_found() {
    let database = empty().await;
    run(&database, EXTENSION).await;
    let sound = monitor(&database, &watcher(&database).await).examine().await.unwrap();
    assert_eq!(sound.findings(), [], "the extension's own views are no user's relations");

    let nobody = database.create_role("nobody", "LOGIN").await;
    let found = monitor(&database, &nobody).examine().await.unwrap().findings();
    assert_eq!(found[0].0, Verdict::Fails);
    assert_eq!(found[0].2, format!("GRANT pg_monitor TO \"{nobody}\""));

    let mighty = database.create_role("mighty", "LOGIN SUPERUSER").await;
    let found = monitor(&database, &mighty).examine().await.unwrap().findings();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].0, found[0].2.as_str()),
        (Verdict::Warns, &*format!("ALTER ROLE \"{mighty}\" NOSUPERUSER"))
    );

    run(
        &database,
        "CREATE TABLE public.orders (id int, secret int); GRANT SELECT (id) ON public.orders TO PUBLIC",
    )
    .await;
    let reads = monitor(&database, &watcher_again(&database).await).examine().await.unwrap();
    assert_eq!(reads.readable, ["public.orders"]);
    assert_eq!(reads.findings()[0].0, Verdict::Warns);
}

async fn watcher_again(database: &Database<'_>) -> String {
    database.create_role("watcher_again", "LOGIN IN ROLE pg_monitor").await
}

#[tokio::test]
async fn statements_are_counted_wherever_the_extension_is_and_in_every_version() {
    let versions = ["1.8", "1.9", "1.10"];
    let of_14 = super::counting().major() < 15;
    for version in versions.into_iter().filter(|version| !of_14 || *version != "1.10") {
        let database = empty().await;
        let schema = "CREATE SCHEMA \"Odd; schema\"";
        run(&database, &format!("{schema}; {EXTENSION} SCHEMA \"Odd; schema\" VERSION '{version}'")).await;
        run(&database, "CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 500) AS n").await;
        let client = database.admin().await;
        for _ in 0..3 {
            client.query("SELECT id FROM t WHERE id < 101", &[]).await.unwrap();
        }
        client.query("/* of all */ SELECT id FROM t", &[]).await.unwrap();
        client.batch_execute("CREATE ROLE kept_out PASSWORD 'secret'; DROP ROLE kept_out").await.unwrap();
        let elsewhere = empty().await;
        elsewhere.admin().await.query("SELECT 'elsewhere'", &[]).await.unwrap();

        let login = watcher(&database).await;
        let monitor = monitor(&database, &login);
        let refused = monitor.statements(StatementOrder::Calls, 1).await.unwrap_err();
        assert!(refused.hint.unwrap().contains("doctor"));
        let note = monitor.examine().await.unwrap().findings().remove(0);
        assert_eq!(
            (note.0, &note.2),
            (Verdict::Notes, &format!("GRANT USAGE ON SCHEMA \"Odd; schema\" TO \"{login}\""))
        );
        run(&database, &note.2).await;
        let by = async |order| monitor.statements(order, 100).await.unwrap();
        let calls = by(StatementOrder::Calls).await;
        let found = |text: &str| {
            calls.iter().find(|s: &&Statement| s.text == text).unwrap_or_else(|| panic!("{calls:#?}"))
        };
        let often = found("SELECT id FROM t WHERE id < $1");
        assert_eq!((often.calls, often.rows), (3, 300), "{version}");
        assert!((often.mean_ms * 3.0 - often.total_ms).abs() < 1e-6 && often.blocks_hit > 0, "{often:?}");
        let most_rows = &by(StatementOrder::Rows).await[0];
        // PostgreSQL 18 leaves out a comment before the statement.
        let kept = if super::counting().major() >= 18 { "" } else { "/* of all */ " };
        assert_eq!((most_rows.text.clone(), most_rows.rows), (format!("{kept}SELECT id FROM t"), 500));
        let all = format!("{calls:?}");
        for word in ["secret", "elsewhere", "CREATE", "pg_stat_statements"] {
            assert!(!all.contains(word), "{word}: {all}");
        }
        let total: Vec<f64> = by(StatementOrder::TotalTime).await.iter().map(|s| s.total_ms).collect();
        assert!(total.is_sorted_by(|a, b| a >= b) && total.len() == calls.len(), "{total:?}");
        assert_eq!(monitor.statements(StatementOrder::MeanTime, 1).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_is_missing_for_counting_is_said_with_what_to_do() {
    let refusal = async |database: &Database<'_>, login: &str| {
        monitor(database, login).statements(StatementOrder::Calls, 1).await.unwrap_err()
    };
    let database = empty().await;
    let watcher = watcher(&database).await;
    let refused = refusal(&database, &watcher).await;
    assert_eq!(refused.message, "pg_stat_statements is not installed in this database");
    assert!(refused.hint.unwrap().contains("CREATE EXTENSION pg_stat_statements"));
    run(&database, "CREATE EXTENSION pg_stat_statements VERSION '1.7'").await;
    let refused = refusal(&database, &watcher).await;
    assert!(refused.hint.unwrap().contains("ALTER EXTENSION pg_stat_statements UPDATE"));
    let nobody = database.create_role("nobody", "LOGIN").await;
    assert_eq!(refusal(&database, &nobody).await.sqlstate.as_str(), "42501");

    let unloaded = Database::create(Template::Empty).await;
    run(&unloaded, EXTENSION).await;
    let watcher = super::watcher(&unloaded).await;
    let refused = refusal(&unloaded, &watcher).await;
    assert_eq!(refused.message, "pg_stat_statements is not loaded by the server");
    assert!(refused.hint.unwrap().contains("shared_preload_libraries"));
}

#[tokio::test]
async fn doctor_examines_the_monitor_login_too() {
    let database = Database::create_in(super::counting(), Template::Shop).await;
    run(&database, EXTENSION).await;
    let folder = tempfile::tempdir().unwrap();
    let doctor = async |monitor: &str| {
        let url = database.url(monitor);
        // Every role may connect to it, as to a database of its own.
        run(&database, &format!("GRANT CONNECT ON DATABASE {} TO {monitor}", database.name())).await;
        let config = folder.path().join("pgwarden.toml");
        let text =
            format!("[databases.shop]\nurl = \"{}\"\nmonitor_login = \"{url}\"\n", database.url(READER));
        fs::write(&config, text).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_pgwarden"))
            .args(["doctor", "--config", config.to_str().unwrap()])
            .output()
            .unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
    };
    let sound = watcher(&database).await;
    let (status, told) = doctor(&sound).await;
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(&format!("ok        monitor login `{sound}` is a member of pg_monitor")), "{told}");
    assert!(!told.contains("warn"), "{told}");

    let mighty = database.create_role("mighty", "LOGIN SUPERUSER").await;
    let (status, told) = doctor(&mighty).await;
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains(&format!("warn      monitor login `{mighty}` is a superuser")), "{told}");

    let nobody = database.create_role("nobody", "LOGIN").await;
    let (status, told) = doctor(&nobody).await;
    assert_ne!(status, Some(0), "{told}");
    assert!(
        told.contains(&format!("FAIL      monitor login `{nobody}` is no member of pg_monitor")),
        "{told}"
    );
    assert!(told.contains(&format!("remedy: GRANT pg_monitor TO \"{nobody}\"")), "{told}");
}
