//! `pgwarden policy script`: what it makes, that it makes it once, and that it can be undone and compared.
//!
//! In clusters of their own: settings of roles and memberships belong to all databases of a cluster.

use std::fs;
use std::process::Command;

use pgwarden::embedded::Settings;
use pgwarden::policy::Policy;
use pgwarden::policy::script::{DANGEROUS_BUILTINS, Difference, Plan, PlanOptions};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::support::{Cluster, Database, Template, gate};

pub const ANALYST: &str = r#"
version = 1
include = []
[[allow]]
select = ["shop.*", "corner.guarded", "corner.graffiti", "corner.no_columns", "corner.vault", "corner.mood_board",
  "corner.order", "corner.Weird Name"]
[[allow]]
execute = ["shop.with_vat", "shop.stock_of"]
[[deny]]
select = ["shop.support_tickets", "shop.customers.password_hash", "shop.customers.tax_number",
  "shop.payments.processor_token", "*.*.ssn"]
[[mask]]
columns = ["shop.customers.email"]
with = "email"
[[filter]]
relations = ["corner.vault", "corner.order"]
where = "id < 0"
[[filter]]
relations = ["shop.orders"]
where = "customer_id = caller.customer -- of one; only"
[[filter]]
relations = ["shop.reviews"]
where = "rating >= 3 AND title <> 'it''s \\'"
"#;

pub fn options(role: &str) -> PlanOptions {
    PlanOptions {
        role: role.to_owned(),
        connections: 20,
        seconds: 30,
        search_path: Some(vec!["shop".to_owned()]),
        revoke_public: true,
        managed: false,
    }
}

/// The plan of the policy in the database, and what the role has now.
pub async fn plan(database: &Database<'_>, policy: &str, options: PlanOptions) -> (Plan, Vec<Difference>) {
    let gate = gate(&database.admin_url());
    let inspection = gate.inspect(Some(&options.role), DANGEROUS_BUILTINS).await.unwrap();
    gate.close().await;
    let plan = Plan::of(&Policy::parse(policy, "p").unwrap(), &inspection.catalog, options).unwrap();
    let differences = plan.compare(inspection.rights.as_ref());
    (plan, differences)
}

/// Everything that the script touches, in a form that can be compared.
async fn state(admin: &Client) -> Vec<String> {
    let acl = |acl: &str| {
        format!(
            "ARRAY(SELECT (x.grantor::regrole, x.grantee::regrole, x.privilege_type)::text FROM aclexplode({acl}) AS x ORDER BY 1)::text"
        )
    };
    let sql = format!(
        "SELECT concat_ws(' ', 'relation', c.oid::regclass, c.relrowsecurity, {relation}) FROM pg_class AS c WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
         UNION ALL SELECT concat_ws(' ', 'column', a.attrelid::regclass, a.attname, {column}) FROM pg_attribute AS a WHERE a.attacl IS NOT NULL AND a.attacl <> '{{}}'
         UNION ALL SELECT concat_ws(' ', 'routine', p.oid::regprocedure, {routine}) FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text !~ '^pg_temp'
         UNION ALL SELECT concat_ws(' ', 'schema', n.nspname, {schema}) FROM pg_namespace AS n WHERE n.nspname !~ '^pg_'
         UNION ALL SELECT concat_ws(' ', 'database', d.datname, {database}) FROM pg_database AS d WHERE d.datname = current_database()
         UNION ALL SELECT concat_ws(' ', 'policy', p.polname, p.polrelid::regclass, p.polpermissive, p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), obj_description(p.oid, 'pg_policy')) FROM pg_policy AS p
         UNION ALL SELECT concat_ws(' ', 'role', r.rolname, r.rolconnlimit, r.rolinherit, r.rolcanlogin) FROM pg_roles AS r WHERE r.rolname LIKE current_database() || '\\_%'
         UNION ALL SELECT concat_ws(' ', 'setting', s.setrole::regrole, s.setconfig) FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase WHERE d.datname = current_database()
         ORDER BY 1",
        relation = acl("COALESCE(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner))"),
        column = acl("a.attacl"),
        routine = acl("COALESCE(p.proacl, acldefault('f', p.proowner))"),
        schema = acl("COALESCE(n.nspacl, acldefault('n', n.nspowner))"),
        database = acl("COALESCE(d.datacl, acldefault('d', d.datdba))"),
    );
    admin.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

