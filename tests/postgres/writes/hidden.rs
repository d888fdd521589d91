//! Filters, masks and denied columns of tables that are written to.

use pgwarden::policy::Claims;
use pgwarden::policy::script::{Plan, PlanOptions};

use super::{Lab, TENANT};

#[tokio::test]
async fn rows_that_the_caller_may_not_see_are_not_changed() {
    let mut lab = Lab::create(TENANT).await;
    let before = lab.before().await;
    for (sql, rows, shown) in [
        (
            "UPDATE w.accounts SET points = 0 RETURNING id",
            &["t|NULL|1", "t|NULL|2"][..],
            "A|3|b|HIDDEN-Cleo|HIDDEN-cleo@example.org|HIDDEN-s3|999999",
        ),
        ("DELETE FROM w.accounts RETURNING id, name", &["t|NULL|1|Ada", "t|NULL|2|Bo"], "A|3|b|HIDDEN-Cleo|"),
        ("UPDATE w.accounts SET points = 0 WHERE id = 3 RETURNING id", &[], "|999999"),
        (
            "DELETE FROM w.accounts AS c USING w.orders AS o WHERE o.account = c.id RETURNING o.id",
            &["t|NULL|1", "t|NULL|2"],
            "A|3|b|",
        ),
        (
            "UPDATE w.accounts AS c SET name = o.state FROM w.orders AS o WHERE o.account = c.id AND o.amount > 15",
            &["t|NULL"],
            "HIDDEN-Cleo",
        ),
        (
            "UPDATE w.orders SET state = c.name FROM w.accounts AS c WHERE c.id = orders.account RETURNING orders.id",
            &["t|NULL|1", "t|NULL|2"],
            "O|3|3|30|paid",
        ),
        (
            "INSERT INTO w.orders SELECT id + 10, id, points FROM w.accounts RETURNING id",
            &["t|NULL|11", "t|NULL|12"],
            "O|3|3|30|paid",
        ),
        // Partitions and children have rows at the same places.
        (
            "UPDATE w.events SET kind = 'x' RETURNING id",
            &["t|NULL|1", "t|NULL|3"],
            "E|2|b|view E|3|a|x E|4|b|click",
        ),
        (
            "DELETE FROM w.events WHERE kind <> 'y' RETURNING id",
            &["t|NULL|1", "t|NULL|3"],
            "E|2|b|view E|4|b|click",
        ),
        (
            "UPDATE w.assets SET label = upper(label) RETURNING id",
            &["t|NULL|1", "t|NULL|3"],
            "S|2|b|x S|3|a|X S|4|b|x",
        ),
        ("DELETE FROM ONLY w.assets RETURNING id", &["t|NULL|1"], "S|2|b|x S|3|a|x S|4|b|x"),
        ("UPDATE w.events_a SET kind = 'x' RETURNING id", &["t|NULL|1", "t|NULL|3"], "E|2|b|view"),
        ("UPDATE w.events_b SET kind = 'x' RETURNING id", &[], "E|2|b|view"),
    ] {
        let ran = lab.run(sql).await;
        assert_eq!(ran.rows(), rows, "{sql}");
        assert!(ran.tables.contains(shown), "{sql}: {}", ran.tables);
    }
    assert_eq!(lab.before().await, before);
    lab.claims = Claims::from_iter([("tenant", "b")]);
    assert_eq!(lab.run("UPDATE w.accounts SET points = 0 RETURNING id").await.rows(), ["t|NULL|3"]);
    lab.claims = Claims::none();
    assert!(lab.refusal("UPDATE w.accounts SET points = 0").contains("policy.claims"));
    assert!(lab.refusal("INSERT INTO w.accounts (id) VALUES (1)").contains("policy.claims"));
}

#[tokio::test]
async fn triggers_run_for_no_hidden_row() {
    let lab = Lab::create(TENANT).await;
    let write = lab.check("UPDATE w.accounts SET points = 1 / (points - 999999)").unwrap();
    let admin = lab.database.admin().await;
    lab.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    lab.client.query(write.text(), &[&"a"]).await.unwrap();
    lab.client.batch_execute("COMMIT").await.unwrap();
    let fired =
        admin.query_one("SELECT string_agg(what, ',' ORDER BY what) FROM w.fired", &[]).await.unwrap();
    assert_eq!(fired.get::<_, String>(0), "UPDATE 1,UPDATE 2");
}

