//! Row filters.

use pgwarden::policy::Claims;
use pgwarden::sql::Enforcement;

use pgwarden::policy::script::{Plan, PlanOptions};

use super::{Lab, policy};

const TENANT: &str = r#"
[[allow]]
select = ["lab.*"]
[[filter]]
relations = ["lab.customers", "lab.orders"]
where = "tenant = caller.tenant"
"#;

#[tokio::test]
async fn a_caller_sees_the_rows_that_the_claims_allow() {
    let mut lab = Lab::create(TENANT).await;
    assert_eq!(lab.rows("SELECT id FROM lab.customers ORDER BY id").await, "1 2");
    assert_eq!(lab.rows("SELECT count(*), sum(amount) FROM lab.orders").await, "3|420.00");
    lab.claims = Claims::from_iter([("tenant", "b")]);
    assert_eq!(lab.rows("SELECT id FROM lab.customers ORDER BY id").await, "3");
    lab.claims = Claims::from_iter([("tenant", "' OR TRUE --")]);
    assert_eq!(lab.rows("SELECT id FROM lab.customers").await, "");
    lab.claims = Claims::none();
    assert_eq!(lab.check("SELECT 1 FROM lab.customers").unwrap_err().rule.unwrap(), "policy.claims");
}

#[tokio::test]
async fn a_statement_whose_conditions_tell_nothing_is_merged_and_any_other_is_fenced() {
    let lab = Lab::create(TENANT).await;
    let how = |sql: &str| {
        let checked = lab.check(sql).unwrap();
        (checked.enforced().first().unwrap().by, checked.text().to_owned())
    };
    for sql in [
        "SELECT * FROM lab.customers",
        "SELECT upper(name) FROM lab.customers WHERE id = 1",
        "SELECT sum(o.amount) FROM lab.orders AS o JOIN lab.customers AS c ON c.id = o.customer_id WHERE o.placed >= '2026-01-01' AND o.state = 'paid' GROUP BY c.id",
        "SELECT id FROM lab.customers WHERE name IN ('Ada', 'Bo') OR points BETWEEN 1 AND 5 OR email IS NULL",
        "SELECT id FROM lab.customers AS c WHERE EXISTS (SELECT 1 FROM lab.orders AS o WHERE o.customer_id = c.id)",
        "SELECT id FROM lab.customers WHERE id IN (SELECT customer_id FROM lab.orders)",
    ] {
        assert_eq!(how(sql).0, Enforcement::Plain, "{sql}");
        assert!(!lab.answer(sql).await.contains("HIDDEN-"), "{sql}");
    }
    for sql in [
        "SELECT id FROM lab.customers WHERE 1 / (points - 999999) > 5",
        "SELECT id FROM lab.customers WHERE upper(name) = 'ADA'",
        "SELECT id FROM lab.customers WHERE name::integer = 0",
        "SELECT id FROM lab.customers AS c JOIN (SELECT length(name) AS n FROM lab.customers) AS d ON d.n = c.id",
        "SELECT id FROM lab.customers WHERE points = 1.5::double precision",
        "SELECT tenant FROM lab.customers GROUP BY tenant HAVING 1 / (length(tenant) - 1) > 0",
        "SELECT id FROM lab.customers WHERE id = ANY (ARRAY[1])",
    ] {
        assert_eq!(how(sql).0, Enforcement::Fence, "{sql}");
        assert!(!lab.answer(sql).await.contains("HIDDEN-"), "{sql}: {}", lab.answer(sql).await);
    }
    let (_, text) = how("SELECT id FROM lab.customers WHERE id = 2 AND upper(name) = 'BO' AND points <> 3");
    assert!(text.contains(r#"("pgwarden_row"."id" OPERATOR(pg_catalog.=) 2)"#), "{text}");
    assert!(text.contains(r#"("pgwarden_row"."points" OPERATOR(pg_catalog.<>) 3)"#), "{text}");
    assert_eq!(text.matches("upper").count(), 1, "{text}");
}

/// What an error or a function in a caller's condition could tell of the rows that a filter hides.
const ATTACKS: [&str; 5] = [
    "replace(replace(name, 'Ada', '1'), 'Bo', '2')::integer > 0",
    "1 / (points - 999999) < 5",
    "'x' ~ ANY (ARRAY['y', replace(name, 'HIDDEN-Cleo', '(')])",
    "(notes ->> 'n')::integer > 0",
    "substring(name FOR 10 - length(name)) <> ''",
];

const FILTERS: [&str; 5] = [
    "tenant = 'a'",
    "tenant = caller.tenant",
    "tenant IN ('a', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k')",
    "tenant IN (SELECT m.tenant FROM lab.members AS m WHERE m.login = 'ann')",
    "lower(tenant) = 'a'",
];

#[tokio::test]
async fn no_condition_tells_of_a_hidden_row_where_a_plain_subquery_does() {
    let mut lab = Lab::create(TENANT).await;
    let login = lab.gate.catalog().unwrap().contents().login.clone();
    let client = lab.database.connect(&login).await;
    let (mut canaries, mut tried) = (0, 0);
    for filter in FILTERS {
        lab.policy = policy(&format!(
            "[[allow]]\nselect = [\"lab.*\"]\n[[filter]]\nrelations = [\"lab.customers\"]\nwhere = \"{filter}\""
        ));
        let plain = filter.replace("caller.tenant", "'a'");
        for attack in ATTACKS {
            let sql = format!("SELECT id FROM lab.customers WHERE {attack}");
            let harmless = lab.answer(&sql).await;
            tried += 1;
            assert!(!harmless.contains("sqlstate"), "{sql}: {harmless}");
            assert!(!harmless.contains("HIDDEN-") && !harmless.contains("999999"), "{sql}: {harmless}");
            // Whether the hidden row is there must not matter.
            lab.database
                .admin()
                .await
                .batch_execute("BEGIN; UPDATE lab.customers SET tenant = 'z' WHERE id = 3; COMMIT")
                .await
                .unwrap();
            assert_eq!(lab.answer(&sql).await, harmless, "{filter}: {sql}");
            lab.database
                .admin()
                .await
                .batch_execute("UPDATE lab.customers SET tenant = 'b' WHERE id = 3")
                .await
                .unwrap();
            let leaky =
                format!("SELECT id FROM (SELECT * FROM lab.customers WHERE {plain}) AS c WHERE {attack}");
            let leaked = client.query(&leaky, &[]).await;
            canaries += usize::from(leaked.is_err());
        }
    }
    assert_eq!(tried, 25);
    assert!(canaries > 0, "a plain subquery leaked nowhere: the attacks are not what they should be");
}

#[tokio::test]
async fn errors_of_guarded_relations_carry_no_data() {
    let lab = Lab::create(TENANT).await;
    let answer = lab.answer("SELECT name::integer FROM lab.customers").await;
    assert!(answer.contains("22P02") && !answer.contains("Ada"), "{answer}");
    let answer = lab.answer("EXPLAIN SELECT * FROM lab.customers").await;
    assert!(answer.contains("sql.explain_hidden"), "{answer}");
}

/// What `pgwarden policy script` writes is recognised, trusted and used; a change by hand is not.
#[tokio::test]
async fn row_security_that_the_script_made_keeps_the_rows_back_itself() {
    let mut lab = Lab::create(TENANT).await;
    let login = lab.catalog.contents().login.clone();
    let options = PlanOptions {
        role: login,
        connections: 20,
        seconds: 30,
        search_path: None,
        revoke_public: false,
        managed: false,
    };
    let script = Plan::of(&lab.policy, &lab.catalog, options).unwrap().apply();
    let admin = lab.database.admin().await;
    admin.batch_execute(&script).await.unwrap();
    lab.catalog = lab.gate.refresh().await.unwrap();
    // A condition that needs a fence otherwise.
    let sql = "SELECT id FROM lab.customers WHERE 1 / (points - 999999) < 5 ORDER BY id";
    let checked = lab.check(sql).unwrap();
    assert!(
        checked.enforced().iter().all(|one| one.by == Enforcement::RowSecurity),
        "{:?}",
        checked.enforced()
    );
    assert_eq!(checked.settings(), [("pgwarden.tenant".to_owned(), "a".to_owned())]);
    assert!(!checked.text().contains("OFFSET"), "{}", checked.text());
    assert_eq!(lab.rows(sql).await, "1 2");
    lab.claims = Claims::from_iter([("tenant", "b")]);
    assert_eq!(lab.rows("SELECT id FROM lab.customers").await, "3");
    lab.claims = Claims::none();
    assert_eq!(lab.check(sql).unwrap_err().rule.unwrap(), "policy.claims");
    lab.claims = Claims::from_iter([("tenant", "a")]);
    // Somebody opens the policy by hand.
    let change = "DO $$ DECLARE p record; BEGIN FOR p IN SELECT polname, polrelid::regclass AS t FROM pg_policy \
        WHERE NOT polpermissive LOOP EXECUTE format('ALTER POLICY %I ON %s USING (true)', p.polname, p.t); END LOOP; END $$";
    admin.batch_execute(change).await.unwrap();
    lab.catalog = lab.gate.refresh().await.unwrap();
    assert_eq!(lab.check(sql).unwrap().enforced().first().unwrap().by, Enforcement::Fence);
    assert_eq!(lab.rows(sql).await, "1 2");
}