fn same(one: &[String], other: &[String]) {
    let differ =
        |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
    assert_eq!((differ(one, other), differ(other, one)), (Vec::new(), Vec::new()));
}

/// Every value that comes back, or the error, for looking for marks.
pub async fn answer(client: &Client, sql: &str) -> Result<String, String> {
    match client.simple_query(sql).await {
        Ok(messages) => {
            let mut out = String::new();
            for message in &messages {
                if let SimpleQueryMessage::Row(row) = message {
                    for at in 0..row.len() {
                        out += row.get(at).unwrap_or("NULL");
                        out.push('\t');
                    }
                }
            }
            Ok(out)
        }
        Err(error) => Err(error
            .as_db_error()
            .map_or_else(|| error.to_string(), |e| format!("{} {}", e.code().code(), e.message()))),
    }
}

#[tokio::test]
async fn a_script_changes_nothing_the_second_time_and_its_reverse_leaves_no_trace() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Shop).await;
    let admin = database.admin().await;
    let role = format!("{}_analyst", database.name());
    let before = state(&admin).await;
    let (made, differences) = plan(&database, ANALYST, options(&role)).await;
    assert_eq!(differences.len(), 1, "{differences:?}");
    admin.batch_execute(&made.apply()).await.unwrap();
    let once = state(&admin).await;
    let changed = once.iter().filter(|line| !before.contains(line)).count();
    assert!(changed > 100, "{changed}");
    let (again, differences) = plan(&database, ANALYST, options(&role)).await;
    assert_eq!(differences, []);
    assert_eq!(again.apply(), made.apply(), "what is there changes nothing in the script");
    admin.batch_execute(&again.apply()).await.unwrap();
    same(&state(&admin).await, &once);
    // A second login with filters of its own, and the first is taken back: the second keeps its own.
    let second = format!("{}_other", database.name());
    let (other, _) = plan(&database, ANALYST, options(&second)).await;
    admin.batch_execute(&other.apply()).await.unwrap();
    admin.batch_execute(&made.reverse()).await.unwrap();
    assert_eq!(plan(&database, ANALYST, options(&second)).await.1, []);
    admin.batch_execute(&other.reverse()).await.unwrap();
    same(&state(&admin).await, &before);
}

#[tokio::test]
async fn everybody_else_sees_and_may_what_they_did() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Shop).await;
    let admin = database.admin().await;
    let other = database.create_role("app", "LOGIN").await;
    let grants = format!(
        "GRANT CONNECT ON DATABASE {} TO {other}; GRANT USAGE ON SCHEMA shop, corner TO {other};
         GRANT SELECT, INSERT, UPDATE, DELETE ON shop.reviews TO {other}; GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO {other};
         GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_xact_lock(bigint) TO PUBLIC",
        database.name()
    );
    admin.batch_execute(&grants).await.unwrap();
    let (made, _) = plan(&database, ANALYST, options(&format!("{}_analyst", database.name()))).await;
    admin.batch_execute(&made.apply()).await.unwrap();
    let client = database.connect(&other).await;
    let count = answer(&client, "SELECT count(*) FROM shop.reviews").await.unwrap();
    assert_eq!(count, answer(&admin, "SELECT count(*) FROM shop.reviews").await.unwrap());
    answer(&client, "INSERT INTO shop.reviews (product_id, customer_id, rating, title, body, created_at) SELECT product_id, customer_id, 1, 'a', 'b', now() FROM shop.reviews LIMIT 1").await.unwrap();
    answer(&client, "UPDATE shop.reviews SET rating = 2 WHERE title = 'a'").await.unwrap();
    answer(&client, "SELECT corner.anything(1)").await.unwrap();
    answer(&client, "SELECT pg_try_advisory_xact_lock(77)").await.unwrap();
    let analyst = database.connect(&format!("{}_analyst", database.name())).await;
    answer(&analyst, "SELECT pg_try_advisory_xact_lock(77)").await.unwrap_err();
    let low = answer(&analyst, "SELECT count(*) FROM shop.reviews WHERE rating < 3").await.unwrap();
    assert_eq!(low, "0\t");
    assert_eq!(
        answer(&analyst, "SELECT count(*) FROM shop.orders").await.unwrap(),
        "0\t",
        "no claim, no rows"
    );
    let own = "SET pgwarden.customer = '7'; SELECT count(*), count(*) FILTER (WHERE customer_id = 7) FROM shop.orders";
    let own = answer(&analyst, own).await.unwrap();
    let all =
        answer(&admin, "SELECT count(*), count(*) FROM shop.orders WHERE customer_id = 7").await.unwrap();
    assert_eq!(own, all);
}