#[tokio::test]
async fn a_row_that_the_caller_could_not_see_is_not_to_stand() {
    let lab = Lab::create(TENANT).await;
    for (sql, rows) in [
        ("INSERT INTO w.accounts (id, tenant, name) VALUES (8, 'a', 'New')", &["t|NULL"][..]),
        ("INSERT INTO w.accounts (id, tenant, name) VALUES (8, 'b', 'New')", &["f|NULL"]),
        ("UPDATE w.accounts SET tenant = 'b' WHERE id = 1", &["f|NULL"]),
        ("UPDATE w.events SET tenant = 'b' WHERE id = 1", &["f|NULL"]),
        ("INSERT INTO w.events VALUES (9, 'b', 'view')", &["f|NULL"]),
        ("INSERT INTO w.events_b VALUES (9, 'b', 'view')", &["f|NULL"]),
    ] {
        assert_eq!(lab.run(sql).await.rows(), rows, "{sql}");
    }
}

#[tokio::test]
async fn a_hidden_row_that_is_in_the_way_is_left_alone() {
    let lab = Lab::create(TENANT).await;
    let insert = "INSERT INTO w.accounts AS c (id, tenant, name) VALUES (1, 'a', 'New'), (3, 'a', 'New') ON CONFLICT (id)";
    for (action, rows) in [
        ("DO UPDATE SET name = excluded.name RETURNING id", &["t|NULL|1"][..]),
        (
            "DO UPDATE SET name = c.name || '!', tenant = 'a' WHERE c.points < 1000000 RETURNING c.name",
            &["t|NULL|Ada!"],
        ),
        // Would fail on the hidden row.
        ("DO UPDATE SET points = 1 WHERE 1 / (c.points - 999999) = 0 RETURNING id", &["t|NULL|1"]),
        ("DO UPDATE SET points = 1 / (c.points - 999999) RETURNING id", &["t|NULL|1"]),
        ("DO NOTHING RETURNING id", &[]),
    ] {
        let sql = format!("{insert} {action}");
        let ran = lab.run(&sql).await;
        assert_eq!(
            ran.rows.as_deref(),
            Ok(rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>().as_slice()),
            "{sql}"
        );
        assert!(ran.tables.contains("A|3|b|HIDDEN-Cleo|HIDDEN-cleo@example.org|HIDDEN-s3|999999"), "{sql}");
    }
}

const MASKED: &str = r#"
[[allow]]
select = ["w.*"]
[[allow]]
insert = ["w.accounts", "w.orders"]
[[allow]]
update = ["w.accounts", "w.orders"]
[[allow]]
delete = ["w.accounts"]
[[deny]]
select = ["w.accounts.secret"]
[[mask]]
columns = ["w.accounts.email"]
with = "email"
[[mask]]
columns = ["w.accounts.points"]
with = { bucket = 100 }
predicates = true
"#;

