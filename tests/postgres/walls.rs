//! Two walls, each tested with the other down: the database alone holds what a script gave it, against a session that
//! pgwarden never saw; and pgwarden alone holds its policy, over a login that PostgreSQL refuses nothing.

mod guarded;

use std::fs;
use std::time::Duration;

use pgwarden::db::RunLimits;
use pgwarden::embedded::Settings;
use pgwarden::policy::Policy;
use pgwarden::sql::{CheckContext, check};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::policy_script::{ANALYST, answer, options, plan};
use super::security::{ATTACKS, HIDDEN_COLUMN, MARKS, PARSER_DIFFERENCES};
use crate::support::{Cluster, Database, Page, Template, gate_with};

/// Of the sample shop, without what only row security holds.
const SHOP: &str = r#"
version = 1
include = []
[[allow]]
select = ["shop.*", "corner.graffiti", "corner.no_columns", "corner.mood_board", "corner.Weird Name"]
[[allow]]
execute = ["shop.with_vat", "shop.stock_of"]
[[deny]]
select = ["shop.support_tickets", "shop.customers.password_hash", "shop.customers.tax_number",
  "shop.payments.processor_token", "*.*.ssn"]
"#;

/// Of the labelled statements.
const CASES: &str = r#"
version = 1
include = []
[[allow]]
select = ["public.*"]
[[allow]]
execute = ["public.add_tax"]
[[deny]]
select = ["public.secrets", "public.customers.ssn", "public.emp", "public.hidden"]
"#;

/// What the probes of `side_effects.jsonl` name, and marks in what the labelled statements must not reach.
const CASES_OBJECTS: &str = "
    CREATE TABLE public.hidden (id integer, secret text);
    INSERT INTO public.hidden VALUES (1, 'HIDDEN-VAULT-1');
    CREATE TABLE public.emp (id integer, ssn text, words tsvector);
    INSERT INTO public.emp VALUES (1, '987-65-0001', 'x');
    CREATE INDEX bi ON public.emp USING brin (id);
    CREATE INDEX gi ON public.emp USING gin (words);
    CREATE SEQUENCE public.s_own; CREATE SEQUENCE public.s1;
    SELECT pg_catalog.lo_from_bytea(778, 'HIDDEN-VAULT-2');
    UPDATE public.secrets SET token = 'HIDDEN-VAULT-' || id;
    UPDATE public.customers SET ssn = '987-65-' || id;
    UPDATE private.salaries SET amount = amount + 0.1373;";

/// Kinds of functions that do more than compute or tell.
const ACTING: [&str; 9] = [
    "writes",
    "locks",
    "signals",
    "sleeps",
    "executes-SQL-from-text",
    "changes-settings",
    "session-state",
    "reads-files",
    "admin-replication",
];

/// What still answers for the scripted login with the whole script applied: it changes or keeps only its own session.
const LEFT: &[&str] = &[
    "set_config(text,text,boolean)",
    "setseed(double precision)",
    "pg_advisory_unlock(bigint)",
    "pg_advisory_unlock(integer,integer)",
    "pg_advisory_unlock_shared(bigint)",
    "pg_advisory_unlock_shared(integer,integer)",
    "pg_advisory_unlock_all()",
    "pg_sleep(double precision)",
    "pg_sleep_for(interval)",
    "pg_sleep_until(timestamp with time zone)",
    "ts_rewrite(tsquery,text)",
    "pg_stat_force_next_flush()",
    "pg_stat_clear_snapshot()",
];