#[tokio::test]
async fn the_comparison_names_each_change_by_hand() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Shop).await;
    let admin = database.admin().await;
    let role = database.create_role("analyst", "LOGIN").await;
    let (made, _) = plan(&database, ANALYST, options(&role)).await;
    admin.batch_execute(&made.apply()).await.unwrap();
    let filter =
        "SELECT polname::text FROM pg_policy WHERE polrelid = 'shop.reviews'::regclass AND polname ~ '_.*_'";
    let filter: String = admin.query_one(filter, &[]).await.unwrap().get(0);
    for (change, expected) in [
        (
            "GRANT SELECT ON staff.payroll TO @; GRANT USAGE ON SCHEMA staff TO @",
            "+ staff.payroll: the policy denies it",
        ),
        (
            "GRANT SELECT (password_hash) ON shop.customers TO @",
            "+ shop.customers.password_hash: the policy denies it",
        ),
        (
            "GRANT SELECT (email) ON shop.customers TO PUBLIC; REVOKE SELECT (phone) ON shop.customers FROM @",
            "- shop.customers.phone: the policy shows it",
        ),
        ("GRANT UPDATE (wall) ON corner.graffiti TO @", "+ corner.graffiti: the login may UPDATE"),
        ("GRANT SELECT ON shop.products TO @", "+ shop.products: the login may read the whole"),
        ("REVOKE SELECT ON shop.products FROM @", "- shop.products: the policy shows it"),
        ("REVOKE USAGE ON SCHEMA shop FROM @", "- shop: the login has no USAGE"),
        ("GRANT CREATE ON SCHEMA shop TO @", "+ shop: the login may make objects in it"),
        (
            "GRANT EXECUTE ON FUNCTION corner.leak_all() TO PUBLIC",
            "+ corner.leak_all(): the policy denies it",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION shop.with_vat FROM @",
            "- shop.with_vat(net numeric, rate numeric): the policy allows it",
        ),
        (
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_notify TO PUBLIC",
            "+ pg_catalog.pg_notify: the policy denies it",
        ),
        (
            "ALTER TABLE shop.reviews DISABLE ROW LEVEL SECURITY",
            "+ shop.reviews: the database does not hold `rating",
        ),
        (
            "ALTER POLICY % ON shop.reviews USING (rating >= 1)",
            "+ shop.reviews: the database does not hold `rating",
        ),
        ("DROP POLICY % ON shop.reviews", "+ shop.reviews: the database does not hold `rating"),
        ("ALTER ROLE @ BYPASSRLS", "+ bypassrls: passes by row security"),
        ("ALTER ROLE @ CREATEDB", "+ createdb: can make databases"),
        ("ALTER ROLE @ CONNECTION LIMIT -1", "+ connection limit: is -1, not 20"),
        ("ALTER ROLE @ IN DATABASE ! SET statement_timeout = 0", "+ statement_timeout: is 0, not 30s"),
        ("ALTER ROLE @ IN DATABASE ! RESET temp_file_limit", "+ temp_file_limit: is not set to 256MB"),
        ("GRANT pg_monitor TO @", "+ pg_monitor: the login is a member of it"),
        ("GRANT TEMPORARY ON DATABASE ! TO @", "+ !: the login may make temporary tables"),
        ("ALTER TABLE corner.graffiti OWNER TO @", "+ corner.graffiti: the login owns it"),
        (
            "ALTER TABLE shop.products ADD COLUMN wholesale numeric",
            "- shop.products.wholesale: the policy shows it",
        ),
    ] {
        let filled = |text: &str| {
            text.replace('@', &role).replace('%', &format!("\"{filter}\"")).replace('!', database.name())
        };
        admin.batch_execute(&filled(change)).await.unwrap();
        let (again, differences) = plan(&database, ANALYST, options(&role)).await;
        let texts: Vec<String> = differences.iter().map(ToString::to_string).collect();
        assert!(texts.iter().any(|text| text.starts_with(&filled(expected))), "{change}: {texts:?}");
        // What a script can put right, it does.
        if change.contains("OWNER") {
            admin.batch_execute("ALTER TABLE corner.graffiti OWNER TO postgres").await.unwrap();
        }
        if change.contains("email") {
            admin.batch_execute("REVOKE SELECT (email) ON shop.customers FROM PUBLIC").await.unwrap();
        }
        if change.contains("TEMPORARY") || change.contains("CREATE ON") {
            admin
                .batch_execute(&filled(
                    "REVOKE TEMPORARY ON DATABASE ! FROM @; REVOKE CREATE ON SCHEMA shop FROM @",
                ))
                .await
                .unwrap();
        }
        admin.batch_execute(&again.apply()).await.unwrap();
        assert_eq!(plan(&database, ANALYST, options(&role)).await.1, [], "{change}");
    }
}