#[tokio::test]
async fn what_is_masked_or_denied_comes_out_nowhere() {
    let lab = Lab::create(MASKED).await;
    for (sql, rows, shown) in [
        (
            "UPDATE w.accounts SET name = email WHERE id = 1 RETURNING name, email",
            &["t|NULL|a***@example.org|a***@example.org"][..],
            "A|1|a|a***@example.org|ada@example.org|s1|10",
        ),
        (
            "UPDATE w.accounts SET email = 'new@example.org', secret = 'x' WHERE id = 1 RETURNING *",
            &["t|NULL|1|a|Ada|n***@example.org|0|{\"n\": \"1\"}"],
            "A|1|a|Ada|new@example.org|x|10",
        ),
        (
            "UPDATE w.accounts AS c SET points = c.points + 1 WHERE c.points = 0 AND id = 2 RETURNING c.points + 0",
            &["t|NULL|0"],
            "A|2|a|Bo|bo@example.org|s2|1 ",
        ),
        (
            "DELETE FROM w.accounts WHERE id = 1 RETURNING email, points",
            &["t|NULL|a***@example.org|0"],
            "A|2|a|",
        ),
        (
            "INSERT INTO w.accounts (id, tenant, name, email, secret) VALUES (9, 'a', 'x', 'raw@example.org', 's9') RETURNING *",
            &["t|NULL|9|a|x|r***@example.org|0|NULL"],
            "A|9|a|x|raw@example.org|s9|0",
        ),
        (
            "INSERT INTO w.accounts AS c (id, tenant, name, email) VALUES (1, 'a', 'x', 'raw@example.org') ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = c.email RETURNING name, email",
            &["t|NULL|a***@example.org|r***@example.org"],
            "A|1|a|a***@example.org|raw@example.org|s1",
        ),
        (
            "INSERT INTO w.orders (id, account, amount, state) SELECT 9, 1, points, email FROM w.accounts WHERE id = 1 RETURNING state, amount",
            &["t|NULL|a***@example.org|0"],
            "O|9|1|0|a***@example.org",
        ),
        (
            "UPDATE w.orders AS o SET state = c.email FROM w.accounts AS c WHERE c.id = o.account AND o.id = 1 RETURNING c.email",
            &["t|NULL|a***@example.org"],
            "O|1|1|10|a***@example.org",
        ),
    ] {
        let ran = lab.run(sql).await;
        assert_eq!(ran.rows.as_deref().map_err(|e| format!("{sql}: {e}")).unwrap(), rows, "{sql}");
        assert!(ran.tables.contains(shown), "{sql}: {}", ran.tables);
    }
    for (sql, refusal) in [
        ("UPDATE w.accounts SET name = 'x' WHERE email = 'ada@example.org'", "42501 mask[1]"),
        ("DELETE FROM w.accounts WHERE email LIKE 'a%'", "42501 mask[1]"),
        (
            "UPDATE w.orders AS o SET state = 'x' FROM w.accounts AS c WHERE c.email = o.state",
            "42501 mask[1]",
        ),
        (
            "INSERT INTO w.accounts AS c (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x' WHERE c.email = 'y'",
            "42501 mask[1]",
        ),
        (
            "INSERT INTO w.accounts (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = excluded.email",
            "42501 mask[1]",
        ),
        (
            "INSERT INTO w.accounts (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = upper(excluded.email)",
            "42501 mask[1]",
        ),
        (
            "INSERT INTO w.accounts (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x' WHERE excluded.email = 'y'",
            "42501 mask[1]",
        ),
        ("UPDATE w.accounts SET name = secret", "42703 sql.columns"),
        ("UPDATE w.accounts SET name = 'x' WHERE secret = 's1'", "42703 sql.columns"),
        ("UPDATE w.accounts SET name = 'x' RETURNING secret", "42703 sql.columns"),
        ("DELETE FROM w.accounts AS c RETURNING c", "42501 sql.whole_row"),
        ("UPDATE w.accounts AS c SET name = c::text", "42501 sql.whole_row"),
        ("INSERT INTO w.accounts AS c (id) VALUES (1) RETURNING to_jsonb(c)", "42501 sql.whole_row"),
        (
            "INSERT INTO w.accounts AS c (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = c.secret",
            "42703 sql.columns",
        ),
        (
            "INSERT INTO w.accounts AS c (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = excluded.secret",
            "42703 sql.columns",
        ),
        ("INSERT INTO w.accounts (id) VALUES (1) ON CONFLICT (secret) DO NOTHING", "42703 sql.columns"),
        (
            "MERGE INTO w.accounts AS c USING w.orders AS o ON o.account = c.id WHEN MATCHED THEN DELETE",
            "0A000 sql.merge",
        ),
    ] {
        assert!(lab.refusal(sql).starts_with(refusal), "{sql}: {}", lab.refusal(sql));
    }
}

#[tokio::test]
async fn a_whole_row_of_masked_columns_is_never_the_table_s_own() {
    let only_masks = MASKED.replace("[[deny]]\nselect = [\"w.accounts.secret\"]\n", "");
    let lab = Lab::create(&only_masks).await;
    let ran = lab
        .run("UPDATE w.accounts AS c SET name = to_jsonb(c) ->> 'email' WHERE id = 1 RETURNING name")
        .await;
    assert_eq!(ran.rows(), ["t|NULL|a***@example.org"]);
    for sql in [
        "UPDATE w.accounts AS c SET name = 'x' RETURNING c",
        "UPDATE w.accounts AS c SET name = 'x' RETURNING to_jsonb(c.*)",
        "INSERT INTO w.accounts AS c (id) VALUES (1) RETURNING to_jsonb(c)",
    ] {
        assert!(lab.refusal(sql).contains("sql.whole_row"), "{sql}");
    }
}