/// What answers besides where the part for superusers was left out.
const LEFT_WITHOUT_SUPERUSER: &[&str] = &[
    "lo_create(oid)",
    "lo_creat(integer)",
    "lo_from_bytea(oid,bytea)",
    "pg_notify(text,text)",
    "pg_logical_emit_message(boolean,text,text)",
    "pg_logical_emit_message(boolean,text,bytea)",
    "pg_export_snapshot()",
    "txid_current()",
    "pg_current_xact_id()",
    "pg_advisory_lock(bigint)",
    "pg_advisory_lock(integer,integer)",
    "pg_advisory_lock_shared(bigint)",
    "pg_advisory_lock_shared(integer,integer)",
    "pg_advisory_xact_lock(bigint)",
    "pg_advisory_xact_lock(integer,integer)",
    "pg_advisory_xact_lock_shared(bigint)",
    "pg_advisory_xact_lock_shared(integer,integer)",
    "pg_try_advisory_lock(bigint)",
    "pg_try_advisory_lock(integer,integer)",
    "pg_try_advisory_lock_shared(bigint)",
    "pg_try_advisory_lock_shared(integer,integer)",
    "pg_try_advisory_xact_lock(bigint)",
    "pg_try_advisory_xact_lock(integer,integer)",
    "pg_try_advisory_xact_lock_shared(bigint)",
    "pg_try_advisory_xact_lock_shared(integer,integer)",
    "pg_cancel_backend(integer)",
    "database_to_xml(boolean,boolean,text)",
    "database_to_xmlschema(boolean,boolean,text)",
    "database_to_xml_and_xmlschema(boolean,boolean,text)",
];

/// One for each database: dropping another one takes a transaction's number too.
fn own_cluster() -> Cluster {
    Cluster::start(Settings::default())
}