#[tokio::test]
async fn the_command_prints_scripts_and_tells_differences_by_its_status() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Shop).await;
    let role = format!("{}_cli", database.name());
    let admin = database.admin().await;
    let policy = std::env::temp_dir().join(format!("{role}.toml"));
    fs::write(&policy, ANALYST).unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pgwarden"))
            .args(["policy", "script", "--database", &database.admin_url(), "--policy"])
            .arg(&policy)
            .args(["--role", &role, "--revoke-public"])
            .args(words)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), text)
    };
    assert_eq!(run(&["--diff"]), (3, format!("- {role}: the role does not exist\n")));
    let (status, script) = run(&[]);
    assert_eq!(status, 0, "{script}");
    admin.batch_execute(&script).await.unwrap();
    assert_eq!(run(&["--diff"]), (0, String::new()));
    admin
        .batch_execute(&format!(
            "GRANT SELECT ON app.api_keys TO {role}; GRANT USAGE ON SCHEMA app TO {role}"
        ))
        .await
        .unwrap();
    assert_eq!(
        run(&["--diff"]),
        (3, "+ app.api_keys: the policy denies it, the login may read it\n".to_owned())
    );
    let doctor = Command::new(env!("CARGO_BIN_EXE_pgwarden"))
        .args(["doctor", "--database", &database.url(&role), "--policy"])
        .arg(&policy)
        .output()
        .unwrap();
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert!(
        told.contains("the login may more than the policy allows: 1 relations (app.api_keys)\n"),
        "{told}"
    );
    assert!(told.contains("pgwarden policy script --diff") && doctor.status.success(), "{told}");
    let (status, reverse) = run(&["--reverse"]);
    assert_eq!(status, 0);
    admin.batch_execute(&reverse).await.unwrap();
    assert_eq!(run(&["--diff"]).0, 3);
    fs::remove_file(&policy).unwrap();
}