#[tokio::test]
async fn the_old_row_is_kept_raw_and_of_visible_rows_only() {
    let mut lab = Lab::create(MASKED).await;
    let ran = lab.run_with_before("UPDATE w.accounts SET email = 'x' WHERE id = 1 RETURNING email").await;
    let rows = ran.rows();
    assert!(
        rows.len() == 1 && rows[0].contains("ada@example.org") && rows[0].contains("\"secret\": \"s1\""),
        "{rows:?}"
    );
    assert!(rows[0].ends_with("|***"), "{rows:?}");
    lab.rule(TENANT);
    let ran = lab.run_with_before("DELETE FROM w.accounts").await;
    assert!(ran.rows().len() == 2 && !ran.rows().concat().contains("HIDDEN"), "{:?}", ran.rows());
}

/// What a rule says of a partition or child alone would be passed by through its parent.
#[tokio::test]
async fn a_parent_is_not_written_to_where_what_is_below_it_is_guarded_more() {
    let mut lab = Lab::create(TENANT).await;
    let open = TENANT.split("[[filter]]").next().unwrap();
    for (rule, refused) in [
        ("[[check]]\nrelations = [\"w.events_b\"]\ncondition = \"kind <> 'x'\"", "42501 check[1]"),
        ("[[filter]]\nrelations = [\"w.events_b\"]\nwhere = \"kind <> 'x'\"", "42P01 sql.relations"),
        ("[[deny]]\nupdate = [\"w.events_b\"]", "42501 deny[1]"),
        ("[[deny]]\nupdate = [\"w.events_b.kind\"]", "42501 deny[1]"),
    ] {
        lab.rule(&format!("{open}{rule}"));
        let refusal = lab.refusal("UPDATE w.events SET kind = 'x'");
        assert!(refusal.starts_with(refused), "{rule}: {refusal}");
        assert!(lab.check("UPDATE w.events_a SET kind = 'x'").is_ok(), "{rule}");
    }
    lab.rule(&format!("{open}[[check]]\nrelations = [\"w.events\"]\ncondition = \"kind <> 'x'\""));
    let rows = ["f|NULL", "f|NULL"];
    assert_eq!(lab.run("UPDATE w.events_a SET kind = 'x'").await.rows(), rows);
}

/// A login may read single columns only; the place of a row is one of them.
#[tokio::test]
async fn a_login_with_grants_of_columns_needs_that_of_the_place() {
    let lab = Lab::create(TENANT).await;
    let login = lab.catalog.contents().login.clone();
    let admin = lab.database.admin().await;
    let columns = format!(
        "REVOKE SELECT ON w.accounts FROM {login}; GRANT SELECT (id, tenant, name, points) ON w.accounts TO {login}"
    );
    admin.batch_execute(&columns).await.unwrap();
    let catalog = gate_catalog(&lab, &login).await;
    let lab = Lab { catalog, ..lab };
    let write = lab.check("UPDATE w.accounts SET points = 1 WHERE id = 1").unwrap();
    let text = write.text();
    lab.client.batch_execute("BEGIN").await.unwrap();
    let refused = lab.client.query(text, &[&"a"]).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42501");
    lab.client.batch_execute("ROLLBACK").await.unwrap();
    admin.batch_execute(&format!("GRANT SELECT (ctid, tableoid) ON w.accounts TO {login}")).await.unwrap();
    lab.client.batch_execute("BEGIN").await.unwrap();
    assert_eq!(lab.client.query(text, &[&"a"]).await.unwrap().len(), 1);
    lab.client.batch_execute("ROLLBACK").await.unwrap();
}

async fn gate_catalog(lab: &Lab, login: &str) -> std::sync::Arc<pgwarden::catalog::Catalog> {
    crate::support::gate(&lab.database.url(login)).ready().await.unwrap()
}