fn lines(file: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn forbidden(database: &Database<'_>) -> Vec<String> {
    let cases = lines("tests/fixtures/sql_cases.jsonl").into_iter().filter(|case| case["expect"] == "deny");
    cases.map(|case| case["sql"].as_str().unwrap().replace("fx.", &format!("{}.", database.name()))).collect()
}

/// `(function, statement)` of those that act.
fn probes() -> Vec<(String, String)> {
    let rows = lines("tests/fixtures/side_effects.jsonl").into_iter();
    let acting = rows.filter(|row| ACTING.contains(&row["category"].as_str().unwrap()));
    let probe = |row: serde_json::Value| {
        let sql = row["probe"].as_str().filter(|sql| sql.starts_with("select"))?;
        Some((row["function"].as_str().unwrap().to_owned(), sql.to_owned()))
    };
    acting.filter_map(probe).collect()
}

/// All that is stored: rows of every relation, large objects, the catalogs, roles, and the next transaction's number,
/// which grows with whatever writes.
async fn content(admin: &Client) -> Vec<String> {
    let sql = "
        SELECT c.oid::regclass || ' ' || query_to_xml(format(
            CASE c.relkind
              WHEN 'S' THEN 'SELECT last_value, is_called FROM %s'
              ELSE 'SELECT md5(string_agg(x, '','' ORDER BY x)) FROM (SELECT textin(record_out(whole_row)) AS x FROM %s AS whole_row) AS y'
            END, c.oid::regclass
          ), TRUE, TRUE, '')::text
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE (c.relkind IN ('r', 'm', 'S') AND n.nspname !~ '^(pg_|information_schema)')
          OR c.oid IN ('pg_largeobject'::regclass, 'pg_largeobject_metadata'::regclass, 'pg_authid'::regclass, 'pg_auth_members'::regclass,
            'pg_db_role_setting'::regclass, 'pg_policy'::regclass, 'pg_namespace'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
            'pg_trigger'::regclass, 'pg_attribute'::regclass, 'pg_description'::regclass)
        UNION ALL SELECT 'classes ' || md5(string_agg(c.oid || c.relname || c.relowner || COALESCE(c.relacl::text, ''), ',' ORDER BY c.oid)) FROM pg_class AS c
        UNION ALL SELECT 'transaction ' || pg_snapshot_xmax(pg_current_snapshot())::text
        UNION ALL SELECT 'notifications ' || pg_notification_queue_usage()
        UNION ALL SELECT 'prepared ' || count(*) FROM pg_prepared_xacts
        UNION ALL SELECT 'advisory locks ' || count(*) FROM pg_locks WHERE locktype = 'advisory'";
    admin.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn wal(admin: &Client) -> i64 {
    let sql = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8";
    admin.query_one(sql, &[]).await.unwrap().get(0)
}

/// What a session does that was never told to behave.
async fn unbound(database: &Database<'_>, role: &str) -> Client {
    let client = database.connect(role).await;
    client
        .batch_execute("SET default_transaction_read_only = off; SET statement_timeout = '20s'")
        .await
        .unwrap();
    client
}

/// Runs each in autocommit; returns how many answered, after looking for marks.
async fn attack(client: &Client, statements: &[String]) -> usize {
    let mut answered = 0;
    let mut marked = Vec::new();
    for sql in statements {
        let result = answer(client, sql).await;
        let _ = client.simple_query("ROLLBACK").await;
        answered += usize::from(result.is_ok());
        let text = result.unwrap_or_else(|error| error);
        // PostgreSQL shows every login what functions are written in: their text is no run of them.
        let source = sql.contains("pg_catalog.pg_proc") || sql.contains("pg_catalog.pg_stats");
        let shown = |mark: &&&str| text.contains(**mark) && !(source && **mark == "HOSTILE-CODE-RAN");
        if let Some(mark) = MARKS.iter().find(shown) {
            marked.push(format!("{mark} by {sql}: {}", text.chars().take(200).collect::<String>()));
        }
    }
    assert!(marked.is_empty(), "{}:\n{}", marked.len(), marked.join("\n"));
    answered
}

/// The engine is off: plain connections as the scripted login.
#[tokio::test]
async fn the_database_alone_shows_nothing_hidden_and_changes_nothing() {
    for (template, policy) in [(Template::Shop, ANALYST), (Template::Cases, CASES)] {
        let cluster = own_cluster();
        let database = Database::create_in(&cluster, template).await;
        let admin = database.admin().await;
        let mut statements: Vec<String> =
            PARSER_DIFFERENCES.iter().map(|(sql, _)| (*sql).to_owned()).collect();
        if template == Template::Cases {
            admin.batch_execute(CASES_OBJECTS).await.unwrap();
            statements.extend(forbidden(&database));
            statements.extend(probes().into_iter().map(|(_, sql)| sql));
        } else {
            statements.extend(ATTACKS.iter().map(|sql| (*sql).to_owned()));
            statements.extend(HIDDEN_COLUMN.iter().map(|(sql, _)| (*sql).to_owned()));
            statements.extend(
                [
                    "SELECT * FROM corner.vault",
                    "SELECT token FROM corner.vault WHERE 1 / (id - id) > 0",
                    "SELECT count(token::int) FROM corner.vault",
                ]
                .map(str::to_owned),
            );
        }
        let role = format!("{}_analyst", database.name());
        let (made, _) = plan(&database, policy, options(&role)).await;
        admin.batch_execute(&made.apply()).await.unwrap();
        admin.batch_execute("VACUUM (FREEZE, ANALYZE)").await.unwrap();
        admin.batch_execute("CHECKPOINT").await.unwrap();
        let (before, written) = (content(&admin).await, wal(&admin).await);
        let client = unbound(&database, &role).await;
        let answered = attack(&client, &statements).await;
        drop(client);
        let (after, grown) = (content(&admin).await, wal(&admin).await - written);
        let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        assert!(changed.is_empty() && before.len() == after.len(), "{template:?}: {changed:?}");
        assert!(grown < 65_536, "{template:?}: {grown} bytes of log");
        println!("{template:?}: {} statements, {answered} answered, {grown} bytes of log", statements.len());
        assert!(statements.len() > 150 && answered < statements.len() / 2, "{answered}");
        let marks = answer(
            &admin,
            if template == Template::Shop {
                "SELECT * FROM corner.vault"
            } else {
                "SELECT token FROM public.secrets"
            },
        );
        assert!(marks.await.unwrap().contains("HIDDEN-VAULT"));
    }
}

/// What of PostgreSQL's own functions acts for the scripted login, to the letter, with and without a superuser's help.
#[tokio::test]
async fn what_still_acts_for_the_scripted_login_is_known() {
    let cluster = own_cluster();
    for managed in [false, true] {
        let database = Database::create_in(&cluster, Template::Cases).await;
        let admin = database.admin().await;
        admin.batch_execute(CASES_OBJECTS).await.unwrap();
        let role = format!("{}_analyst", database.name());
        let (made, _) =
            plan(&database, CASES, pgwarden::policy::script::PlanOptions { managed, ..options(&role) }).await;
        admin.batch_execute(&made.apply()).await.unwrap();
        let client = unbound(&database, &role).await;
        let mut acts = Vec::new();
        for (function, sql) in probes() {
            let done = answer(&client, &sql).await.is_ok();
            let _ = client.simple_query("ROLLBACK").await;
            if done {
                acts.push(function);
            }
        }
        let mut expected = LEFT.to_vec();
        if managed {
            expected.extend(LEFT_WITHOUT_SUPERUSER);
        }
        let unexpected: Vec<_> =
            acts.iter().filter(|function| !expected.contains(&function.as_str())).collect();
        let missing: Vec<_> =
            expected.iter().filter(|function| !acts.iter().any(|act| act == *function)).collect();
        // Other versions lack some of them, and since 16 large objects are not written in a read-only transaction.
        let complete = missing.is_empty() || cluster.major() != 15;
        assert!(
            unexpected.is_empty() && complete,
            "managed {managed}: {unexpected:#?} act, {missing:?} do not"
        );
    }
}

/// The grants are off: the login is a superuser, accepted by name.
#[tokio::test]
async fn pgwarden_alone_shows_nothing_hidden_and_changes_nothing() {
    for (template, policy) in [(Template::Shop, SHOP), (Template::Cases, CASES)] {
        let cluster = own_cluster();
        let database = Database::create_in(&cluster, template).await;
        let admin = database.admin().await;
        let gate = gate_with(&database.admin_url(), |settings| {
            settings
                .accepted
                .extend(["superuser", "bypassrls", "replication", "createrole"].map(str::to_owned));
            settings.search_path = Some(["shop", "staff", "app", "public"].map(str::to_owned).to_vec());
        });
        let mut statements: Vec<String> = Vec::new();
        if template == Template::Cases {
            admin.batch_execute(CASES_OBJECTS).await.unwrap();
            statements.extend(PARSER_DIFFERENCES.iter().map(|(sql, _)| (*sql).to_owned()));
            statements.extend(forbidden(&database));
            statements.extend(probes().into_iter().map(|(_, sql)| sql));
        } else {
            statements.extend(ATTACKS.iter().map(|sql| (*sql).to_owned()));
            statements.extend(HIDDEN_COLUMN.iter().map(|(sql, _)| (*sql).to_owned()));
        }
        let catalog = gate.ready().await.unwrap();
        let policy = Policy::parse(policy, "p").unwrap();
        let before = content(&admin).await;
        let limits =
            RunLimits { rows: 1_000, field_chars: 10_000, deadline: Duration::from_secs(20), planner: None };
        let (mut refused, mut wrong) = (0, Vec::new());
        for sql in &statements {
            let checked = match check(sql, &CheckContext::new(&catalog, &policy)) {
                Ok(checked) => checked,
                Err(no) => {
                    refused += 1;
                    assert!(!MARKS.iter().any(|mark| format!("{no:?}").contains(mark)), "{sql}");
                    continue;
                }
            };
            let print = checked.text().to_owned();
            let mut page = Page::default();
            let ran = gate.run(checked, &[], &limits, &mut page, &CancellationToken::new()).await;
            let text = format!("{:?} {:?}", page.rows, ran.map(|ran| ran.notices));
            // `*` over a relation with a hidden column is the list of the others; the rest is allowed relations.
            if MARKS.iter().any(|mark| text.contains(mark)) {
                wrong.push(format!("{sql}\n   {print}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let allowed = statements.len() - refused;
        println!("{template:?}: {} statements, {allowed} allowed", statements.len());
        assert!(allowed < 30, "{template:?}: {allowed} of {} allowed", statements.len());
        let after = content(&admin).await;
        let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        assert!(changed.is_empty(), "{changed:?}");
    }
}