#[tokio::test]
async fn the_example_of_the_page_does_what_the_page_says() {
    let cluster = Cluster::start(Settings::default());
    let database = Database::create_in(&cluster, Template::Shop).await;
    let admin = database.admin().await;
    let page = fs::read_to_string("docs/POLICY-SCRIPT.md").unwrap();
    let policy = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let role = format!("{}_page", database.name());
    let (made, _) = plan(&database, policy, options(&role)).await;
    let script = made.apply();
    assert!(script.contains("-- email: pgwarden masks it in every statement (mask[1])"));
    admin.batch_execute(&script).await.unwrap();
    assert_eq!(plan(&database, policy, options(&role)).await.1, []);
    let client = database.connect(&role).await;
    for (sql, expected) in [
        ("SELECT min(rating) FROM shop.reviews", Ok("3\t")),
        ("SELECT count(*) FROM shop.orders", Ok("0\t")),
        ("SELECT shop.with_vat(100, 21)", Ok("121.00\t")),
        ("SELECT email LIKE '%@%' FROM shop.customers LIMIT 1", Ok("t\t")),
        ("SELECT password_hash FROM shop.customers", Err("42501")),
        ("SELECT * FROM shop.support_tickets", Err("42501")),
        ("CREATE TEMPORARY TABLE a ()", Err("25006")),
        ("SET default_transaction_read_only = off", Ok("")),
        ("CREATE TEMPORARY TABLE a ()", Err("42501")),
    ] {
        match (answer(&client, sql).await, expected) {
            (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{sql}"),
            (Err(text), Err(code)) => assert!(text.starts_with(code), "{sql}: {text}"),
            (found, _) => panic!("{sql}: {found:?}"),
        }
    }
    drop(client);
    admin.batch_execute(&made.reverse()).await.unwrap();
}

/// Rights to write are those of the policy, by column, and the second wall refuses what it does not grant.
#[tokio::test]
async fn the_login_writes_what_the_policy_grants_and_nothing_else() {
    const WRITES: &str = r#"
version = 1
include = []
[[allow]]
select = ["shop.customers.id", "shop.customers.segment"]
[[allow]]
update = ["shop.customers.segment"]
[[allow]]
delete = ["shop.reviews"]
[[allow]]
insert = ["shop.promotions"]
[[deny]]
insert = ["shop.promotions.code"]
"#;
    let database = Database::create(Template::Shop).await;
    let role = database.create_role("script", "LOGIN").await;
    let (made, before) = plan(&database, WRITES, options(&role)).await;
    let lacks =
        before.iter().map(ToString::to_string).filter(|line| line.contains("the policy allows")).count();
    assert_eq!(lacks, 3, "{before:?}");
    let admin = database.admin().await;
    admin.batch_execute(&made.apply()).await.unwrap();
    let after = state(&admin).await;
    admin.batch_execute(&made.apply()).await.unwrap();
    same(&after, &state(&admin).await);
    assert_eq!(plan(&database, WRITES, options(&role)).await.1, []);
    let client = database.connect(&role).await;
    client.batch_execute("SET default_transaction_read_only = off; SET lock_timeout = 0").await.unwrap();
    for sql in [
        "UPDATE shop.customers SET segment = segment WHERE id = 5",
        "UPDATE shop.customers SET segment = segment WHERE ctid = '(0,1)' AND tableoid > 0",
        "DELETE FROM shop.reviews WHERE ctid = '(0,1)' AND tableoid > 0",
    ] {
        let got = answer(&client, &format!("BEGIN; {sql}")).await;
        client.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(got, Ok(String::new()), "{sql}");
    }
    for sql in [
        "UPDATE shop.customers SET email = 'x'",
        "UPDATE shop.reviews SET rating = 1",
        "DELETE FROM shop.customers",
        "INSERT INTO shop.promotions (code) VALUES ('x')",
        "INSERT INTO shop.reviews (id) VALUES (1)",
        "TRUNCATE shop.reviews",
    ] {
        let got = answer(&client, sql).await.unwrap_err();
        assert!(got.starts_with("42501 "), "{sql}: {got}");
    }
    admin
        .batch_execute(&format!(
            "GRANT INSERT ON shop.reviews TO {role}; REVOKE DELETE ON shop.reviews FROM {role}"
        ))
        .await
        .unwrap();
    let differences = plan(&database, WRITES, options(&role)).await.1;
    let told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "- shop.reviews: the policy allows DELETE, the login may not",
            "+ shop.reviews: the login may INSERT"
        ]
    );
}