/// The columns of a relation that may not be read as a whole are not there, though a rule names them.
#[tokio::test]
async fn a_table_that_may_be_written_and_not_read_shows_nothing() {
    let rules = "[[allow]]\nselect = [\"w.*\"]\n[[deny]]\nselect = [\"w.orders\"]\n\
        [[allow]]\nupdate = [\"w.orders.state\"]\n[[allow]]\ndelete = [\"w.orders\"]";
    let lab = Lab::create(rules).await;
    let ran = lab.run("UPDATE w.orders SET state = 'x' RETURNING 1").await;
    assert_eq!(ran.rows(), ["t|NULL|1"; 3]);
    for sql in [
        "UPDATE w.orders SET state = 'x' WHERE amount = 10",
        "UPDATE w.orders SET state = amount::text",
        "UPDATE w.orders SET state = 'x' RETURNING amount",
        "UPDATE w.orders AS o SET state = 'x' RETURNING o.state",
        "DELETE FROM w.orders WHERE id = 1",
    ] {
        assert!(lab.refusal(sql).starts_with("42703 sql.columns"), "{sql}: {}", lab.refusal(sql));
    }
    for sql in ["DELETE FROM w.orders AS o RETURNING o", "UPDATE w.orders AS o SET state = o::text"] {
        assert!(lab.refusal(sql).starts_with("42501 sql.whole_row"), "{sql}: {}", lab.refusal(sql));
    }
    let sql = "UPDATE w.orders SET state = (SELECT max(o.state) FROM w.orders AS o)";
    assert!(lab.refusal(sql).starts_with("42P01 sql.relations"), "{}", lab.refusal(sql));
}

/// Row security that reads the caller's claims from settings: they are told for every kind of statement.
#[tokio::test]
async fn settings_of_row_security_come_with_the_statement() {
    let lab = Lab::create(TENANT).await;
    let login = lab.catalog.contents().login.clone();
    let options = PlanOptions {
        role: login.clone(),
        connections: 20,
        seconds: 30,
        search_path: None,
        revoke_public: false,
        managed: true,
    };
    let script = Plan::of(&lab.policy, &lab.catalog, options).unwrap().apply();
    let admin = lab.database.admin().await;
    admin.batch_execute(&script).await.unwrap();
    let lab = Lab { catalog: gate_catalog(&lab, &login).await, ..lab };
    for (sql, rows) in [
        ("INSERT INTO w.accounts (id, tenant, name) VALUES (8, 'a', 'New') RETURNING id", &["t|NULL|8"][..]),
        (
            "UPDATE w.accounts SET points = 0 WHERE 1 / (points - 999999) = 0 RETURNING id",
            &["t|NULL|1", "t|NULL|2"],
        ),
        ("DELETE FROM w.accounts RETURNING id", &["t|NULL|1", "t|NULL|2"]),
    ] {
        let write = lab.check(sql).unwrap();
        assert_eq!(write.settings(), [("pgwarden.tenant".to_owned(), "a".to_owned())], "{sql}");
        assert!(!write.text().contains("OFFSET"), "{sql}");
        lab.client
            .batch_execute("SET pgwarden.tenant = 'a'; SET default_transaction_read_only = off")
            .await
            .unwrap();
        assert_eq!(lab.run(sql).await.rows(), rows, "{sql}");
        lab.client.batch_execute("RESET pgwarden.tenant").await.unwrap();
    }
}

#[tokio::test]
async fn no_text_becomes_the_name_of_an_object() {
    let mut lab = Lab::create("").await;
    let tables =
        "CREATE TABLE w.named (id integer, what regclass, all_of regrole[]); GRANT ALL ON w.named TO PUBLIC";
    lab.database.admin().await.batch_execute(tables).await.unwrap();
    lab.read_again().await;
    lab.rule("[[allow]]\nselect = [\"w.*\"]\n[[allow]]\ninsert = [\"w.*\"]\n[[allow]]\nupdate = [\"w.*\"]");
    for sql in [
        "INSERT INTO w.named (id, what) VALUES (1, 'w.accounts')",
        "INSERT INTO w.named VALUES (1, $1)",
        "UPDATE w.named SET what = '1259'",
        "UPDATE w.named SET all_of = '{10}'",
    ] {
        let refusal = lab.refusal(sql);
        assert!(refusal.starts_with("42501 default.types "), "{sql}: {refusal}");
    }
    lab.check("UPDATE w.named SET id = 2").unwrap();
}
